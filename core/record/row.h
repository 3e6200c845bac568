/* SPDX-License-Identifier: MIT */
/* Records and intents as rows of the database. For core/record/store.c alone. */
#pragma once

#include "core/pci/boot.h"
#include "core/record/intent.h"

#include <sqlite3.h>

/* The word for what a change is and how far it has come; static storage. */
const char *row_word(const struct intent *intent);

/* Sets kind and phase by the word. One that is not known is that of a change to be rolled back. */
void row_read_word(const char *text, struct intent *intent);

/* Binds the record's columns to the first parameters. The texts must outlive the statement's run.
 */
void row_bind_origin(sqlite3_stmt *q, const struct boot *boot, const struct device_origin *o);

/* Reads the record from the first columns of a row. */
void row_read_origin(sqlite3_stmt *q, struct device_origin *o);
