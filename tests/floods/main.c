/* SPDX-License-Identifier: MIT */
/* How good clients are served while an enemy floods. */
#include "core/base/clock.h"
#include "tests/floods/report.h"
#include "tests/floods/stand.h"

#include "core/base/util.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
	WINDOWS = 5,
	FLOOD_S_MORE = 60, /* a flood ends by itself so long after its window */
	REST_CLIENTS = 1u << GOOD_REST_KEPT | 1u << GOOD_REST_NEW,
	ALL_CLIENTS = (1u << GOOD_CLIENTS) - 1,
};

static struct {
	const char *vfiod;
	const char *only[32];
	size_t only_count;
	unsigned windows;
	double seconds;
	unsigned clients;
	bool latency, json, every;
} options = {.windows = WINDOWS, .seconds = 2, .clients = ALL_CLIENTS, .latency = true};

static void usage(FILE *out)
{
	fprintf(out,
		"Usage: floods [OPTION]... VFIOD\n"
		"Measures how a vfiod serves good clients while it is flooded. Windows in which\n"
		"another vfiod takes the flood and windows in which it does itself take turns.\n\n"
		"A flood fails when a good request fails, or when the median p99 of a client's\n"
		"flooded windows is more than three times that of the quiet ones and than 4 ms.\n\n"
		"  --only FLOOD   this one; several may be given\n"
		"  --windows N    so many of each kind (5; odd, 25 at most)\n"
		"  --seconds S    so long each (2)\n"
		"  --http-only    REST's floods and clients\n"
		"  --rpc-only     RPC's\n"
		"  --sample       one window of half a second each; only failures count. Not with\n"
		"                 VFIOD_SWEEP_LONG=1 in the environment\n"
		"  --every        a row for every client, not only the one that came off worst\n"
		"  --json         JSON instead of the table\n"
		"  --help         this text\n\nFloods:\n");
	for (const struct flood *flood = floods; flood->name; flood++)
		fprintf(out, "  %-17s %s\n", flood->name, flood->what);
}

/* Lets both come to rest. Where one has ended or does not, that is a failure, and both start anew:
 * what comes next is to be judged by what it does itself. */
static void prepare(struct flood_result *r, struct stand *s)
{
	struct why why = {""};

	if (stand_await_rest(s, &why))
		return;
	if (!*r->why.text)
		r->why = why;
	stand_close(s, &why);
	stand_open(s, options.vfiod);
}

/* One window: clients and flood are there before it begins and go on a little after it. */
static void run_window(struct flood_result *r, struct stand *s, bool flooded)
{
	struct windows *windows = flooded ? r->flooded : r->quiet;
	const struct timespec length = {.tv_sec = (time_t)options.seconds,
		.tv_nsec = (long)((options.seconds - (double)(time_t)options.seconds) * 1e9)};
	struct flood_run run;
	struct flood_done done;
	struct good *good;

	prepare(r, s);
	good = good_start(s->tested, r->clients);
	flood_start(&run, r->flood->name, flooded ? s->tested : s->decoy,
		(unsigned)options.seconds + FLOOD_S_MORE);
	int64_t from = now_ns();
	nanosleep(&length, NULL);
	int64_t to = now_ns();
	good_stop(good);
	bool ok = flood_stop(&run, &done, &r->why);
	for (enum good_client who = 0; who < GOOD_CLIENTS; who++)
		windows_add(&windows[who], good_of(good, who), good_pace_ns(who), from, to);
	good_free(good);
	if (ok && flooded) {
		r->done.connections += done.connections;
		r->done.refused += done.refused;
		r->done.sent += done.sent;
		r->done.received += done.received;
	}
}

/* What failed tells more than what was slow, and comes first. */
static void judge(struct flood_result *r, bool latency)
{
	struct why why = {""};

	for (enum good_client who = 0; who < GOOD_CLIENTS && !*r->why.text; who++) {
		if (r->clients & 1u << who &&
			!verdict_is_good(&r->quiet[who], &r->flooded[who], latency, &why))
			why_not(&r->why, "%s: %.1900s", good_name(who), why.text);
	}
}

static bool run_flood(struct stand *s, const struct flood *flood, json_t *list)
{
	struct flood_result *r = calloc(1, sizeof(*r));
	bool ok;

	if (!r)
		abort();
	r->flood = flood;
	r->clients = options.clients;
	for (unsigned i = 0; i < 2 * options.windows; i++)
		run_window(r, s, i % 2);
	prepare(r, s);
	judge(r, false);
	if (options.latency)
		judge(r, true);
	if (r->done.connections == 0)
		why_not(&r->why, "the flood did nothing");
	ok = !*r->why.text;
	if (options.json)
		json_array_append_new(list, report_json(r));
	else
		report_row(r, options.every);
	free(r);
	return ok;
}

static bool is_wanted(const struct flood *flood)
{
	bool rest = flood->door == FLOOD_REST;
	bool wanted = options.only_count == 0;

	for (size_t i = 0; i < options.only_count; i++)
		wanted = wanted || strcmp(options.only[i], flood->name) == 0;
	if (options.clients == REST_CLIENTS)
		return wanted && rest;
	if (options.clients == (ALL_CLIENTS & ~REST_CLIENTS))
		return wanted && !rest;
	return wanted;
}

static bool run_all(void)
{
	json_t *list = json_array();
	struct why why = {""};
	struct stand stand;
	unsigned count = 0, good = 0;

	stand_open(&stand, options.vfiod);
	if (!options.json)
		report_head();
	for (const struct flood *flood = floods; flood->name; flood++) {
		if (!is_wanted(flood))
			continue;
		count++;
		good += run_flood(&stand, flood, list);
	}
	bool ended = stand_close(&stand, &why);
	if (options.json)
		json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(4));
	json_decref(list);
	if (!ended)
		fprintf(stderr, "%s\n", why.text);
	fprintf(options.json ? stderr : stdout, "\n%u of %u floods passed\n", good, count);
	return ended && count > 0 && good == count;
}

static bool set_sample(void)
{
	const char *wish = getenv("VFIOD_SWEEP_LONG");

	if (wish && strcmp(wish, "1") == 0)
		return true;
	options.windows = 1;
	options.seconds = 0.5;
	options.latency = false;
	return true;
}

static bool add_only(const char *name)
{
	if (!flood_find(name) || options.only_count == ARRAY_SIZE(options.only))
		return false;
	options.only[options.only_count++] = name;
	return true;
}

static bool take_option(int option)
{
	switch (option) {
	case 'o':
		return add_only(optarg);
	case 'w':
		options.windows = (unsigned)atoi(optarg);
		return options.windows % 2 == 1 && options.windows <= VERDICT_WINDOWS_MAX;
	case 's':
		options.seconds = atof(optarg);
		return options.seconds > 0 && options.seconds <= 60;
	case 'H':
		options.clients = REST_CLIENTS;
		return true;
	case 'R':
		options.clients = ALL_CLIENTS & ~REST_CLIENTS;
		return true;
	case 'S':
		return set_sample();
	case 'j':
		return options.json = true;
	case 'e':
		return options.every = true;
	default:
		return false;
	}
}

static bool take_options(int argc, char **argv)
{
	static const struct option names[] = {
		{"only", required_argument, NULL, 'o'},
		{"windows", required_argument, NULL, 'w'},
		{"seconds", required_argument, NULL, 's'},
		{"http-only", no_argument, NULL, 'H'},
		{"rpc-only", no_argument, NULL, 'R'},
		{"sample", no_argument, NULL, 'S'},
		{"every", no_argument, NULL, 'e'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			exit(EXIT_SUCCESS);
		}
		if (!take_option(option))
			return false;
	}
	options.vfiod = argv[optind];
	return optind == argc - 1;
}

int main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "--flood") == 0)
		return flood_main(argv + 2);
	if (!take_options(argc, argv)) {
		usage(stderr);
		return 2;
	}
	if (!mount_possible())
		return MOUNT_SKIP;
	signal(SIGPIPE, SIG_IGN);
	return run_all() ? EXIT_SUCCESS : EXIT_FAILURE;
}
