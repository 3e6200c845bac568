/* SPDX-License-Identifier: MIT */
/* Writes that have not returned. */
#include "core/pending.h"
#include "core/host_internal.h"
#include "core/util.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const int64_t LOOK_EVERY_NS = 20000000;	 /* at the locks: there is no way to be told */
static const int64_t SETTLE_NS = 30000000000;	 /* for the writes that end a change */

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
	atomic_uint count;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct left *list;
	bool is_running, must_end;
	pthread_t thread;
};

struct pending *pending_new(struct host *host)
{
	struct pending *p = calloc(1, sizeof(*p));
	pthread_condattr_t attributes;

	if (!p)
		return NULL;
	p->host = host;
	atomic_init(&p->count, 0);
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

bool pending_any(const struct pending *p)
{
	return atomic_load_explicit(&p->count, memory_order_relaxed) > 0;
}

void pending_name(char buf[static 24], const char *what, size_t n_devices)
{
	if (n_devices == 1)
		snprintf(buf, 24, "finish %.12s", what);
	else
		snprintf(buf, 24, "undo");
}

static bool is_blocked(const struct host *host, const struct left *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (hand_is_pending(host->lock_fd, l->before[i].address))
			return true;
	}
	return false;
}

/* Goes on where the blocked write left the change of one device. 0, or -1 with err. */
static int finish(struct host *host, const struct left *l, struct core_error *err)
{
	const struct device_origin *before = &l->before[0];
	CLEANUP(device_cleanup) struct device *d = devices_get(host->devices, before->address);
	CLEANUP(plan_clear) struct plan plan = {0};
	struct device_facts facts = {.device = d};
	struct plan_request request = {
		.goal = strcmp(l->what, "finish bind") == 0 ? PLAN_TO_VFIO : PLAN_TO_ORIGIN,
		.vfio_driver = VFIO_DRIVER,
		.leave_driverless = strcmp(l->what, "finish free") == 0,
	};
	size_t done;

	if (!d || !device_identity_equal(before->identity, device_identity_of(d)))
		return 0; /* it left, and took the change with it */
	facts.is_vfio = device_is_vfio(host->devices, d);
	facts.has_origin = host_origin(host, d, &facts.origin);
	if (plan_steps(&request, &facts, &plan))
		return core_fail_memory(err);
	return transaction_run(host, &plan, now_ns() + SETTLE_NS, NULL, &done, err);
}

static void tell(struct pending *p, const struct device_origin *before, const char *done,
	const struct core_error *err)
{
	CLEANUP(device_cleanup) struct device *d = devices_get(p->host->devices, before->address);
	char sentence[640], text[PCI_ADDRESS_SIZE];

	struct device_origin origin;

	if (!p->listener)
		return;
	pci_address_format(before->address, text);
	snprintf(sentence, sizeof(sentence), "a write to device %s has returned at last; %s%s%s", text,
		done, err->code ? ": " : "", err->code ? err->message : "");
	bool ours = d && host_origin(p->host, d, &origin);
	p->listener(p->arg, &(struct pending_outcome){
				    .before = before,
				    .driver = d ? d->driver : "",
				    .original_driver = ours ? origin.driver : "",
				    .state = d ? device_state(p->host, d) : STATE_GONE,
				    .sentence = sentence,
			    });
}

/* Brings the devices back. Whether all are. */
static bool undo(struct pending *p, const struct left *l)
{
	bool all = true;

	for (size_t i = l->n; i-- > 0;) {
		CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
		bool ok = transaction_restore(
				  p->host, &l->before[i], now_ns() + SETTLE_NS, &err) == 0;
		tell(p, &l->before[i],
			ok ? "the device is as it was" : "the device could not be brought back",
			&err);
		all &= ok;
	}
	return all;
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
}

static void settle(struct pending *p, const struct left *l)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;

	if (strncmp(l->what, "finish ", 7) == 0 && finish(p->host, l, &err) == 0) {
		end(p->host, l, true);
		tell(p, &l->before[0], "the change is finished", &err);
	} else if (undo(p, l)) {
		end(p->host, l, false);
	}
}

/* The groups of the devices, held while their change ends. Whether they could be had. */
static bool hold(struct pending *p, const struct left *l, uint64_t *keys, struct keylock_hold *hold)
{
	for (size_t i = 0; i < l->n; i++)
		keys[i] = group_key(p->host, l->before[i].address);
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

static void put_back(struct pending *p, struct left *l)
{
	l->next = p->list;
	p->list = l;
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
	if (can) {
		settle(p, l);
		keylock_release(&p->host->groups, &held);
	}
	pthread_mutex_lock(&p->mutex);
	if (!can) {
		put_back(p, l);
		return;
	}
	atomic_fetch_sub(&p->count, 1);
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

int pending_add(struct pending *p, int64_t intent, const char *what,
	const struct device_origin *before, size_t n)
{
	struct left *l = left_new(intent, what, before, n);

	if (!l)
		return -ENOMEM;
	pthread_mutex_lock(&p->mutex);
	put_back(p, l);
	atomic_fetch_add(&p->count, 1);
	if (!p->is_running)
		p->is_running = pthread_create(&p->thread, NULL, watch, p) == 0;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->mutex);
	return 0;
}

void pending_settle(struct pending *p, int64_t intent, const char *what,
	const struct device_origin *before, size_t n)
{
	CLEANUP(free_cleanup) struct left *l = left_new(intent, what, before, n);

	if (l)
		settle(p, l);
}

bool pending_stop(struct pending *p, int64_t deadline)
{
	struct timespec ts = {deadline / 1000000000, deadline % 1000000000};

	pthread_mutex_lock(&p->mutex);
	p->must_end = true;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->mutex);
	if (p->is_running && pthread_clockjoin_np(p->thread, NULL, CLOCK_MONOTONIC, &ts) != 0)
		return false;
	p->is_running = false;
	return true;
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
