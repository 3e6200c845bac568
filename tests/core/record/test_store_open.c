/* SPDX-License-Identifier: MIT */
/* The database as it is found: of older and newer versions, or none at all. */
#include "tests/core/record/stored.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static char *read_file(const char *path, size_t *ret_len)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *buf = malloc(1 << 20);
	ssize_t n = read(fd, buf, 1 << 20);

	assert_true(n >= 0);
	*ret_len = (size_t)n;
	return buf;
}

static void assert_refused_and_untouched(struct stored *g, const char *words)
{
	size_t before_len, after_len;
	CLEANUP(free_cleanup) char *before = read_file(g->path, &before_len);

	assert_int_equal(store_open(tree_state(g->tree), &g->boot, &g->store, &g->err), -1);
	assert_null(g->store);
	assert_int_equal(g->err.code, CORE_INTERNAL);
	assert_non_null(strstr(g->err.message, words));
	assert_non_null(strstr(g->err.message, g->path));
	CLEANUP(free_cleanup) char *after = read_file(g->path, &after_len);
	assert_int_equal(after_len, before_len);
	assert_memory_equal(after, before, before_len);
}

static void a_newer_version_is_refused_and_kept(void **state)
{
	struct stored *g = *state;
	sqlite3 *db;

	store_close(STEAL(g->store));
	assert_int_equal(sqlite3_open(g->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_refused_and_untouched(g, "newer vfiod (version 99");
}

/* Also one that is kept in another way than ours are. */
static void a_newer_version_without_a_log_is_refused_and_kept(void **state)
{
	struct stored *g = *state;

	store_close(STEAL(g->store));
	assert_int_equal(unlink(g->path), 0);
	by_sql(g,
		"CREATE TABLE future (x); INSERT INTO future VALUES (1); PRAGMA user_version = 99");
	assert_refused_and_untouched(g, "newer vfiod (version 99");
	assert_true(by_sql(g, "SELECT x FROM future"));
}

/* An empty database as that version of the schema made it. */
static void make_old(struct stored *g, int version)
{
	store_close(STEAL(g->store));
	assert_int_equal(unlink(g->path), 0);
	by_sql(g, "CREATE TABLE origin (address INTEGER PRIMARY KEY, vendor INTEGER NOT NULL,"
		  " device INTEGER NOT NULL, subsystem_vendor INTEGER NOT NULL,"
		  " subsystem_device INTEGER NOT NULL, driver TEXT NOT NULL,"
		  " override TEXT NOT NULL) STRICT;"
		  "CREATE TABLE intent (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL,"
		  " started TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT;"
		  "CREATE TABLE intent_device (intent INTEGER NOT NULL REFERENCES intent(id)"
		  " ON DELETE CASCADE, address INTEGER NOT NULL, vendor INTEGER NOT NULL,"
		  " device INTEGER NOT NULL, subsystem_vendor INTEGER NOT NULL,"
		  " subsystem_device INTEGER NOT NULL, driver TEXT NOT NULL,"
		  " override TEXT NOT NULL, PRIMARY KEY (intent, address)) STRICT;"
		  "PRAGMA user_version = 1");
	if (version >= 2)
		by_sql(g, "ALTER TABLE origin ADD COLUMN node_uid INTEGER;"
			  "ALTER TABLE origin ADD COLUMN node_gid INTEGER;"
			  "ALTER TABLE origin ADD COLUMN node_mode INTEGER;"
			  "ALTER TABLE intent_device ADD COLUMN node_uid INTEGER;"
			  "ALTER TABLE intent_device ADD COLUMN node_gid INTEGER;"
			  "ALTER TABLE intent_device ADD COLUMN node_mode INTEGER;"
			  "PRAGMA user_version = 2");
	if (version == 3)
		by_sql(g, "ALTER TABLE origin ADD COLUMN idle_use_count INTEGER NOT NULL DEFAULT 0;"
			  "ALTER TABLE intent_device ADD COLUMN idle_use_count INTEGER NOT NULL"
			  " DEFAULT 0; PRAGMA user_version = 3");
}

/* The columns that all versions have. */
#define INSERT_DEVICE                                                                              \
	"INSERT INTO intent_device (intent, address, vendor, device, subsystem_vendor,"            \
	" subsystem_device, driver, override) VALUES"

static void a_database_of_version_1_is_taken_over(void **state)
{
	struct stored *g = *state;

	make_old(g, 1);
	CLEANUP(free_cleanup) char *rows = NULL;
	struct device_origin gpu = origin("0000:01:00.0", "nvidia", "kept");
	struct device_origin nic = origin("0000:02:00.0", "e1000e", "");
	assert_true(asprintf(&rows,
			    "INSERT INTO origin VALUES (%llu,4318,8708,4163,34773,'nvidia','kept');"
			    "INSERT INTO intent (id, what) VALUES (7, 'bind');" INSERT_DEVICE
			    " (7,%llu,4318,8708,4163,34773,'e1000e','')",
			    (unsigned long long)pci_address_key(gpu.address),
			    (unsigned long long)pci_address_key(nic.address)) > 0);
	by_sql(g, rows);
	for (int i = 0; i < 2; i++) {
		reopen(g);
		assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 nvidia,kept|");
		assert_intents(g, "7:0000:02:00.0 10de:2204 1043:87d5 e1000e,|");
	}
	/* What it could not say is no wish. */
	struct device_origin found = take(g);
	assert_false(node_access_any(&found.access));
	gpu.access = (struct node_access){.has_gid = true, .gid = 0};
	assert_int_equal(end(g, 7, &gpu, 1, NULL, 0), 0);
	reopen(g);
	found = take(g);
	assert_true(found.access.has_gid && !found.access.has_uid && !found.access.has_mode);
	assert_intents(g, "");
}

/* Before version 4 a record has no time. The file has. */
static void a_record_of_an_older_version_is_of_this_boot_if_the_file_is(void **state)
{
	struct stored *g = *state;
	struct boot before = g->boot;

	for (int version = 1; version <= 3; version++) {
		for (int rebooted = 0; rebooted <= 1; rebooted++) {
			g->boot.time = rebooted ? (int64_t)time(NULL) + 1000 : before.time;
			make_old(g, version);
			by_sql(g, "INSERT INTO origin (address, vendor, device, subsystem_vendor,"
				  " subsystem_device, driver, override)"
				  " VALUES (256,4318,8708,4163,34773,'nvidia','kept')");
			reopen(g);
			assert_origins(
				g, rebooted ? "" : "0000:01:00.0 10de:2204 1043:87d5 nvidia,kept|");
			/* And so it stays, whenever this version opens it again. */
			g->boot.time = before.time;
			reopen(g);
			assert_origins(
				g, rebooted ? "" : "0000:01:00.0 10de:2204 1043:87d5 nvidia,kept|");
			if (!rebooted) {
				struct device_origin found = take(g);
				assert_int_equal(found.binding.folder, 0);
				assert_int_equal(found.binding.link, 0);
			}
		}
	}
}

static void an_intent_of_an_older_version_has_a_time_of_its_own(void **state)
{
	static const struct {
		const char *started;
		bool is_of_another_boot;
	} rows[] = {
		{"2001-09-09 01:46:39", true}, {"2001-09-09 01:46:40", false}, {"nonsense", true}};
	struct stored *g = *state;

	g->boot.time = 1000000000;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char sql[320];

		make_old(g, 3);
		snprintf(sql, sizeof(sql),
			"INSERT INTO intent (id, what, started) VALUES (7, 'bind', '%s');" INSERT_DEVICE
			" (7,256,4318,8708,4163,34773,'nvidia','')",
			rows[i].started);
		by_sql(g, sql);
		reopen(g);
		CLEANUP(free_cleanup) struct intent *intent = take_intent(g);
		assert_int_equal(intent->is_of_another_boot, rows[i].is_of_another_boot);
	}
}

/* What is written stays readable: by the words, each as older versions wrote it. */
static const struct word {
	const char *text;
	enum intent_kind kind;
	enum intent_phase phase;
} words[] = {
	{"bind", CHANGE_BIND, CHANGE_MAKING},
	{"unbind", CHANGE_UNBIND, CHANGE_MAKING},
	{"free", CHANGE_LEAVE_DRIVERLESS, CHANGE_MAKING},
	{"finish bind", CHANGE_BIND, CHANGE_FINISHING},
	{"finish unbind", CHANGE_UNBIND, CHANGE_FINISHING},
	{"finish free", CHANGE_LEAVE_DRIVERLESS, CHANGE_FINISHING},
	{"undo", CHANGE_BIND, CHANGE_ROLLING_BACK},
};

static void an_old_database_tells_kind_and_phase_of_its_intents(void **state)
{
	struct stored *g = *state;

	for (int version = 1; version <= 3; version++) {
		for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
			char sql[320];

			make_old(g, version);
			snprintf(sql, sizeof(sql),
				"INSERT INTO intent (id, what) VALUES (7, '%s');" INSERT_DEVICE
				" (7,256,4318,8708,4163,34773,'nvidia','')",
				words[i].text);
			by_sql(g, sql);
			reopen(g);
			CLEANUP(free_cleanup) struct intent *intent = take_intent(g);
			assert_int_equal(intent->id, 7);
			assert_int_equal(intent->kind, words[i].kind);
			assert_int_equal(intent->phase, words[i].phase);
			assert_int_equal(intent->n_devices, 1);
		}
	}
}

/* And the other way round: an older version may be started again. */
static void the_words_for_kind_and_phase_stay_the_same(void **state)
{
	struct stored *g = *state;
	struct device_origin gpu = origin("0000:01:00.0", "nvidia", "");

	for (size_t i = 0; i < ARRAY_SIZE(words) + 2; i++) {
		/* The last word is for all kinds. */
		const struct word *w = &words[i < ARRAY_SIZE(words) ? i : ARRAY_SIZE(words) - 1];
		enum intent_kind kind = i < ARRAY_SIZE(words) ? w->kind : i - ARRAY_SIZE(words) + 1;
		CLEANUP(free_cleanup) struct intent *intent = intent_of(kind, &gpu, 1);
		char sql[96];

		assert_int_equal(store_begin(g->store, intent, &g->err), 0);
		intent->phase = w->phase;
		assert_int_equal(
			store_end(g->store, intent, &(struct store_outcome){0}, &g->err), 0);
		snprintf(sql, sizeof(sql), "SELECT 1 FROM intent WHERE id = %d AND what = '%s'",
			(int)intent->id, w->text);
		assert_true(by_sql(g, sql));
	}
}

static void an_unknown_word_is_of_a_change_to_be_rolled_back(void **state)
{
	struct stored *g = *state;
	struct device_origin gpu = origin("0000:01:00.0", "nvidia", "");
	int64_t id;

	assert_int_equal(begin(g, &gpu, 1, &id), 0);
	by_sql(g, "UPDATE intent SET what = 'finish nothing'");
	CLEANUP(free_cleanup) struct intent *intent = take_intent(g);
	assert_int_equal(intent->phase, CHANGE_ROLLING_BACK);
}

static void garbage_is_refused_and_kept(void **state)
{
	struct stored *g = *state;
	FILE *out;

	store_close(STEAL(g->store));
	out = fopen(g->path, "w");
	for (int i = 0; i < 5000; i++)
		fprintf(out, "this is no database %d\n", i);
	fclose(out);
	assert_refused_and_untouched(g, "not a database");
}

static void a_link_is_not_followed(void **state)
{
	struct stored *g = *state;
	char other[400];

	store_close(STEAL(g->store));
	snprintf(other, sizeof(other), "%s/elsewhere.db", tree_state(g->tree));
	assert_int_equal(rename(g->path, other), 0);
	assert_int_equal(symlink(other, g->path), 0);
	assert_int_equal(store_open(tree_state(g->tree), &g->boot, &g->store, &g->err), -1);
	assert_null(g->store);
}

static void a_missing_folder_is_an_error(void **state)
{
	struct stored *g = *state;
	struct store *store = NULL;

	assert_int_equal(store_open("/nonexistent", &g->boot, &store, &g->err), -1);
	assert_null(store);
	assert_non_null(strstr(g->err.message, "/nonexistent/state.db"));
	store_close(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, stored_setup, stored_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_newer_version_is_refused_and_kept),
		TEST(a_newer_version_without_a_log_is_refused_and_kept),
		TEST(a_database_of_version_1_is_taken_over),
		TEST(a_record_of_an_older_version_is_of_this_boot_if_the_file_is),
		TEST(an_intent_of_an_older_version_has_a_time_of_its_own),
		TEST(an_old_database_tells_kind_and_phase_of_its_intents),
		TEST(the_words_for_kind_and_phase_stay_the_same),
		TEST(an_unknown_word_is_of_a_change_to_be_rolled_back),
		TEST(garbage_is_refused_and_kept),
		TEST(a_link_is_not_followed),
		TEST(a_missing_folder_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
