/* SPDX-License-Identifier: MIT */
/* The database. */
#include "core/base/util.h"
#include "core/record/store.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* The syncs that SQLite makes, counted where they pass: this program's definitions come before
 * libc's. */
static unsigned n_syncs;

int fsync(int fd)
{
	n_syncs++;
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fildes)
{
	n_syncs++;
	return (int)syscall(SYS_fdatasync, fildes);
}

struct ground {
	struct tree *tree; /* for its state folder */
	struct store *store;
	struct core_error err;
	char path[300];
};

static int setup(void **state)
{
	struct ground *g = calloc(1, sizeof(*g));

	g->tree = tree_new();
	snprintf(g->path, sizeof(g->path), "%s/state.db", tree_state(g->tree));
	assert_int_equal(store_open(tree_state(g->tree), &g->store, &g->err), 0);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct ground *g = *state;

	store_close(g->store);
	core_error_clear(&g->err);
	tree_free(g->tree);
	free(g);
	return 0;
}

static void reopen(struct ground *g)
{
	store_close(STEAL(g->store));
	assert_int_equal(store_open(tree_state(g->tree), &g->store, &g->err), 0);
}

static struct device_origin origin(const char *address, const char *driver, const char *override)
{
	struct device_origin o = {.identity = {0x10de, 0x2204, 0x1043, 0x87d5}};

	assert_true(pci_address_parse(address, &o.address));
	strcpy(o.driver, driver);
	strcpy(o.override, override);
	return o;
}

/* An intent to change these devices. */
static struct intent *intent_of(enum intent_kind kind, const struct device_origin *before, size_t n)
{
	struct intent *intent = intent_new(kind, n);

	memcpy(intent->before, before, n * sizeof(*before));
	intent->n_devices = n;
	return intent;
}

/* Begins a bind. */
static int begin(struct ground *g, const struct device_origin *before, size_t n, int64_t *ret)
{
	CLEANUP(free_cleanup) struct intent *intent = intent_of(CHANGE_BIND, before, n);
	int result = store_begin(g->store, intent, &g->err);

	*ret = intent->id;
	return result;
}

static int end(struct ground *g, int64_t id, const struct device_origin *add, size_t n_add,
	const struct pci_address *drop, size_t n_drop)
{
	CLEANUP(store_outcome_clear) struct store_outcome outcome = {0};
	const struct intent intent = {.id = id, .phase = CHANGE_ENDED};

	for (size_t i = 0; i < n_add; i++)
		assert_int_equal(store_outcome_add(&outcome, &add[i], false), 0);
	for (size_t i = 0; i < n_drop; i++) {
		const struct device_origin record = {.address = drop[i]};
		assert_int_equal(store_outcome_add(&outcome, &record, true), 0);
	}
	return store_end(g->store, &intent, &outcome, &g->err);
}

/* Adds a device to a text of 1024 bytes. */
static void list_one(char *text, const struct device_origin *o)
{
	size_t n = strlen(text);
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(o->address, address);
	snprintf(text + n, 1024 - n, "%s %04x:%04x %04x:%04x %s,%s|", address, o->identity.vendor,
		o->identity.device, o->identity.subsystem_vendor, o->identity.subsystem_device,
		o->driver, o->override);
}

static void assert_origins(struct ground *g, const char *expected)
{
	CLEANUP(free_cleanup) struct origin_list *list = NULL;
	char text[1024] = "";

	assert_int_equal(store_origins(g->store, &list, &g->err), 0);
	for (size_t i = 0; list && i < list->count; i++)
		list_one(text, &list->items[i]);
	assert_string_equal(text, expected);
}

static void assert_intents(struct ground *g, const char *expected)
{
	CLEANUP(intent_list_cleanup) struct intent *list = NULL;
	char text[1024] = "";

	assert_int_equal(store_intents(g->store, &list, &g->err), 0);
	for (const struct intent *intent = list; intent; intent = intent->next) {
		for (size_t i = 0; i < intent->n_devices; i++) {
			size_t n = strlen(text);
			snprintf(text + n, sizeof(text) - n, "%d:", (int)intent->id);
			list_one(text, &intent->before[i]);
		}
	}
	assert_string_equal(text, expected);
}

static void records_survive_a_restart_in_order_of_address(void **state)
{
	struct ground *g = *state;
	struct device_origin rows[] = {
		origin("ffffffff:ff:1f.7", "nvme", ""),
		origin("0000:01:00.0", "nvidia", "kept"),
		origin("0000:01:00.1", "", ""),
	};
	int64_t intent;

	assert_int_equal(begin(g, rows, 3, &intent), 0);
	assert_origins(g, "");
	assert_int_equal(end(g, intent, rows, 3, NULL, 0), 0);
	reopen(g);
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 nvidia,kept|"
			  "0000:01:00.1 10de:2204 1043:87d5 ,|"
			  "ffffffff:ff:1f.7 10de:2204 1043:87d5 nvme,|");
	assert_intents(g, "");
}

static void a_new_record_takes_an_old_ones_place_and_dropping_is_exact(void **state)
{
	struct ground *g = *state;
	struct device_origin a = origin("0000:01:00.0", "nvidia", "");
	struct device_origin b = origin("0000:01:00.1", "snd_hda_intel", "");
	struct pci_address absent = {0, 9, 9, 1};

	assert_int_equal(end(g, 0, &a, 1, NULL, 0), 0);
	strcpy(a.driver, "nouveau");
	assert_int_equal(end(g, 0, &a, 1, NULL, 0), 0);
	assert_int_equal(end(g, 0, &b, 1, &absent, 1), 0);
	assert_int_equal(end(g, 0, NULL, 0, &b.address, 1), 0);
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 nouveau,|");
}

static void an_unfinished_intent_is_found_after_a_restart(void **state)
{
	struct ground *g = *state;
	struct device_origin rows[] = {
		origin("0000:01:00.1", "snd_hda_intel", ""),
		origin("0000:01:00.0", "nvidia", "x"),
		origin("0000:02:00.0", "e1000e", ""),
	};
	int64_t first, second, third;

	assert_int_equal(begin(g, rows, 2, &first), 0);
	assert_int_equal(begin(g, rows + 2, 1, &second), 0);
	assert_int_equal(begin(g, rows + 2, 1, &third), 0);
	assert_int_equal(end(g, second, NULL, 0, NULL, 0), 0);
	reopen(g);
	assert_intents(g, "3:0000:02:00.0 10de:2204 1043:87d5 e1000e,|"
			  "1:0000:01:00.0 10de:2204 1043:87d5 nvidia,x|"
			  "1:0000:01:00.1 10de:2204 1043:87d5 snd_hda_intel,|");
	assert_int_equal(end(g, third, NULL, 0, NULL, 0), 0);
	assert_int_equal(end(g, first, NULL, 0, NULL, 0), 0);
	assert_intents(g, "");
	/* A number is never used again. */
	assert_int_equal(begin(g, rows, 1, &second), 0);
	assert_true(second > third);
}

static void devices_that_change_anew_leave_an_intent_that_could_not_be_ended(void **state)
{
	struct ground *g = *state;
	struct device_origin rows[] = {
		origin("0000:01:00.0", "nvidia", "x"),
		origin("0000:01:00.1", "snd_hda_intel", ""),
	};
	int64_t intent;

	assert_int_equal(begin(g, rows, 2, &intent), 0);
	assert_int_equal(begin(g, rows, 1, &intent), 0);
	assert_intents(g, "2:0000:01:00.0 10de:2204 1043:87d5 nvidia,x|"
			  "1:0000:01:00.1 10de:2204 1043:87d5 snd_hda_intel,|");
	assert_int_equal(begin(g, rows, 2, &intent), 0);
	assert_int_equal(end(g, intent, rows, 2, NULL, 0), 0);
	reopen(g);
	assert_intents(g, "");
}

static void an_intent_that_cannot_be_written_leaves_nothing(void **state)
{
	struct ground *g = *state;
	struct device_origin twice[] = {
		origin("0000:01:00.0", "nvidia", ""), origin("0000:01:00.0", "nvidia", "")};
	int64_t intent;

	assert_int_equal(begin(g, twice, 2, &intent), -1);
	assert_int_equal(g->err.code, CORE_INTERNAL);
	assert_non_null(strstr(g->err.message, g->path));
	assert_intents(g, "");
	/* The failed transaction does not stay open. */
	assert_int_equal(begin(g, twice, 1, &intent), 0);
}

static char *read_file(const char *path, size_t *ret_len)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *buf = malloc(1 << 20);
	ssize_t n = read(fd, buf, 1 << 20);

	assert_true(n >= 0);
	*ret_len = (size_t)n;
	return buf;
}

static void assert_refused_and_untouched(struct ground *g, const char *words)
{
	size_t before_len, after_len;
	CLEANUP(free_cleanup) char *before = read_file(g->path, &before_len);

	assert_int_equal(store_open(tree_state(g->tree), &g->store, &g->err), -1);
	assert_null(g->store);
	assert_int_equal(g->err.code, CORE_INTERNAL);
	assert_non_null(strstr(g->err.message, words));
	assert_non_null(strstr(g->err.message, g->path));
	CLEANUP(free_cleanup) char *after = read_file(g->path, &after_len);
	assert_int_equal(after_len, before_len);
	assert_memory_equal(after, before, before_len);
}

/* Another program with the database. Whether there was a row. */
static bool by_sql(struct ground *g, const char *sql)
{
	sqlite3_stmt *q = NULL;
	sqlite3 *db;
	bool row = false;

	assert_int_equal(sqlite3_open(g->path, &db), SQLITE_OK);
	while (*sql) {
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, &sql), SQLITE_OK);
		int rc = sqlite3_step(q);
		assert_true(rc == SQLITE_DONE || rc == SQLITE_ROW);
		row |= rc == SQLITE_ROW;
		sqlite3_finalize(q);
	}
	sqlite3_close(db);
	return row;
}

/* The only record. */
static struct device_origin take(struct ground *g)
{
	CLEANUP(free_cleanup) struct origin_list *list = NULL;

	assert_int_equal(store_origins(g->store, &list, &g->err), 0);
	assert_non_null(list);
	assert_int_equal(list->count, 1);
	return list->items[0];
}

/* The only intent. */
static struct intent *take_intent(struct ground *g)
{
	struct intent *list;

	assert_int_equal(store_intents(g->store, &list, &g->err), 0);
	assert_non_null(list);
	assert_null(list->next);
	return list;
}

static void a_newer_version_is_refused_and_kept(void **state)
{
	struct ground *g = *state;
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
	struct ground *g = *state;

	store_close(STEAL(g->store));
	assert_int_equal(unlink(g->path), 0);
	by_sql(g,
		"CREATE TABLE future (x); INSERT INTO future VALUES (1); PRAGMA user_version = 99");
	assert_refused_and_untouched(g, "newer vfiod (version 99");
	assert_true(by_sql(g, "SELECT x FROM future"));
}

/* An empty database as that version of the schema made it. */
static void make_old(struct ground *g, int version)
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
	if (version == 2)
		by_sql(g, "ALTER TABLE origin ADD COLUMN node_uid INTEGER;"
			  "ALTER TABLE origin ADD COLUMN node_gid INTEGER;"
			  "ALTER TABLE origin ADD COLUMN node_mode INTEGER;"
			  "ALTER TABLE intent_device ADD COLUMN node_uid INTEGER;"
			  "ALTER TABLE intent_device ADD COLUMN node_gid INTEGER;"
			  "ALTER TABLE intent_device ADD COLUMN node_mode INTEGER;"
			  "PRAGMA user_version = 2");
}

/* The columns that all versions have. */
#define INSERT_DEVICE                                                                              \
	"INSERT INTO intent_device (intent, address, vendor, device, subsystem_vendor,"            \
	" subsystem_device, driver, override) VALUES"

static void a_database_of_version_1_is_taken_over(void **state)
{
	struct ground *g = *state;

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
	struct ground *g = *state;

	for (int version = 1; version <= 2; version++) {
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
	struct ground *g = *state;
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
	struct ground *g = *state;
	struct device_origin gpu = origin("0000:01:00.0", "nvidia", "");
	int64_t id;

	assert_int_equal(begin(g, &gpu, 1, &id), 0);
	by_sql(g, "UPDATE intent SET what = 'finish nothing'");
	CLEANUP(free_cleanup) struct intent *intent = take_intent(g);
	assert_int_equal(intent->phase, CHANGE_ROLLING_BACK);
}

/* However many came before: the log is taken into the database while nobody waits. */
static void a_request_syncs_three_times_at_most(void **state)
{
	enum { REQUESTS = 1500 };
	struct device_origin gpu = origin("0000:01:00.0", "nvidia", "");
	struct ground *g = *state;
	unsigned most = 0, all = 0;
	char log[320];
	struct stat status;
	int64_t intent;

	for (int i = 0; i < REQUESTS; i++) {
		n_syncs = 0;
		assert_int_equal(begin(g, &gpu, 1, &intent), 0);
		assert_in_range(n_syncs, 1, 2);
		assert_int_equal(end(g, intent, &gpu, 1, NULL, 0), 0);
		most = n_syncs > most ? n_syncs : most;
		all += n_syncs;
		store_tidy(g->store);
	}
	assert_in_range(most, 2, 3);
	assert_in_range(all, 2 * REQUESTS, 2 * REQUESTS + REQUESTS / 10);
	snprintf(log, sizeof(log), "%s-wal", g->path);
	assert_int_equal(stat(log, &status), 0);
	assert_true(status.st_size < 2 << 20);
}

static void wishes_for_nodes_are_kept_each_by_itself(void **state)
{
	struct ground *g = *state;

	for (unsigned i = 0; i < 8; i++) {
		struct device_origin o = origin("0000:01:00.0", "nvidia", "");
		int64_t intent;

		o.access = (struct node_access){.has_uid = i & 1,
			.has_gid = i & 2,
			.has_mode = i & 4,
			.uid = UINT32_MAX - 1,
			.gid = 0,
			.mode = 0660};
		o.idle_use_count = i;
		assert_int_equal(begin(g, &o, 1, &intent), 0);
		reopen(g);
		CLEANUP(free_cleanup) struct intent *left = take_intent(g);
		assert_int_equal(end(g, intent, &o, 1, NULL, 0), 0);
		struct device_origin found = take(g);
		assert_int_equal(found.idle_use_count, i);
		assert_int_equal(left->before[0].idle_use_count, i);
		const struct node_access *both[] = {&found.access, &left->before[0].access};
		for (size_t k = 0; k < ARRAY_SIZE(both); k++) {
			assert_int_equal(both[k]->has_uid, o.access.has_uid);
			assert_int_equal(both[k]->has_gid, o.access.has_gid);
			assert_int_equal(both[k]->has_mode, o.access.has_mode);
			if (i & 1)
				assert_int_equal(both[k]->uid, UINT32_MAX - 1);
			if (i & 4)
				assert_int_equal(both[k]->mode, 0660);
		}
	}
}

static void an_intent_goes_on_with_what_is_left_of_it(void **state)
{
	struct ground *g = *state;
	struct device_origin rows[] = {origin("0000:01:00.0", "a", ""),
		origin("0000:02:00.0", "b", ""), origin("0000:03:00.0", "c", "")};
	CLEANUP(free_cleanup) struct intent *intent = intent_of(CHANGE_BIND, rows, 3);
	CLEANUP(store_outcome_clear) struct store_outcome outcome = {0};

	assert_int_equal(store_begin(g->store, intent, &g->err), 0);
	assert_int_equal(store_outcome_add(&outcome, &rows[0], false), 0);
	intent->phase = CHANGE_ROLLING_BACK;
	intent->before[0] = rows[1];
	intent->n_devices = 1;
	assert_int_equal(store_end(g->store, intent, &outcome, &g->err), 0);
	reopen(g);
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 a,|");
	assert_intents(g, "1:0000:02:00.0 10de:2204 1043:87d5 b,|");
	CLEANUP(free_cleanup) struct intent *left = take_intent(g);
	assert_int_equal(left->phase, CHANGE_ROLLING_BACK);
	assert_int_equal(end(g, left->id, NULL, 0, NULL, 0), 0);
	assert_intents(g, "");
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 a,|");
}

static void garbage_is_refused_and_kept(void **state)
{
	struct ground *g = *state;
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
	struct ground *g = *state;
	char other[400];

	store_close(STEAL(g->store));
	snprintf(other, sizeof(other), "%s/elsewhere.db", tree_state(g->tree));
	assert_int_equal(rename(g->path, other), 0);
	assert_int_equal(symlink(other, g->path), 0);
	assert_int_equal(store_open(tree_state(g->tree), &g->store, &g->err), -1);
	assert_null(g->store);
}

static void a_missing_folder_is_an_error(void **state)
{
	struct ground *g = *state;
	struct store *store = NULL;

	assert_int_equal(store_open("/nonexistent", &store, &g->err), -1);
	assert_null(store);
	assert_non_null(strstr(g->err.message, "/nonexistent/state.db"));
	store_close(NULL);
}

static void texts_are_data_and_no_sql(void **state)
{
	struct ground *g = *state;
	struct device_origin o = origin("0000:01:00.0", "a'); DROP TABLE origin;--", "\"'%s\xff");

	assert_int_equal(end(g, 0, &o, 1, NULL, 0), 0);
	reopen(g);
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 a'); DROP TABLE origin;--,\"'%s\xff|");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(records_survive_a_restart_in_order_of_address),
		TEST(a_new_record_takes_an_old_ones_place_and_dropping_is_exact),
		TEST(an_unfinished_intent_is_found_after_a_restart),
		TEST(devices_that_change_anew_leave_an_intent_that_could_not_be_ended),
		TEST(an_intent_that_cannot_be_written_leaves_nothing),
		TEST(a_newer_version_is_refused_and_kept),
		TEST(a_newer_version_without_a_log_is_refused_and_kept),
		TEST(a_database_of_version_1_is_taken_over),
		TEST(an_old_database_tells_kind_and_phase_of_its_intents),
		TEST(the_words_for_kind_and_phase_stay_the_same),
		TEST(an_unknown_word_is_of_a_change_to_be_rolled_back),
		TEST(a_request_syncs_three_times_at_most),
		TEST(wishes_for_nodes_are_kept_each_by_itself),
		TEST(an_intent_goes_on_with_what_is_left_of_it),
		TEST(garbage_is_refused_and_kept),
		TEST(a_link_is_not_followed),
		TEST(a_missing_folder_is_an_error),
		TEST(texts_are_data_and_no_sql),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
