/* SPDX-License-Identifier: MIT */
/*
 * Many clients at once, and another tool at the same devices.
 *
 * Usage: sweep_races VFIOD SIMHOST HOST-FILE
 * VFIOD_SWEEP_LONG=1: for two minutes. VFIOD_SWEEP_SEED=N: other random requests.
 *
 * In rounds: each client makes some random changes of overlapping sets of devices, all wait for
 * all, and the host is looked at in the quiet. What is found must be explained: there must be an
 * order of the changes that succeeded, in keeping with when each began and ended, that leaves every
 * device where it is. Half a batch has no such order. The devices that the tool moves may be
 * anywhere, and changes of the others may fail for their sake, but then leave no trace.
 */
#include "core/base/clock.h"
#include "tests/sweep/asker.h"
#include "tests/sweep/puzzle.h"

#include "core/base/util.h"

#include <assert.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define VFIO "vfio-pci"

enum {
	SKIPPED = 77,
	CLIENTS = 8,
	CHANGES = 4, /* of each client in a round */
	DEVICES = 6,
	MOVED = 4, /* from this one on, the tool moves them too */
	CALM_S = 20,
};

static const struct {
	const char *address, *native;
	unsigned group; /* the devices of its group, as bits */
} devices[DEVICES] = {
	{"0000:00:03.0", "e1000e", 1u << 0},
	{"0000:01:00.0", "e1000e", 1u << 1},
	{"0000:03:01.0", "e1000", 1u << 2 | 1u << 3},
	{"0000:03:02.0", "", 1u << 2 | 1u << 3},
	{"0000:00:04.0", "e1000e", 1u << 4},
	{"0000:81:00.0", "e1000e", 1u << 5},
};

struct client {
	struct asker asker;
	unsigned seed;
	struct puzzle_change done[CHANGES];
	unsigned n_done;
	unsigned n_succeeded, n_refused;
	char refusal[512]; /* the last */
	struct why why;	   /* empty: nothing wrong */
	pthread_t thread;
};

struct race {
	struct stage stage;
	struct client clients[CLIENTS];
	bool on_vfio[DEVICES]; /* before the round */
	unsigned rounds, tool_writes;
	atomic_bool tool_ends;
	unsigned seed;
};

static_assert(CLIENTS * CHANGES <= PUZZLE_MAX, "a round is one puzzle");

static unsigned dice(unsigned *seed, unsigned sides)
{
	return (unsigned)rand_r(seed) % sides;
}

/* --- one change ------------------------------------------------------------------------------- */

static unsigned index_of(const char *address)
{
	unsigned i = 0;

	while (i < DEVICES && strcmp(devices[i].address, address) != 0)
		i++;
	return i;
}

/* A success names the devices that were asked for, those that the tool leaves alone where they
 * belong. */
static bool check_success(
	struct client *c, const struct puzzle_change *change, const struct asker_answer *answer)
{
	size_t n = json_array_size(json_object_get(answer->body, "devices"));
	unsigned told = 0;

	for (size_t i = 0; i < n; i++) {
		const char *address = asker_item_text(answer, "devices", i, "address");
		const char *driver = asker_item_text(answer, "devices", i, "driver");
		unsigned d = index_of(address);

		if (d == DEVICES)
			return why_not(&c->why, "a success names \"%s\"", address);
		told |= 1u << d;
		if (d < MOVED && strcmp(driver, change->to_vfio ? VFIO : devices[d].native) != 0)
			return why_not(&c->why, "a successful %s answers driver \"%s\" for %s",
				change->to_vfio ? "bind" : "unbind", driver, address);
	}
	return told == change->set ||
	       why_not(&c->why, "a success of set %x names set %x", change->set, told);
}

/* An error is one that a reader can do something about, and has something to do with the tool. */
static bool check_error(struct client *c, unsigned set, const struct asker_answer *answer)
{
	const char *status = asker_status(answer), *text = asker_text(answer, "error");

	if (set < 1u << MOVED)
		return why_not(
			&c->why, "a change that nothing is in the way of: %s: %s", status, text);
	if (!*text || json_array_size(json_object_get(answer->body, "details")) == 0)
		return why_not(&c->why, "an error that says too little: %s: \"%s\"", status, text);
	if (answer->http == 500 || strcmp(status, "INTERNAL") == 0)
		return why_not(&c->why, "the error is %s: %s", status, text);
	return true;
}

static bool make_change(struct client *c, struct puzzle_change change, const char *json)
{
	struct asker_answer answer;
	bool ok = asker_ask(
		&c->asker, change.to_vfio ? ASK_BIND : ASK_UNBIND, json, 0, &answer, &c->why);

	if (!ok) {
		/* why is told */
	} else if (*asker_status(&answer)) {
		ok = check_error(c, change.set, &answer);
		c->n_refused++;
		snprintf(c->refusal, sizeof(c->refusal), "%s: %s", asker_status(&answer),
			asker_text(&answer, "error"));
	} else {
		change.begun = answer.sent_ns;
		change.ended = answer.sent_ns + answer.took_ns;
		ok = check_success(c, &change, &answer);
		c->done[c->n_done++] = change;
		c->n_succeeded++;
	}
	asker_answer_clear(&answer);
	return ok;
}

/* One to three devices, sometimes all of their groups. */
static bool make_random_change(struct client *c)
{
	bool whole = dice(&c->seed, 4) == 0;
	struct puzzle_change change = {.to_vfio = dice(&c->seed, 2)};
	struct bytes json = {0};

	bytes_print(&json, "{\"pci_addresses\":[");
	for (unsigned i = 0, n = 1 + dice(&c->seed, 3); i < n; i++) {
		unsigned d = dice(&c->seed, DEVICES);

		change.set |= whole ? devices[d].group : 1u << d;
		bytes_print(&json, "%s\"%s\"", i ? "," : "", devices[d].address);
	}
	bytes_print(&json, "]%s}", whole ? ",\"whole_group\":true" : "");
	bool ok = make_change(c, change, json.data);
	bytes_clear(&json);
	return ok;
}

static void *run_client(void *arg)
{
	struct client *c = arg;

	c->n_done = 0;
	for (int i = 0; i < CHANGES && make_random_change(c); i++)
		;
	return NULL;
}

/* --- the tool --------------------------------------------------------------------------------- */

/* What somebody at a shell would do to a device, one write of it. */
static void write_something(struct race *r, const char *address, unsigned *seed)
{
	char path[96], driver[64];

	switch (dice(seed, 4)) {
	case 0:
		snprintf(path, sizeof(path), "devices/%s/driver_override", address);
		stage_put(&r->stage, path, dice(seed, 2) ? VFIO "\n" : "\n");
		break;
	case 1:
		stage_driver(&r->stage, address, driver);
		snprintf(path, sizeof(path), "drivers/%s/unbind", driver);
		stage_put(&r->stage, path, address);
		break;
	case 2:
		stage_put(&r->stage, "drivers_probe", address);
		break;
	default:
		snprintf(path, sizeof(path), "drivers/%s/bind", dice(seed, 2) ? VFIO : "e1000e");
		stage_put(&r->stage, path, address);
		break;
	}
}

static void *run_tool(void *arg)
{
	struct race *r = arg;
	unsigned seed = r->seed + CLIENTS;

	while (!r->tool_ends) {
		write_something(r, devices[MOVED + dice(&seed, DEVICES - MOVED)].address, &seed);
		r->tool_writes++;
		nanosleep(&(struct timespec){.tv_nsec = 1000000 * (1 + dice(&seed, 5))}, NULL);
	}
	return NULL;
}

/* --- the look at the host --------------------------------------------------------------------- */

static bool look(const struct race *r, unsigned d, bool *ret_on_vfio, struct why *why)
{
	char driver[64], override[64];

	stage_driver(&r->stage, devices[d].address, driver);
	stage_override(&r->stage, devices[d].address, override);
	*ret_on_vfio = strcmp(driver, VFIO) == 0;
	if (*ret_on_vfio
			? strcmp(override, VFIO) == 0
			: strcmp(driver, devices[d].native) == 0 && strcmp(override, "(null)") == 0)
		return true;
	return why_not(why, "%s is on driver \"%s\" with override \"%s\"", devices[d].address,
		driver, override);
}

static bool agrees(const struct asker_answer *answer, unsigned d, bool on_vfio, struct why *why)
{
	const char *native = devices[d].native, *away = *native ? "HOST" : "DRIVERLESS";
	bool managed = json_is_true(json_object_get(answer->body, "managed"));

	if (strcmp(asker_text(answer, "state"), on_vfio ? "VFIO" : away) == 0 &&
		strcmp(asker_text(answer, "driver"), on_vfio ? VFIO : native) == 0 &&
		strcmp(asker_text(answer, "original_driver"), on_vfio ? native : "") == 0 &&
		managed == on_vfio)
		return true;
	return why_not(why, "%s is%s on " VFIO ", and vfiod says %s, on \"%s\", from \"%s\"%s",
		devices[d].address, on_vfio ? "" : " not", asker_text(answer, "state"),
		asker_text(answer, "driver"), asker_text(answer, "original_driver"),
		managed ? ", its own" : "");
}

/* What vfiod says of it agrees. */
static bool look_through_vfiod(struct race *r, unsigned d, bool on_vfio, struct why *why)
{
	struct asker_answer answer;
	char json[64];

	snprintf(json, sizeof(json), "{\"pci_address\":\"%s\"}", devices[d].address);
	bool ok = asker_ask(&r->clients[d % CLIENTS].asker, ASK_INFO, json, 0, &answer, why) &&
		  agrees(&answer, d, on_vfio, why);
	asker_answer_clear(&answer);
	return ok;
}

static bool explain(struct race *r, const bool *after, struct why *why)
{
	struct puzzle p = {.on_vfio = after, .n_devices = DEVICES};

	for (unsigned d = MOVED; d < DEVICES; d++)
		p.free |= 1u << d;
	for (unsigned i = 0; i < CLIENTS; i++)
		for (unsigned k = 0; k < r->clients[i].n_done; k++)
			p.left[p.n_left++] = &r->clients[i].done[k];
	return puzzle_solve(&p, r->on_vfio, why);
}

/* --- rounds ----------------------------------------------------------------------------------- */

static bool run_clients(struct race *r, struct why *why)
{
	bool ok = true;

	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &r->clients[i];

		if (pthread_create(&c->thread, NULL, run_client, c) != 0)
			abort();
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		pthread_join(r->clients[i].thread, NULL);
		if (*r->clients[i].why.text)
			ok = why_not(why, "%s", r->clients[i].why.text);
	}
	return ok;
}

static bool run_round(struct race *r, struct why *why)
{
	bool after[DEVICES] = {0};

	if (!run_clients(r, why))
		return false;
	for (unsigned d = 0; d < MOVED; d++) {
		if (!look(r, d, &after[d], why) || !look_through_vfiod(r, d, after[d], why))
			return false;
	}
	if (stage_rows(&r->stage, "intent") > 0)
		return why_not(why, "an intent is left though nothing is under way");
	if (!explain(r, after, why))
		return false;
	memcpy(r->on_vfio, after, sizeof(after));
	r->rounds++;
	return true;
}

static bool run_rounds(struct race *r, unsigned seconds, struct why *why)
{
	int64_t until = now_ns() + seconds * NS_PER_S;
	pthread_t tool;
	bool ok = true;

	if (pthread_create(&tool, NULL, run_tool, r) != 0)
		abort();
	while (ok && now_ns() < until)
		ok = run_round(r, why);
	r->tool_ends = true;
	pthread_join(tool, NULL);
	return ok;
}

/* --- the end ---------------------------------------------------------------------------------- */

static bool unbind_all(struct race *r, struct why *why)
{
	struct bytes json = {0};
	struct asker_answer answer;

	for (unsigned d = 0; d < DEVICES; d++)
		bytes_print(
			&json, "%s\"%s\"", d ? "," : "{\"pci_addresses\":[", devices[d].address);
	bytes_print(&json, "]}");
	bool ok = asker_ask(&r->clients[0].asker, ASK_UNBIND, json.data, 0, &answer, why);
	if (ok && *asker_status(&answer))
		ok = why_not(why, "unbinding all: %s", asker_text(&answer, "error"));
	asker_answer_clear(&answer);
	bytes_clear(&json);
	for (unsigned d = 0; ok && d < MOVED; d++) {
		bool on_vfio = false;

		ok = look(r, d, &on_vfio, why) && look_through_vfiod(r, d, on_vfio, why);
		if (ok && on_vfio)
			ok = why_not(why, "%s is still on " VFIO, devices[d].address);
	}
	if (ok && stage_rows(&r->stage, "intent") > 0)
		ok = why_not(why, "the journal is not empty");
	return ok;
}

/* Entries of /proc/PID/fd, or children of all its threads. */
static unsigned count_fds(pid_t pid)
{
	char path[64];
	unsigned n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	CLEANUP(dir_cleanup) DIR *dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	return n;
}

/* Children of its first thread, which forked the privileged helper; adds what each has open. */
static unsigned count_children(pid_t pid, unsigned *fds)
{
	char path[64];
	unsigned n = 0;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	FILE *f = fopen(path, "re");
	while (f && fscanf(f, "%d", &child) == 1) {
		*fds += count_fds(child);
		n += 1 + count_children(child, fds);
	}
	if (f)
		fclose(f);
	return n;
}

struct held {
	unsigned fds, children;
};

static struct held take_stock(const struct race *r)
{
	struct held held = {count_fds(r->stage.daemon->pid), 0};

	held.children = count_children(r->stage.daemon->pid, &held.fds);
	return held;
}

static void keep_least(struct held *least, struct held now)
{
	if (now.fds < least->fds)
		least->fds = now.fds;
	if (now.children < least->children)
		least->children = now.children;
}

static void hang_up(struct race *r)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		asker_clear(&r->clients[i].asker);
}

/* Nothing is held any more that was not before. Connections end a little after their clients. */
static bool expect_calm(struct race *r, struct held before, struct why *why)
{
	int64_t until = now_ns() + CALM_S * NS_PER_S;
	struct held now;

	hang_up(r);
	do {
		now = take_stock(r);
		if (now.fds <= before.fds && now.children <= before.children)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	} while (now_ns() < until);
	return why_not(why, "vfiod had %u descriptors and %u children, and has %u and %u",
		before.fds, before.children, now.fds, now.children);
}

/* --- the test --------------------------------------------------------------------------------- */

static void introduce_clients(struct race *r)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		r->clients[i].seed = r->seed + i;
		asker_init(&r->clients[i].asker, &r->stage, i % ASKER_FACES);
	}
}

/* What is opened at first use, and kept: then what is held is counted. */
static bool warm_up(struct race *r, struct held *ret, struct why *why)
{
	bool ok = run_round(r, why) && unbind_all(r, why);

	memset(r->on_vfio, 0, sizeof(r->on_vfio));
	hang_up(r);
	*ret = take_stock(r);
	/* The least of a second: connections are still ending. */
	for (int i = 0; i < 20; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
		keep_least(ret, take_stock(r));
	}
	return ok;
}

static bool race(struct race *r, unsigned seconds, struct why *why)
{
	struct held held;

	return warm_up(r, &held, why) && run_rounds(r, seconds, why) && unbind_all(r, why) &&
	       expect_calm(r, held, why);
}

static void report(const struct race *r, const struct why *why, bool ok)
{
	unsigned succeeded = 0, refused = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		succeeded += r->clients[i].n_succeeded;
		refused += r->clients[i].n_refused;
	}
	printf("seed %u: %u rounds, %u changes made, %u refused, %u writes of the tool\n", r->seed,
		r->rounds, succeeded, refused, r->tool_writes);
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (*r->clients[i].refusal)
			printf("refused, among others: %s\n", r->clients[i].refusal);
	}
	if (!ok)
		printf("FAILED: %s\n", why->text);
}

int main(int argc, char **argv)
{
	const char *wish = getenv("VFIOD_SWEEP_LONG"), *seed = getenv("VFIOD_SWEEP_SEED");
	bool is_long = wish && strcmp(wish, "1") == 0;
	struct race r = {0};
	struct why why = {""};

	if (argc != 4) {
		fprintf(stderr, "Usage: sweep_races VFIOD SIMHOST HOST-FILE\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (!stage_open(&r.stage, &(struct stage_programs){argv[1], argv[2], argv[3]})) {
		fprintf(stderr, "skipped: no FUSE file system can be mounted here\n");
		return SKIPPED;
	}
	r.seed = seed ? (unsigned)strtoul(seed, NULL, 10) : 1;
	introduce_clients(&r);
	bool ok = puzzle_can_tell(&why) && race(&r, is_long ? 120 : 6, &why);
	hang_up(&r);
	report(&r, &why, ok);
	if (stage_close(&r.stage) != 0) {
		printf("FAILED: vfiod did not end well\n");
		ok = false;
	}
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
