/* SPDX-License-Identifier: MIT */
/* Writes that have not returned. */
#include "core/change/pending.h"

#include "core/base/util.h"
#include "core/change/node_keeper.h"
#include "core/change/rollback.h"
#include "core/change/step.h"
#include "core/change/vfio_driver.h"
#include "core/engine.h"
#include "core/helper/blocked.h"
#include "core/pci/group.h"
#include "core/record/records.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const int64_t LOOK_EVERY_NS = 20000000; /* at the locks: there is no way to be told */
static const int64_t SETTLE_NS = 2000000000; /* for each that ends a change; then wait as before */

struct left {
	struct left *next;
	int64_t intent;
	char what[24];
	size_t n;
	struct device_origin before[];
};

struct pending {
	struct host *host;
	pending_listener *listener;
	void *arg;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct left *list;
	bool is_running, must_end, has_ended;
	pthread_t thread;
};

struct pending *pending_new(struct host *host)
{
	struct pending *p = calloc(1, sizeof(*p));
	pthread_condattr_t attributes;

	if (!p)
		return NULL;
	p->host = host;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return p;
}

void pending_listen(struct pending *p, pending_listener *listener, void *arg)
{
	p->listener = listener;
	p->arg = arg;
}

void pending_name(char buf[static 24], const char *what, size_t n_devices)
{
	if (n_devices == 1)
		snprintf(buf, 24, "finish %.12s", what);
	else
		snprintf(buf, 24, "undo");
}

static void unblock(struct pending *p, const struct left *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		blocked_remove(p->host->blocked, l->before[i].address);
}

static void show(struct pending *p, const struct left *l, bool settles)
{
	for (size_t i = 0; i < l->n; i++)
		blocked_settle(p->host->blocked, l->before[i].address, settles);
}

/* 0 or -ENOMEM. */
static int block(struct pending *p, const struct left *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (blocked_add(p->host->blocked, l->before[i].address)) {
			unblock(p, l, i);
			return -ENOMEM;
		}
	}
	return 0;
}

static bool is_blocked(const struct host *host, const struct left *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (blocked_is_locked(host->lock_fd, l->before[i].address))
			return true;
	}
	return false;
}

/* The device that was being changed; NULL when it left, and took the change with it. */
static struct device *find(const struct host *host, const struct device_origin *before)
{
	struct device *d = devices_get_or_null(host->devices, before->address);

	if (d && device_identity_equal(before->identity, device_identity_of(d)))
		return d;
	device_unref(d);
	return NULL;
}

/* What remains to be done of the change of one device. */
static int plan_rest(struct host *host, const struct plan_request *request, const struct device *d,
	struct plan *plan)
{
	struct device_facts facts = {
		.use = {.device = d, .is_vfio = device_is_vfio(host->devices, d)}};

	facts.has_origin = origins_find(host->origins, d, &facts.origin);
	if (request->goal == PLAN_TO_VFIO)
		return plan_steps(request, &facts, plan);
	/* The blocked write may have been the last but one: the override is to be put back. */
	if (facts.has_origin && !request->leave_driverless)
		return plan_to_origin(plan, d->driver, &facts.origin);
	/* One without a driver is one that VFIO's has just left. */
	facts.use.is_vfio |= !d->driver[0];
	return plan_steps(request, &facts, plan);
}

/* Goes on where the blocked write left the change of one device. 0, or -1 with err. */
static int finish(struct host *host, struct left *l, const struct device *d, struct core_error *err)
{
	CLEANUP(plan_clear) struct plan plan = {0};
	const struct plan_request request = {
		.goal = strcmp(l->what, "finish bind") == 0 ? PLAN_TO_VFIO : PLAN_TO_ORIGIN,
		.vfio_driver = VFIO_DRIVER,
		.leave_driverless = strcmp(l->what, "finish free") == 0,
	};
	const struct transaction_guard guard = {&request, l->before, l->n};
	size_t done;

	if (plan_rest(host, &request, d, &plan))
		return core_fail_memory(err);
	return transaction_run(host, &plan, now_ns() + SETTLE_NS, &guard, &done, err);
}

static void tell(struct pending *p, const struct device_origin *before, const char *done,
	const struct core_error *err)
{
	CLEANUP(device_cleanup) struct device *d = find(p->host, before);
	char sentence[640], text[PCI_ADDRESS_SIZE];
	struct device_origin origin;

	if (!p->listener)
		return;
	pci_address_format(before->address, text);
	snprintf(sentence, sizeof(sentence), "a write to device %s has returned at last; %s%s%s",
		text, done, err->code ? ": " : "", err->code ? err->message : "");
	bool ours = d && origins_find(p->host->origins, d, &origin);
	p->listener(p->arg, &(struct pending_outcome){
				    .before = before,
				    .driver = d ? d->driver : "",
				    .original_driver = ours ? origin.driver : "",
				    .state = d ? device_state(p->host, d) : STATE_GONE,
				    .sentence = sentence,
			    });
}

/* Brings the devices back. False: yet another write has not returned. */
static bool undo(struct pending *p, struct left *l)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	CLEANUP(undone_clear) struct undone undone;

	if (undone_init(&undone, l->n))
		return false;
	for (size_t i = l->n; i-- > 0;) {
		CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
		enum undo_result result =
			undone_restore(&undone, p->host, &l->before[i], now_ns() + SETTLE_NS, &err);

		if (result == UNDO_BLOCKED)
			return false;
		tell(p, &l->before[i],
			result == UNDO_DONE ? "the device is as it was"
					    : "the device could not be brought back",
			&err);
	}
	/* When the disk fails the intent stays, and the next start finds all of this again. */
	if (store_end(p->host->store, l->intent, &undone.outcome, &ignored) == 0)
		origins_reload(p->host->origins, &ignored);
	return true;
}

/* From here on the change is one to be undone, for the next start too. */
static void turn_back(struct pending *p, struct left *l)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	const struct store_outcome outcome = {
		.left = l->before, .n_left = l->n, .left_what = "undo"};

	snprintf(l->what, sizeof(l->what), "undo");
	store_end(p->host->store, l->intent, &outcome, &ignored);
}

/* Writes down what is true now. */
static void end(struct host *host, const struct left *l, bool finished)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	bool to_vfio = strcmp(l->what, "finish bind") == 0;
	struct store_outcome outcome = {0};

	if (finished && to_vfio) {
		outcome.add = l->before;
		outcome.n_add = l->n;
	} else if (finished) {
		outcome.drop = &l->before[0].address;
		outcome.n_drop = 1;
	}
	/* When the disk fails the intent stays, and the next start undoes a change that is done. */
	if (store_end(host->store, l->intent, &outcome, &ignored) == 0)
		origins_reload(host->origins, &ignored);
	/* The nodes came before their record. */
	if (outcome.n_add > 0 && node_access_any(&l->before[0].access))
		node_keeper_nudge(host->keeper);
}

/* The end of a change of one device. Whether it came to one, and did not have to be undone. */
static bool settle_one(struct pending *p, struct left *l, bool *ret_blocked)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(device_cleanup) struct device *d = find(p->host, &l->before[0]);

	if (!d) {
		end(p->host, l, strcmp(l->what, "finish bind") != 0);
		tell(p, &l->before[0], "the device has left", &err);
		return true;
	}
	if (finish(p->host, l, d, &err) == 0) {
		end(p->host, l, true);
		tell(p, &l->before[0], "the change is finished", &err);
		return true;
	}
	*ret_blocked = err.code == CORE_DEADLINE;
	return *ret_blocked;
}

/* False: yet another write has not returned, so the change is to be waited for again. */
static bool settle(struct pending *p, struct left *l)
{
	bool blocked = false;

	if (strncmp(l->what, "finish ", 7) == 0) {
		if (settle_one(p, l, &blocked))
			return !blocked;
		turn_back(p, l);
	}
	return undo(p, l);
}

/* The groups of the devices, held while their change ends. Whether they could be had. */
static bool hold(struct pending *p, const struct left *l, uint64_t *keys, struct keylock_hold *hold)
{
	for (size_t i = 0; i < l->n; i++)
		keys[i] = group_key(p->host->devices, l->before[i].address);
	return keylock_acquire(&p->host->groups, hold, keys, l->n, now_ns() + LOOK_EVERY_NS) == 0;
}

/* Takes one change whose writes have all returned off the list. Called with the mutex held. */
static struct left *take_free(struct pending *p)
{
	for (struct left **at = &p->list; *at; at = &(*at)->next) {
		struct left *l = *at;
		if (!is_blocked(p->host, l)) {
			*at = l->next;
			return l;
		}
	}
	return NULL;
}

/* At the end: one that cannot go on does not keep the others waiting. */
static void put_back(struct pending *p, struct left *l)
{
	struct left **at = &p->list;

	while (*at)
		at = &(*at)->next;
	l->next = NULL;
	*at = l;
}

/* Called with the mutex held, and lets go of it while it works. */
static void work(struct pending *p)
{
	struct left *l = take_free(p);
	struct keylock_hold held;

	if (!l)
		return;
	CLEANUP(free_cleanup) uint64_t *keys = calloc(l->n, sizeof(*keys));
	pthread_mutex_unlock(&p->mutex);
	bool can = keys && hold(p, l, keys, &held);
	pthread_mutex_lock(&p->mutex);
	bool ended = false;
	if (can) {
		pthread_mutex_unlock(&p->mutex);
		show(p, l, true);
		ended = settle(p, l);
		/* Once it is ended, who is told of it may change the device at once. */
		if (!ended)
			show(p, l, false);
		pthread_mutex_lock(&p->mutex);
	}
	if (!ended)
		put_back(p, l);
	if (can)
		keylock_release(&p->host->groups, &held);
	if (!ended)
		return;
	unblock(p, l, l->n);
	free(l);
}

static void *watch(void *arg)
{
	struct pending *p = arg;

	pthread_mutex_lock(&p->mutex);
	while (!p->must_end) {
		int64_t until = now_ns() + LOOK_EVERY_NS;
		struct timespec ts = {until / 1000000000, until % 1000000000};

		work(p);
		if (p->must_end)
			break;
		if (p->list)
			pthread_cond_timedwait(&p->changed, &p->mutex, &ts);
		else
			pthread_cond_wait(&p->changed, &p->mutex);
	}
	p->has_ended = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

static struct left *left_new(
	int64_t intent, const char *what, const struct device_origin *before, size_t n)
{
	struct left *l = malloc(sizeof(*l) + n * sizeof(l->before[0]));

	if (!l)
		return NULL;
	l->intent = intent;
	l->n = n;
	snprintf(l->what, sizeof(l->what), "%s", what);
	memcpy(l->before, before, n * sizeof(l->before[0]));
	return l;
}

/* Takes l over, also on failure. 0 or -ENOMEM. */
static int watch_for(struct pending *p, struct left *l)
{
	if (block(p, l)) {
		free(l);
		return -ENOMEM;
	}
	pthread_mutex_lock(&p->mutex);
	put_back(p, l);
	if (!p->is_running && !p->must_end)
		p->is_running = pthread_create(&p->thread, NULL, watch, p) == 0;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mutex);
	return 0;
}

int pending_add(struct pending *p, int64_t intent, const char *what,
	const struct device_origin *before, size_t n)
{
	struct left *l = left_new(intent, what, before, n);

	return l ? watch_for(p, l) : -ENOMEM;
}

int pending_settle(struct pending *p, int64_t intent, const char *what,
	const struct device_origin *before, size_t n)
{
	CLEANUP(free_cleanup) struct left *l = left_new(intent, what, before, n);

	if (!l)
		return -ENOMEM;
	return settle(p, l) ? 0 : watch_for(p, STEAL(l));
}

bool pending_stop(struct pending *p, int64_t deadline)
{
	struct timespec ts = {deadline / 1000000000, deadline % 1000000000};
	int error = 0;

	pthread_mutex_lock(&p->mutex);
	p->must_end = true;
	pthread_cond_broadcast(&p->changed);
	while (p->is_running && !p->has_ended && !error)
		error = pthread_cond_timedwait(&p->changed, &p->mutex, &ts);
	bool must_join = p->is_running && p->has_ended;
	p->is_running &= !p->has_ended;
	bool ended = !p->is_running;
	pthread_mutex_unlock(&p->mutex);
	if (must_join)
		pthread_join(p->thread, NULL);
	return ended;
}

void pending_free(struct pending *p)
{
	if (!p)
		return;
	while (p->list) {
		struct left *l = p->list;
		p->list = l->next;
		free(l);
	}
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}
