/* SPDX-License-Identifier: MIT */
/* vfiod's log: standard error, or systemd's journal where standard error leads there. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "tools/vfiod/log/log.h"

#include "core/base/util.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

enum { FIELDS_MAX = 24 };

/* Standard error is a stream of the journal: it adds the name, and takes the priority from the
 * beginning of each line (sd-daemon(3)). */
static bool is_journal;

void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long device, inode;
	struct stat status;

	is_journal = stream && sscanf(stream, "%lu:%lu", &device, &inode) == 2 &&
		     fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
		     status.st_ino == inode;
}

static void log_line(int priority, const char *line)
{
	if (is_journal)
		fprintf(stderr, "<%d>%s\n", priority, line);
	else
		fprintf(stderr, "vfiod: %s\n", line);
}

void log_say(int priority, const char *fmt, ...)
{
	char line[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	log_line(priority, line);
}

static struct iovec field_of(const char *text)
{
	return (struct iovec){.iov_base = (char *)text, .iov_len = strlen(text)};
}

void log_fields(int priority, const char *line, const char *const *fields, size_t count)
{
	CLEANUP(free_cleanup) char *message = NULL;
	struct iovec items[FIELDS_MAX];
	char level[16];
	size_t n = 0;

	if (!is_journal || asprintf(&message, "MESSAGE=%s", line) < 0) {
		log_line(priority, line);
		return;
	}
	snprintf(level, sizeof(level), "PRIORITY=%d", priority);
	items[n++] = field_of(message);
	items[n++] = field_of(level);
	items[n++] = field_of("SYSLOG_IDENTIFIER=vfiod");
	for (size_t i = 0; i < count && n < FIELDS_MAX; i++)
		items[n++] = field_of(fields[i]);
	if (sd_journal_sendv(items, (int)n) < 0)
		log_line(priority, line);
}
