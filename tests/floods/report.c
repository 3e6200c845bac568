/* SPDX-License-Identifier: MIT */
/* What the floods did, as a table or as JSON. */
#include "tests/floods/report.h"

#include <stdio.h>
#include <string.h>

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

void report_head(void)
{
	printf("%-17s %-9s %26s  %26s  %11s %8s %7s  %s\n", "", "", "quiet, ms", "flooded, ms", "",
		"flood:", "", "");
	printf("%-17s %-9s %8s %8s %8s  %8s %8s %8s  %11s %8s %7s  %s\n", "flood", "client", "p50",
		"p99", "max", "p50", "p99", "max", "failed", "connects", "MB sent", "verdict");
}

static bool is_asked(const struct flood_result *r, enum good_client who)
{
	return r->clients & 1u << who;
}

/* More is worse: failures first, then the part of what is allowed. */
static double badness(const struct flood_result *r, enum good_client who)
{
	struct window w = windows_median(&r->flooded[who]);

	return (double)w.failed * 1e6 + (double)w.p99 / (double)verdict_limit(&r->quiet[who]);
}

static enum good_client worst(const struct flood_result *r)
{
	enum good_client ret = GOOD_CLIENTS;

	for (enum good_client who = 0; who < GOOD_CLIENTS; who++)
		if (is_asked(r, who) && (ret == GOOD_CLIENTS || badness(r, who) > badness(r, ret)))
			ret = who;
	return ret;
}

static void print_row(const struct flood_result *r, enum good_client who)
{
	struct window q = windows_median(&r->quiet[who]), f = windows_median(&r->flooded[who]);
	char failed[32];

	snprintf(failed, sizeof(failed), "%zu/%zu", f.failed, f.asked);
	printf("%-17s %-9s %8.2f %8.2f %8.1f  %8.2f %8.2f %8.1f  %11s %8lu %7lu  %s\n",
		r->flood->name, good_name(who), ms(q.p50), ms(q.p99), ms(q.max), ms(f.p50),
		ms(f.p99), ms(f.max), failed, (unsigned long)r->done.connections,
		(unsigned long)(r->done.sent / 1000000), *r->why.text ? "FAILED" : "good");
}

void report_row(const struct flood_result *r, bool every)
{
	for (enum good_client who = 0; who < GOOD_CLIENTS; who++)
		if (is_asked(r, who) && (every || who == worst(r)))
			print_row(r, who);
	if (*r->why.text)
		printf("    %s\n", r->why.text);
	fflush(stdout);
}

static json_t *windows_json(const struct windows *windows)
{
	struct window w = windows_median(windows);

	return json_pack("{sfsfsfsIsI}", "p50_ms", ms(w.p50), "p99_ms", ms(w.p99), "max_ms",
		ms(w.max), "asked", (json_int_t)w.asked, "failed", (json_int_t)w.failed);
}

json_t *report_json(const struct flood_result *r)
{
	json_t *clients = json_object();

	for (enum good_client who = 0; who < GOOD_CLIENTS; who++)
		if (is_asked(r, who))
			json_object_set_new(clients, good_name(who),
				json_pack("{sososf}", "quiet", windows_json(&r->quiet[who]),
					"flooded", windows_json(&r->flooded[who]), "limit_ms",
					ms(verdict_limit(&r->quiet[who]))));
	return json_pack("{sssssbsssos{sIsIsIsI}}", "flood", r->flood->name, "what", r->flood->what,
		"good", !*r->why.text, "why", r->why.text, "clients", clients, "done",
		"connections", (json_int_t)r->done.connections, "refused",
		(json_int_t)r->done.refused, "sent", (json_int_t)r->done.sent, "received",
		(json_int_t)r->done.received);
}
