/* SPDX-License-Identifier: MIT */
/* vfiod's log: standard error, or systemd's journal where standard error leads there. */
#pragma once

#include <stddef.h>
#include <syslog.h>

/* Finds out where standard error leads. Before anything is logged. */
void log_open(void);

/* Logs a line with a priority of syslog(3). The text is one sentence without a line break, and
 * without the program's name. Thread-safe. */
void log_say(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Logs a line with fields for the journal, each "NAME=value"; elsewhere the line alone.
 * Thread-safe. */
void log_fields(int priority, const char *line, const char *const *fields, size_t count);
