/* SPDX-License-Identifier: MIT */
/* Records and intents as rows of the database. */
#include "core/record/row.h"

#include "core/base/util.h"

#include <stdio.h>
#include <string.h>

/* The words for what a change is and how far it has come. Databases have them: never change one. A
 * word that is not known is that of a change to be rolled back, as is the last. */
static const struct row_word {
	const char *text;
	enum intent_kind kind;
	enum intent_phase phase;
} WORDS[] = {
	{"bind", CHANGE_BIND, CHANGE_MAKING},
	{"unbind", CHANGE_UNBIND, CHANGE_MAKING},
	{"free", CHANGE_LEAVE_DRIVERLESS, CHANGE_MAKING},
	{"finish bind", CHANGE_BIND, CHANGE_FINISHING},
	{"finish unbind", CHANGE_UNBIND, CHANGE_FINISHING},
	{"finish free", CHANGE_LEAVE_DRIVERLESS, CHANGE_FINISHING},
	{"undo", CHANGE_BIND, CHANGE_ROLLING_BACK},
};

const char *row_word(const struct intent *intent)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(WORDS) - 1 &&
		(WORDS[i].kind != intent->kind || WORDS[i].phase != intent->phase))
		i++;
	return WORDS[i].text;
}

void row_read_word(const char *text, struct intent *intent)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(WORDS) - 1 && strcmp(WORDS[i].text, text) != 0)
		i++;
	intent->kind = WORDS[i].kind;
	intent->phase = WORDS[i].phase;
}

static void row_bind_wish(sqlite3_stmt *q, int parameter, bool is_set, uint32_t value)
{
	if (is_set)
		sqlite3_bind_int64(q, parameter, value);
	else
		sqlite3_bind_null(q, parameter);
}

void row_bind_origin(sqlite3_stmt *q, const struct boot *boot, const struct device_origin *o)
{
	sqlite3_bind_int64(q, 1, (sqlite3_int64)pci_address_key(o->address));
	sqlite3_bind_int(q, 2, o->identity.vendor);
	sqlite3_bind_int(q, 3, o->identity.device);
	sqlite3_bind_int(q, 4, o->identity.subsystem_vendor);
	sqlite3_bind_int(q, 5, o->identity.subsystem_device);
	sqlite3_bind_text(q, 6, o->driver, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 7, o->override, -1, SQLITE_STATIC);
	row_bind_wish(q, 8, o->access.has_uid, o->access.uid);
	row_bind_wish(q, 9, o->access.has_gid, o->access.gid);
	row_bind_wish(q, 10, o->access.has_mode, o->access.mode);
	sqlite3_bind_int64(q, 11, o->idle_use_count);
	sqlite3_bind_int64(q, 12, (sqlite3_int64)o->binding.folder);
	sqlite3_bind_int64(q, 13, (sqlite3_int64)o->binding.link);
	sqlite3_bind_text(q, 14, boot->id, -1, SQLITE_STATIC);
}

static void row_column_text(sqlite3_stmt *q, int column, char *buf, size_t size)
{
	const unsigned char *text = sqlite3_column_text(q, column);

	snprintf(buf, size, "%s", text ? (const char *)text : "");
}

static bool row_read_wish(sqlite3_stmt *q, int column, uint32_t *ret)
{
	*ret = (uint32_t)sqlite3_column_int64(q, column);
	return sqlite3_column_type(q, column) != SQLITE_NULL;
}

void row_read_origin(sqlite3_stmt *q, struct device_origin *o)
{
	*o = (struct device_origin){
		.address = pci_address_from_key((uint64_t)sqlite3_column_int64(q, 0)),
		.identity = {(uint16_t)sqlite3_column_int(q, 1), (uint16_t)sqlite3_column_int(q, 2),
			(uint16_t)sqlite3_column_int(q, 3), (uint16_t)sqlite3_column_int(q, 4)},
	};
	row_column_text(q, 5, o->driver, sizeof(o->driver));
	row_column_text(q, 6, o->override, sizeof(o->override));
	o->access.has_uid = row_read_wish(q, 7, &o->access.uid);
	o->access.has_gid = row_read_wish(q, 8, &o->access.gid);
	o->access.has_mode = row_read_wish(q, 9, &o->access.mode);
	o->idle_use_count = (uint32_t)sqlite3_column_int64(q, 10);
	o->binding.folder = (uint64_t)sqlite3_column_int64(q, 11);
	o->binding.link = (uint64_t)sqlite3_column_int64(q, 12);
}
