/* SPDX-License-Identifier: MIT */
/* What the kernel cannot know, in SQLite. */
#include "core/record/store.h"

#include "core/base/array.h"
#include "core/base/util.h"
#include "core/record/row.h"
#include "core/record/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ORIGIN_COLUMNS                                                                             \
	"address, vendor, device, subsystem_vendor, subsystem_device, driver, override, "          \
	"node_uid, node_gid, node_mode, idle_use_count, folder, link, boot"

/* A device that is bound once more, after somebody else took it from its VFIO driver and left it
 * without one: what it had at the first bind is still what it is to be given back to. */
#define LOST_DRIVER                                                                                                              \
	"excluded.driver = '' AND folder IN (0, excluded.folder) AND vendor = excluded.vendor AND device = excluded.device AND " \
	"subsystem_vendor = excluded.subsystem_vendor AND "                                                                      \
	"subsystem_device = excluded.subsystem_device"

enum query {
	Q_BEGIN,
	Q_COMMIT,
	Q_ROLLBACK,
	Q_EACH,
	Q_ADD,
	Q_DROP,
	Q_FORGET,
	Q_FORGET_BOOTS,
	Q_INTENT_SUPERSEDE,
	Q_INTENT_DROP_EMPTY,
	Q_INTENT_ADD,
	Q_INTENT_ADD_DEVICE,
	Q_INTENT_DROP,
	Q_INTENT_LEAVE,
	Q_INTENT_DROP_DEVICES,
	Q_INTENT_EACH,
	Q_COUNT,
};

static const char *const QUERIES[Q_COUNT] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_EACH] = "SELECT " ORIGIN_COLUMNS " FROM origin WHERE boot = ? ORDER BY address",
	[Q_ADD] = "INSERT INTO origin (" ORIGIN_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
		  " ON CONFLICT (address) DO UPDATE SET vendor = excluded.vendor,"
		  " device = excluded.device, subsystem_vendor = excluded.subsystem_vendor,"
		  " subsystem_device = excluded.subsystem_device,"
		  " driver = iif(" LOST_DRIVER ", driver, excluded.driver),"
		  " override = iif(" LOST_DRIVER ", override, excluded.override),"
		  " node_uid = excluded.node_uid, node_gid = excluded.node_gid,"
		  " node_mode = excluded.node_mode, idle_use_count = excluded.idle_use_count,"
		  " folder = excluded.folder, link = excluded.link, boot = excluded.boot",
	[Q_DROP] = "DELETE FROM origin WHERE address = ?",
	[Q_FORGET] = "DELETE FROM origin WHERE address = ? AND folder = ? AND link = ?"
		     " AND address NOT IN (SELECT address FROM intent_device)",
	[Q_FORGET_BOOTS] = "DELETE FROM origin WHERE boot <> ?",
	[Q_INTENT_SUPERSEDE] = "DELETE FROM intent_device WHERE address = ?",
	[Q_INTENT_DROP_EMPTY] =
		"DELETE FROM intent WHERE id NOT IN (SELECT intent FROM intent_device)",
	[Q_INTENT_ADD] = "INSERT INTO intent (what) VALUES (?)",
	[Q_INTENT_ADD_DEVICE] = "INSERT INTO intent_device (" ORIGIN_COLUMNS
				", intent) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[Q_INTENT_DROP] = "DELETE FROM intent WHERE id = ?",
	[Q_INTENT_LEAVE] = "UPDATE intent SET what = ? WHERE id = ?",
	[Q_INTENT_DROP_DEVICES] = "DELETE FROM intent_device WHERE intent = ?",
	[Q_INTENT_EACH] = "SELECT " ORIGIN_COLUMNS
			  ", intent, what FROM intent_device JOIN intent ON intent = id"
			  " ORDER BY intent DESC, address",
};

/* Pages in the log at which it is taken into the database. */
enum { MUCH = 256 };

struct store {
	sqlite3 *db;
	int log_pages;
	sqlite3_stmt *queries[Q_COUNT];
	char *path;
	struct boot boot;
	pthread_mutex_t mutex;
};

/* What to do about what SQLite says; its own words for a full disk are often "disk I/O error". */
static const char *store_advice(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
		return "; see whether its file system is full, and free some space, or broken";
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return "; restore it from a backup, or move it away to begin without records";
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return "; the user vfiod runs as must own it and its folder, and it must be no "
		       "folder and no symbolic link";
	default:
		return "";
	}
}

static int store_fail_code(
	const struct store *s, struct core_error *err, const char *doing, int code)
{
	return core_fail(err, CORE_INTERNAL, "cannot %s the state database %s: %s%s", doing,
		s->path, sqlite3_errstr(code), store_advice(code));
}

static int store_fail(const struct store *s, struct core_error *err, const char *doing)
{
	if (!s->db)
		return store_fail_code(s, err, doing, SQLITE_NOMEM);
	return core_fail(err, CORE_INTERNAL, "cannot %s the state database %s: %s%s", doing,
		s->path, sqlite3_errmsg(s->db), store_advice(sqlite3_errcode(s->db)));
}

static int store_exec(struct store *s, const char *sql, const char *doing, struct core_error *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
								       : store_fail(s, err, doing);
}

static int store_read_version(struct store *s, int *ret, struct core_error *err)
{
	sqlite3_stmt *q = NULL;
	bool ok = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &q, NULL) == SQLITE_OK &&
		  sqlite3_step(q) == SQLITE_ROW;

	*ret = ok ? sqlite3_column_int(q, 0) : 0;
	sqlite3_finalize(q);
	if (!ok)
		return store_fail(s, err, "read");
	if (*ret < 0)
		return store_fail_code(s, err, "read", SQLITE_CORRUPT);
	if (*ret <= SCHEMA_VERSION)
		return 0;
	return core_fail(err, CORE_INTERNAL,
		"the state database %s was written by a newer vfiod (version %d, this one knows %d): start that vfiod again, or move the file away to begin without records",
		s->path, *ret, SCHEMA_VERSION);
}

static int store_make_schema(struct store *s, int version, int64_t written, struct core_error *err)
{
	for (; version < SCHEMA_VERSION; version++) {
		CLEANUP(free_cleanup) char *step = schema_step(version, &s->boot, written);
		CLEANUP(free_cleanup) char *sql = NULL;

		if (!step || asprintf(&sql, "BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT;",
				     step, version + 1) < 0)
			return core_fail_memory(err);
		if (store_exec(s, sql, "set up", err))
			return -1;
	}
	return 0;
}

static int store_prepare(struct store *s, struct core_error *err)
{
	for (unsigned i = 0; i < Q_COUNT; i++) {
		if (sqlite3_prepare_v3(s->db, QUERIES[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &s->queries[i], NULL) != SQLITE_OK)
			return store_fail(s, err, "read");
	}
	return 0;
}

static sqlite3_stmt *store_query(struct store *s, enum query which)
{
	sqlite3_stmt *q = s->queries[which];

	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return q;
}

/* Runs a statement that answers no rows. */
static int store_run(sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);

	sqlite3_reset(q);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void store_cleanup(struct store **s)
{
	store_close(*s);
}

/* Called by SQLite after each commit. */
static int store_on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *s = arg;

	(void)db;
	(void)name;
	s->log_pages = pages;
	return SQLITE_OK;
}

/* Makes the file where it is missing, for its owner alone: SQLite would have everybody read it, and
 * gives its log the mode of the database. What fails here SQLite meets too, and has words for. */
static void store_make_private(const char *path)
{
	struct stat status;
	CLEANUP(fd_cleanup)
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		(status.st_mode & 07777) != 0600)
		(void)!fchmod(fd, 0600);
}

/* When the database was last written to, in seconds since 1970: its log, or the file itself. */
static int64_t store_written(const struct store *s)
{
	CLEANUP(free_cleanup) char *log = NULL;
	struct stat status;
	int64_t written = 0;

	if (stat(s->path, &status) == 0)
		written = status.st_mtim.tv_sec;
	if (asprintf(&log, "%s-wal", s->path) >= 0 && stat(log, &status) == 0 &&
		status.st_size > 0 && status.st_mtim.tv_sec > written)
		written = status.st_mtim.tv_sec;
	return written;
}

/* Nothing that a record of another boot tells is so any more. */
static int store_forget_boots(struct store *s, struct core_error *err)
{
	sqlite3_stmt *q = store_query(s, Q_FORGET_BOOTS);

	sqlite3_bind_text(q, 1, s->boot.id, -1, SQLITE_STATIC);
	return store_run(q) ? store_fail(s, err, "write to") : 0;
}

int store_open(
	const char *folder, const struct boot *boot, struct store **ret, struct core_error *err)
{
	CLEANUP(store_cleanup) struct store *s = calloc(1, sizeof(*s));
	int version;

	if (!s || asprintf(&s->path, "%s/state.db", folder) < 0)
		return core_fail_memory(err);
	s->boot = *boot;
	pthread_mutex_init(&s->mutex, NULL);
	/* Before it is opened, which may write to it. */
	int64_t written = store_written(s);
	store_make_private(s->path);
	/* One connection under our own mutex. */
	if (sqlite3_open_v2(s->path, &s->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
			    SQLITE_OPEN_NOFOLLOW,
		    NULL) != SQLITE_OK)
		return store_fail(s, err, "open");
	/* SQLite falls back to reading alone, and no change could ever be begun. */
	if (sqlite3_db_readonly(s->db, "main") == 1)
		return store_fail_code(s, err, "write to", SQLITE_READONLY);
	/* Before anything that could write to it. */
	if (store_read_version(s, &version, err))
		return -1;
	/* A sync at each commit is the promise that intents rest on; a full write-ahead log makes
	 * it one fsync. */
	if (store_exec(s,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
		    "PRAGMA trusted_schema = OFF;",
		    "open", err) ||
		store_make_schema(s, version, written, err) || store_prepare(s, err) ||
		store_forget_boots(s, err))
		return -1;
	/* In place of SQLite's own checkpoints, whose two syncs a request would wait for. */
	sqlite3_wal_hook(s->db, store_on_commit, s);
	*ret = STEAL(s);
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < Q_COUNT; i++)
		sqlite3_finalize(s->queries[i]);
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->mutex);
	free(s->path);
	free(s);
}

/* Has append add every row of a query to what arg points to; -1 from it is lack of memory. */
static int store_each_row(struct store *s, enum query which,
	int (*append)(const struct store *s, sqlite3_stmt *q, void *arg), void *arg,
	struct core_error *err)
{
	int rc, failed = 0;

	pthread_mutex_lock(&s->mutex);
	sqlite3_stmt *q = store_query(s, which);
	if (which == Q_EACH)
		sqlite3_bind_text(q, 1, s->boot.id, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW && !failed)
		failed = append(s, q, arg);
	int result = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : store_fail(s, err, "read");
	if (failed)
		result = core_fail_memory(err);
	sqlite3_reset(q);
	pthread_mutex_unlock(&s->mutex);
	return result;
}

static int store_append_origin(const struct store *s, sqlite3_stmt *q, void *arg)
{
	(void)s;
	struct origin_list **list = arg;
	size_t n = *list ? (*list)->count : 0;
	struct origin_list *grown =
		realloc(*list, sizeof(*grown) + (n + 1) * sizeof(grown->items[0]));

	if (!grown)
		return -1;
	row_read_origin(q, &grown->items[n]);
	grown->count = n + 1;
	*list = grown;
	return 0;
}

int store_origins(struct store *s, struct origin_list **ret, struct core_error *err)
{
	CLEANUP(free_cleanup) struct origin_list *list = NULL;

	if (store_each_row(s, Q_EACH, store_append_origin, &list, err))
		return -1;
	*ret = STEAL(list);
	return 0;
}

/* Adds a row to the list of intents: to its last one, or to a new one. */
static int store_append_device(const struct store *s, sqlite3_stmt *q, void *arg)
{
	struct intent **last = arg;
	const char *boot = (const char *)sqlite3_column_text(q, 13);
	int64_t id = sqlite3_column_int64(q, 14);
	const char *word = (const char *)sqlite3_column_text(q, 15);

	while (*last && (*last)->id != id)
		last = &(*last)->next;
	size_t n = *last ? (*last)->n_devices : 0;
	struct intent *grown = realloc(*last, sizeof(*grown) + (n + 1) * sizeof(grown->before[0]));
	if (!grown)
		return -1;
	if (!*last) {
		*grown = (struct intent){.id = id};
		row_read_word(word ? word : "", grown);
	}
	/* An intent is written in one boot, all of it. */
	grown->is_of_another_boot = !boot || strcmp(boot, s->boot.id) != 0;
	row_read_origin(q, &grown->before[grown->n_devices++]);
	*last = grown;
	return 0;
}

int store_intents(struct store *s, struct intent **ret, struct core_error *err)
{
	CLEANUP(intent_list_cleanup) struct intent *list = NULL;

	if (store_each_row(s, Q_INTENT_EACH, store_append_device, &list, err))
		return -1;
	*ret = STEAL(list);
	return 0;
}

int store_outcome_add(struct store_outcome *o, const struct device_origin *origin, bool is_end)
{
	struct record_change *added = ARRAY_ADD(o->items, o->count);

	if (!added)
		return -ENOMEM;
	*added = (struct record_change){*origin, is_end};
	return 0;
}

void store_outcome_clear(struct store_outcome *o)
{
	free(o->items);
}

/* Runs a statement about an address, or about an intent. */
static int store_run_for(struct store *s, enum query which, int64_t key)
{
	sqlite3_stmt *q = store_query(s, which);

	sqlite3_bind_int64(q, 1, key);
	return store_run(q);
}

static int store_insert_devices(struct store *s, const struct intent *intent)
{
	for (size_t i = 0; i < intent->n_devices; i++) {
		sqlite3_stmt *q = store_query(s, Q_INTENT_ADD_DEVICE);

		row_bind_origin(q, &s->boot, &intent->before[i]);
		sqlite3_bind_int64(q, 15, intent->id);
		if (store_run(q))
			return -1;
	}
	return 0;
}

/* An intent that could not be ended on disk, full at that time, is void once its devices are
 * changed anew: the next start would take back what has been done since. */
static int store_supersede(struct store *s, const struct intent *intent)
{
	for (size_t i = 0; i < intent->n_devices; i++) {
		if (store_run_for(s, Q_INTENT_SUPERSEDE,
			    (int64_t)pci_address_key(intent->before[i].address)))
			return -1;
	}
	return store_run(store_query(s, Q_INTENT_DROP_EMPTY));
}

static int store_insert_intent(struct store *s, struct intent *intent)
{
	sqlite3_stmt *q = store_query(s, Q_INTENT_ADD);

	sqlite3_bind_text(q, 1, row_word(intent), -1, SQLITE_STATIC);
	if (store_run(q))
		return -1;
	intent->id = sqlite3_last_insert_rowid(s->db);
	return store_insert_devices(s, intent);
}

/* Ends a transaction: commits when all went well, else rolls back and says why. */
static int store_finish(struct store *s, int failed, struct core_error *err)
{
	if (!failed && store_run(store_query(s, Q_COMMIT)) == 0)
		return 0;
	store_fail(s, err, "write to");
	store_run(store_query(s, Q_ROLLBACK));
	return -1;
}

int store_begin(struct store *s, struct intent *intent, struct core_error *err)
{
	pthread_mutex_lock(&s->mutex);
	int failed = store_run(store_query(s, Q_BEGIN)) || store_supersede(s, intent) ||
		     store_insert_intent(s, intent);
	int result = store_finish(s, failed, err);
	pthread_mutex_unlock(&s->mutex);
	return result;
}

static int store_write_records(struct store *s, const struct store_outcome *o)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct record_change *r = &o->items[i];
		sqlite3_stmt *q = store_query(s, r->is_end ? Q_DROP : Q_ADD);

		if (r->is_end)
			sqlite3_bind_int64(q, 1, (sqlite3_int64)pci_address_key(r->origin.address));
		else
			row_bind_origin(q, &s->boot, &r->origin);
		if (store_run(q))
			return -1;
	}
	return 0;
}

/* Removes the intent, or lets it go on with what is left of it. */
static int store_write_intent(struct store *s, const struct intent *intent)
{
	if (intent->phase == CHANGE_ENDED)
		return store_run_for(s, Q_INTENT_DROP, intent->id);
	sqlite3_stmt *q = store_query(s, Q_INTENT_LEAVE);
	sqlite3_bind_text(q, 1, row_word(intent), -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, intent->id);
	return store_run(q) || store_run_for(s, Q_INTENT_DROP_DEVICES, intent->id) ||
	       store_insert_devices(s, intent);
}

int store_end(struct store *s, const struct intent *intent, const struct store_outcome *outcome,
	struct core_error *err)
{
	pthread_mutex_lock(&s->mutex);
	int failed = store_run(store_query(s, Q_BEGIN)) || store_write_records(s, outcome) ||
		     store_write_intent(s, intent);
	int result = store_finish(s, failed, err);
	pthread_mutex_unlock(&s->mutex);
	return result;
}

int store_forget(struct store *s, const struct device_origin *origin, bool *ret_forgotten,
	struct core_error *err)
{
	pthread_mutex_lock(&s->mutex);
	sqlite3_stmt *q = store_query(s, Q_FORGET);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)pci_address_key(origin->address));
	sqlite3_bind_int64(q, 2, (sqlite3_int64)origin->binding.folder);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)origin->binding.link);
	int result = store_run(q) ? store_fail(s, err, "write to") : 0;
	*ret_forgotten = result == 0 && sqlite3_changes(s->db) > 0;
	pthread_mutex_unlock(&s->mutex);
	return result;
}

void store_tidy(struct store *s)
{
	pthread_mutex_lock(&s->mutex);
	/* One that fails is made up for by a later one, or at the next start. */
	if (s->log_pages >= MUCH && sqlite3_wal_checkpoint_v2(s->db, NULL,
					    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
		s->log_pages = 0;
	pthread_mutex_unlock(&s->mutex);
}
