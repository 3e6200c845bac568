/* SPDX-License-Identifier: MIT */
/* Readers who never stop asking. */
#include "tests/sweep/reads.h"

#include "core/base/clock.h"
#include "core/base/util.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { WINDOWS = 5 };

static const int64_t LONGEST_NS = 100000000;

/* How long one sleeps who watches the machine. On one that has processors to spare, a nap takes
 * less than twice that. */
static const int64_t NAP_NS = 1000000;

/* Two 99th percentiles below this are taken for the same: a thread that becomes ready while others
 * run on all processors waits for the scheduler's tick, 4 ms apart, which is no doing of vfiod's.
 * What this is to find, a read that waits for the device, takes seconds. */
static const int64_t FLOOR_NS = 4000000;

struct read {
	unsigned kind;
	int64_t sent_ns, took_ns;
};

struct series {
	struct read *items;
	size_t count, room;
};

struct reader {
	struct reads *all;
	pthread_t thread;
	struct asker asker;
	struct series series;
	struct why why; /* empty: no failure */
};

struct reads {
	struct reader readers[ASKER_FACES];
	char json[READ_KINDS][64];
	atomic_bool must_end;
	bool has_ended;
	pthread_t sleeper;
	struct series naps; /* how much too long each was */
};

static const struct {
	const char *name;
	enum asker_operation operation;
} kinds[] = {
	[READ_INFO_OTHER] = {"info of another", ASK_INFO},
	[READ_INFO_BLOCKED] = {"info of the blocked", ASK_INFO},
	[READ_LIST] = {"list", ASK_LIST},
	[READ_GROUPS] = {"iommu-groups of both", ASK_GROUPS},
	[READ_VALIDATE_OTHER] = {"validate another", ASK_VALIDATE},
	[READ_VALIDATE_BLOCKED] = {"validate the blocked", ASK_VALIDATE},
};

static void keep(struct series *s, unsigned kind, int64_t sent_ns, int64_t took_ns)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 1024;
		s->items = reallocarray(s->items, s->room, sizeof(*s->items));
		if (!s->items)
			abort();
	}
	s->items[s->count++] = (struct read){kind, sent_ns, took_ns};
}

static void *read_on(void *arg)
{
	struct reader *r = arg;

	for (unsigned i = 0; !r->all->must_end && !*r->why.text; i++) {
		enum reads_kind kind = i % READ_KINDS;
		struct asker_answer answer;

		if (asker_ask(&r->asker, kinds[kind].operation, r->all->json[kind], 0, &answer,
			    &r->why)) {
			if (*asker_status(&answer))
				why_not(&r->why, "%s over %s: %s", kinds[kind].name,
					asker_face_name(r->asker.face),
					asker_text(&answer, "error"));
			keep(&r->series, kind, answer.sent_ns, answer.took_ns);
		}
		asker_answer_clear(&answer);
	}
	asker_clear(&r->asker);
	return NULL;
}

static void *sleep_on(void *arg)
{
	struct reads *all = arg;

	while (!all->must_end) {
		int64_t begun = now_ns();

		nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
		keep(&all->naps, 0, begun, now_ns() - begun - NAP_NS);
	}
	return NULL;
}

static void make_questions(struct reads *all, const char *blocked, const char *other)
{
	const size_t size = sizeof(all->json[0]);
	static const char info[] = "{\"pci_address\":\"%s\"}",
			  list[] = "{\"pci_addresses\":[\"%s\"]}";

	snprintf(all->json[READ_INFO_OTHER], size, info, other);
	snprintf(all->json[READ_INFO_BLOCKED], size, info, blocked);
	snprintf(all->json[READ_LIST], size, "{}");
	snprintf(all->json[READ_GROUPS], size, "{\"pci_addresses\":[\"%s\",\"%s\"]}", other,
		blocked);
	snprintf(all->json[READ_VALIDATE_OTHER], size, list, other);
	snprintf(all->json[READ_VALIDATE_BLOCKED], size, list, blocked);
}

static void start_thread(pthread_t *ret, void *(*run)(void *), void *arg)
{
	if (pthread_create(ret, NULL, run, arg) != 0)
		abort();
}

struct reads *reads_start(const struct stage *stage, const char *blocked, const char *other)
{
	struct reads *all = calloc(1, sizeof(*all));

	if (!all)
		abort();
	make_questions(all, blocked, other);
	start_thread(&all->sleeper, sleep_on, all);
	for (enum asker_face face = 0; face < ASKER_FACES; face++) {
		struct reader *r = &all->readers[face];

		r->all = all;
		asker_init(&r->asker, stage, face);
		start_thread(&r->thread, read_on, r);
	}
	return all;
}

static void end_threads(struct reads *all)
{
	if (all->has_ended)
		return;
	all->must_end = true;
	all->has_ended = true;
	pthread_join(all->sleeper, NULL);
	for (enum asker_face face = 0; face < ASKER_FACES; face++)
		pthread_join(all->readers[face].thread, NULL);
}

bool reads_stop(struct reads *all, struct why *why)
{
	bool ok = true;

	end_threads(all);
	for (enum asker_face face = 0; face < ASKER_FACES; face++) {
		if (*all->readers[face].why.text)
			ok = why_not(why, "%s", all->readers[face].why.text);
	}
	return ok;
}

static bool is_within(const struct read *read, int64_t from, int64_t to)
{
	return read->sent_ns >= from && read->sent_ns < to;
}

static size_t count(const struct reads *all, int64_t from, int64_t to)
{
	size_t n = 0;

	for (enum asker_face face = 0; face < ASKER_FACES; face++)
		for (size_t i = 0; i < all->readers[face].series.count; i++)
			n += is_within(&all->readers[face].series.items[i], from, to);
	return n;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t p99(const struct series *r, unsigned kind, int64_t from, int64_t to)
{
	CLEANUP(free_cleanup) int64_t *took = calloc(r->count + 1, sizeof(*took));
	size_t n = 0;

	if (!took)
		abort();
	for (size_t i = 0; i < r->count; i++) {
		if (r->items[i].kind == kind && is_within(&r->items[i], from, to))
			took[n++] = r->items[i].took_ns;
	}
	qsort(took, n, sizeof(*took), compare);
	return n ? took[(n - 1) * 99 / 100] : 0;
}

static int64_t longest(const struct series *s, int64_t from, int64_t to)
{
	int64_t most = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (is_within(&s->items[i], from, to) && s->items[i].took_ns > most)
			most = s->items[i].took_ns;
	}
	return most;
}

/* The median of the windows' 99th percentiles: one bad moment of the machine is in one window. */
static int64_t median_p99(
	const struct series *series, unsigned kind, const int64_t span[2], const char *name)
{
	int64_t width = (span[1] - span[0]) / WINDOWS, list[WINDOWS];

	printf(" %s", name);
	for (int i = 0; i < WINDOWS; i++) {
		list[i] = p99(series, kind, span[0] + i * width, span[0] + (i + 1) * width);
		printf(" %5ld", (long)(list[i] / 1000));
	}
	qsort(list, WINDOWS, sizeof(*list), compare);
	printf(", median %5ld", (long)(list[WINDOWS / 2] / 1000));
	return list[WINDOWS / 2];
}

/* By which factor the machine itself became slower: what it took from a thread that only sleeps. */
static double slowdown(const struct reads *all, const int64_t idle[2], const int64_t blocked[2])
{
	printf("    %-26s p99 us:", "a nap's excess");
	int64_t before = median_p99(&all->naps, 0, idle, "idle");
	int64_t after = median_p99(&all->naps, 0, blocked, "blocked");
	printf("\n");
	return before > 0 && after > before ? (double)after / (double)before : 1;
}

static bool is_as_fast(const struct series *series, enum reads_kind kind, const int64_t idle[2],
	const int64_t blocked[2], double slower)
{
	int64_t before = median_p99(series, kind, idle, "idle");
	int64_t after = median_p99(series, kind, blocked, "blocked");
	double most = slower * 2 * (double)(before > FLOOR_NS ? before : FLOOR_NS);

	printf("\n");
	return after > 0 && (double)after <= most;
}

bool reads_judge(
	const struct reads *all, const int64_t idle[2], const int64_t blocked[2], struct why *why)
{
	double slower = slowdown(all, idle, blocked);
	bool ok = true;

	printf("    reads: %zu idle, %zu blocked\n", count(all, idle[0], idle[1]),
		count(all, blocked[0], blocked[1]));
	for (enum asker_face face = 0; face < ASKER_FACES; face++) {
		for (enum reads_kind kind = 0; kind < READ_KINDS; kind++) {
			printf("    %-4s %-21s p99 us:", asker_face_name(face), kinds[kind].name);
			if (!is_as_fast(&all->readers[face].series, kind, idle, blocked, slower))
				ok = why_not(why, "%s over %s took more than twice as long",
					kinds[kind].name, asker_face_name(face));
		}
	}
	return ok;
}

bool reads_judge_longest(const struct reads *all, int64_t from, int64_t to, struct why *why)
{
	int64_t stall = longest(&all->naps, from, to), nap = p99(&all->naps, 0, from, to);
	int64_t most = 0;

	for (enum asker_face face = 0; face < ASKER_FACES; face++) {
		int64_t of_face = longest(&all->readers[face].series, from, to);

		most = of_face > most ? of_face : most;
	}
	printf("    longest read %ld us; a nap's excess: p99 %ld us, longest %ld us\n",
		(long)(most / 1000), (long)(nap / 1000), (long)(stall / 1000));
	return most <= LONGEST_NS * (nap > NAP_NS ? nap / NAP_NS : 1) + stall ||
	       why_not(why, "a read took %ld us", (long)(most / 1000));
}

void reads_free(struct reads *all)
{
	if (!all)
		return;
	end_threads(all);
	for (enum asker_face face = 0; face < ASKER_FACES; face++)
		free(all->readers[face].series.items);
	free(all->naps.items);
	free(all);
}
