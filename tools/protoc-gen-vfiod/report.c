/* SPDX-License-Identifier: MIT */
/* What the plugin refuses. */
#include "tools/protoc-gen-vfiod/report.h"
#include "tools/protoc-gen-vfiod/output.h"

#include <stdarg.h>
#include <stdlib.h>

void report_init(struct report *report)
{
	*report = (struct report){0};
	report->stream = output_open(&report->text, &report->size);
}

void report_free(struct report *report)
{
	if (report->stream)
		fclose(report->stream);
	free(report->text);
	*report = (struct report){0};
}

void report_at(struct report *report, const struct source *place, const char *fmt, ...)
{
	va_list args;

	report_add(report, "%s:%d: ", place->file, place->line);
	va_start(args, fmt);
	vfprintf(report->stream, fmt, args);
	va_end(args);
}

void report_add(struct report *report, const char *fmt, ...)
{
	va_list args;

	if (report_refused(report))
		fputc('\n', report->stream);
	va_start(args, fmt);
	vfprintf(report->stream, fmt, args);
	va_end(args);
}

bool report_refused(struct report *report)
{
	fflush(report->stream);
	return report->size > 0;
}
