/* SPDX-License-Identifier: MIT */
/* The versions of the database. */
#include "core/record/schema.h"
#include "core/base/util.h"

#include <stdio.h>
#include <string.h>

/* Each takes the database one version further. */
static const char *const SCHEMAS[] = {
	"CREATE TABLE origin ("
	" address INTEGER PRIMARY KEY, vendor INTEGER NOT NULL, device INTEGER NOT NULL,"
	" subsystem_vendor INTEGER NOT NULL, subsystem_device INTEGER NOT NULL,"
	" driver TEXT NOT NULL, override TEXT NOT NULL) STRICT;"
	"CREATE TABLE intent ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL,"
	" started TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT;"
	"CREATE TABLE intent_device ("
	" intent INTEGER NOT NULL REFERENCES intent(id) ON DELETE CASCADE,"
	" address INTEGER NOT NULL, vendor INTEGER NOT NULL, device INTEGER NOT NULL,"
	" subsystem_vendor INTEGER NOT NULL, subsystem_device INTEGER NOT NULL,"
	" driver TEXT NOT NULL, override TEXT NOT NULL,"
	" PRIMARY KEY (intent, address)) STRICT;",
	/* NULL: as it is. */
	"ALTER TABLE origin ADD COLUMN node_uid INTEGER;"
	"ALTER TABLE origin ADD COLUMN node_gid INTEGER;"
	"ALTER TABLE origin ADD COLUMN node_mode INTEGER;"
	"ALTER TABLE intent_device ADD COLUMN node_uid INTEGER;"
	"ALTER TABLE intent_device ADD COLUMN node_gid INTEGER;"
	"ALTER TABLE intent_device ADD COLUMN node_mode INTEGER;",
	("ALTER TABLE origin ADD COLUMN idle_use_count INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE intent_device ADD COLUMN idle_use_count INTEGER NOT NULL DEFAULT 0;"),
	/* Inodes in sysfs: of the device's folder and of its driver link. 0: not known, or none. */
	("ALTER TABLE origin ADD COLUMN boot TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE origin ADD COLUMN folder INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE origin ADD COLUMN link INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE intent_device ADD COLUMN boot TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE intent_device ADD COLUMN folder INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE intent_device ADD COLUMN link INTEGER NOT NULL DEFAULT 0;"),
};

/* Says of which boot the rows of a database are that cannot tell. What stays without a boot is of
 * none. */
static char *schema_date(const struct boot *boot, int64_t written)
{
	char *sql = NULL;
	int n = asprintf(&sql,
		"UPDATE origin SET boot = '%s' WHERE %d;"
		"UPDATE intent_device SET boot = '%s' WHERE intent IN (SELECT id FROM intent WHERE"
		" CAST(strftime('%%s', started) AS INTEGER) >= %lld);",
		boot->id, written >= boot->time, boot->id, (long long)boot->time);

	return n < 0 ? NULL : sql;
}

char *schema_step(int version, const struct boot *boot, int64_t written)
{
	_Static_assert(ARRAY_SIZE(SCHEMAS) == SCHEMA_VERSION, "a step for each version");
	CLEANUP(free_cleanup) char *date = NULL;
	char *sql = NULL;

	if (version < SCHEMA_VERSION - 1)
		return strdup(SCHEMAS[version]);
	date = schema_date(boot, written);
	return date && asprintf(&sql, "%s%s", SCHEMAS[version], date) >= 0 ? sql : NULL;
}
