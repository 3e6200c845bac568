/* SPDX-License-Identifier: MIT */
/* What good clients' windows say of a server. */
#include "tests/floods/verdict.h"

#include "core/base/util.h"

#include <string.h>

#define FLOOR_NS INT64_C(4000000)
#define FACTOR 3

struct times {
	int64_t *items;
	size_t count, room;
};

static void add_time(struct times *t, int64_t took)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 1024;
		t->items = reallocarray(t->items, t->room, sizeof(*t->items));
		if (!t->items)
			abort();
	}
	t->items[t->count++] = took;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t percentile(const struct times *t, size_t percent)
{
	return t->items[(t->count * percent + 99) / 100 - 1];
}

void windows_add(struct windows *windows, const struct good_requests *requests, int64_t pace_ns,
	int64_t from_ns, int64_t to_ns)
{
	struct window *w = &windows->items[windows->count];
	struct times times = {0};

	if (windows->count == VERDICT_WINDOWS_MAX)
		abort();
	windows->count++;
	*w = (struct window){0};
	for (size_t i = 0; i < requests->count; i++) {
		const struct good_request *r = &requests->items[i];

		if (r->sent_ns + r->took_ns < from_ns || r->sent_ns >= to_ns)
			continue;
		w->asked++;
		w->failed += r->failed;
		for (int64_t took = r->took_ns; took > 0; took -= pace_ns)
			add_time(&times, took);
	}
	if (w->failed && !*windows->why.text)
		windows->why = requests->why;
	if (times.count == 0)
		return;
	qsort(times.items, times.count, sizeof(*times.items), compare);
	w->p50 = percentile(&times, 50);
	w->p99 = percentile(&times, 99);
	w->max = times.items[times.count - 1];
	free(times.items);
}

static int64_t median_of(const struct windows *windows, size_t offset)
{
	int64_t list[VERDICT_WINDOWS_MAX] = {0};

	for (size_t i = 0; i < windows->count; i++)
		memcpy(&list[i], (const char *)&windows->items[i] + offset, sizeof(*list));
	qsort(list, windows->count, sizeof(*list), compare);
	return list[windows->count / 2];
}

struct window windows_median(const struct windows *windows)
{
	struct window ret = {
		.p50 = median_of(windows, offsetof(struct window, p50)),
		.p99 = median_of(windows, offsetof(struct window, p99)),
	};

	for (size_t i = 0; i < windows->count; i++) {
		const struct window *w = &windows->items[i];

		ret.max = w->max > ret.max ? w->max : ret.max;
		ret.asked += w->asked;
		ret.failed += w->failed;
	}
	return ret;
}

int64_t verdict_limit(const struct windows *quiet)
{
	int64_t limit = FACTOR * windows_median(quiet).p99;

	return limit > FLOOR_NS ? limit : FLOOR_NS;
}

/* Whether each window had requests, all of which were answered. */
static bool is_served(const struct windows *windows, const char *when, struct why *why)
{
	for (size_t i = 0; i < windows->count; i++) {
		const struct window *w = &windows->items[i];

		if (w->asked == 0)
			return why_not(why, "nothing was asked in a %s window", when);
		if (w->failed > 0)
			return why_not(why, "%zu of %zu requests failed in a %s window: %s",
				w->failed, w->asked, when, windows->why.text);
	}
	return true;
}

bool verdict_is_good(
	const struct windows *quiet, const struct windows *flooded, bool latency, struct why *why)
{
	int64_t p99 = windows_median(flooded).p99, limit = verdict_limit(quiet);

	if (!is_served(quiet, "quiet", why) || !is_served(flooded, "flooded", why))
		return false;
	if (latency && p99 > limit)
		return why_not(why, "p99 is %.1f ms flooded, %.1f ms are allowed",
			(double)p99 / 1e6, (double)limit / 1e6);
	return true;
}
