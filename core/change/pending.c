/* SPDX-License-Identifier: MIT */
/* Changes that wait for a write. */
#include "core/change/pending.h"

#include "core/base/clock.h"
#include "core/base/thread.h"
#include "core/base/util.h"
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

static const int64_t LOOK_EVERY_NS = 20 * NS_PER_MS; /* at the locks: there is no way to be told */
static const int64_t DEVICE_NS =
	2 * NS_PER_S; /* for writes that end a change; then wait as before */

struct pending {
	struct host *host;
	pending_listener *listener;
	void *arg;
	pthread_mutex_t mutex;
	struct thread_task watcher;
	struct intent *list;
	size_t count; /* of the list and what is off it while it is worked at */
};

struct pending *pending_new(struct host *host)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->host = host;
	pthread_mutex_init(&p->mutex, NULL);
	thread_task_init(&p->watcher);
	return p;
}

void pending_listen(struct pending *p, pending_listener *listener, void *arg)
{
	p->listener = listener;
	p->arg = arg;
}

static void pending_unblock(struct pending *p, const struct intent *intent)
{
	for (size_t i = 0; i < intent->n_devices; i++)
		blocked_remove(p->host->blocked, intent->before[i].address);
}

/* 0 or -ENOMEM. */
static int pending_block(struct pending *p, const struct intent *intent)
{
	for (size_t i = 0; i < intent->n_devices; i++) {
		if (blocked_add(p->host->blocked, intent->before[i].address)) {
			pending_unblock(p, intent);
			return -ENOMEM;
		}
	}
	return 0;
}

static void pending_show(struct pending *p, const struct intent *intent, bool settles)
{
	for (size_t i = 0; i < intent->n_devices; i++)
		blocked_settle(p->host->blocked, intent->before[i].address, settles);
}

static bool pending_is_locked(const struct host *host, const struct intent *intent)
{
	for (size_t i = 0; i < intent->n_devices; i++) {
		if (blocked_is_locked(host->lock_fd, intent->before[i].address))
			return true;
	}
	return false;
}

/* The device that was being changed; NULL when it left, and took the change with it. */
static struct device *pending_find(const struct host *host, const struct device_origin *before)
{
	struct device *d = devices_get_or_null(host->devices, before->address);

	if (d && device_identity_equal(before->identity, device_identity_of(d)))
		return d;
	device_unref(d);
	return NULL;
}

static void pending_tell(struct pending *p, const struct device_origin *before, const char *done,
	const struct core_error *err)
{
	CLEANUP(device_cleanup) struct device *d = pending_find(p->host, before);
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

/* What remains to be done of the change of one device. */
static int pending_plan(struct host *host, const struct plan_request *request,
	const struct device *d, struct plan *plan)
{
	struct device_facts facts = {
		.use = {.device = d, .is_vfio = device_is_vfio(host->devices, d)}};

	facts.has_origin = origins_recall(host->origins, d, &facts.origin);
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
static int pending_run_rest(
	struct host *host, struct intent *intent, const struct device *d, struct core_error *err)
{
	CLEANUP(plan_clear) struct plan plan = {0};
	const struct plan_request request = {
		.goal = intent->kind == CHANGE_BIND ? PLAN_TO_VFIO : PLAN_TO_ORIGIN,
		.vfio_driver = VFIO_DRIVER,
		.leave_driverless = intent->kind == CHANGE_LEAVE_DRIVERLESS,
	};
	const struct step_guard guard = {.request = &request, .intent = intent};
	size_t done;

	if (pending_plan(host, &request, d, &plan))
		return core_fail_memory(err);
	return step_run(host, &plan, now_ns() + DEVICE_NS, &guard, &done, err);
}

/* Finishes the change of one device. */
static enum change_event pending_finish(struct pending *p, struct intent *intent)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT, ignored = err;
	CLEANUP(store_outcome_clear) struct store_outcome outcome = {0};
	CLEANUP(device_cleanup) struct device *d = pending_find(p->host, &intent->before[0]);
	bool is_bind = intent->kind == CHANGE_BIND;

	if (d && pending_run_rest(p->host, intent, d, &err))
		return err.code == CORE_DEADLINE ? CHANGE_BLOCKED : CHANGE_FAILED;
	if (is_bind)
		intent->before[0].binding = step_binding(p->host, intent->before[0].address);
	if ((d || !is_bind) && store_outcome_add(&outcome, &intent->before[0], !is_bind))
		return CHANGE_FAILED;
	lifecycle_turn(intent, CHANGE_DONE);
	/* When the disk fails, the next start finds the change as it was. */
	lifecycle_write(p->host, intent, &outcome, &ignored);
	pending_tell(
		p, &intent->before[0], d ? "the change is finished" : "the device has left", &err);
	return CHANGE_DONE;
}

/* A device that is rolled back is no longer of the change. */
static void pending_tell_rollback(void *arg, const struct device_origin *before,
	enum rollback_result result, const struct core_error *why)
{
	struct pending *p = arg;

	if (result == ROLLBACK_BLOCKED)
		return;
	pending_tell(p, before,
		result == ROLLBACK_DONE ? "the device is as it was"
					: "the device could not be brought back",
		why);
	if (result != ROLLBACK_STUCK)
		blocked_remove(p->host->blocked, before->address);
}

/* Takes a change on whose writes have returned. False: yet another write has not returned, so the
 * change is to be waited for again. */
static bool pending_go_on(struct pending *p, struct intent *intent)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	const struct rollback rollback = {
		.host = p->host, .device_ns = DEVICE_NS, .tell = pending_tell_rollback, .arg = p};
	enum change_event event;

	if (intent->phase == CHANGE_FINISHING) {
		event = pending_finish(p, intent);
		if (event != CHANGE_FAILED)
			return event == CHANGE_DONE;
		/* From here on it is one to be rolled back, for the next start too. */
		lifecycle_turn(intent, event);
		lifecycle_write(p->host, intent, &(struct store_outcome){0}, &ignored);
	}
	rollback_run(&rollback, intent, &event, &ignored);
	return event != CHANGE_BLOCKED;
}

/* Holds the groups of the devices, while their change ends. Whether they could be had. */
static bool pending_hold(
	struct pending *p, const struct intent *intent, uint64_t *keys, struct keylock_hold *ret)
{
	for (size_t i = 0; i < intent->n_devices; i++)
		keys[i] = group_key(p->host->devices, intent->before[i].address);
	return keylock_acquire(&p->host->groups, ret, keys, intent->n_devices,
		       now_ns() + LOOK_EVERY_NS) == 0;
}

/* Takes one change whose writes have all returned off the list. Called with the mutex held. */
static struct intent *pending_take(struct pending *p)
{
	for (struct intent **at = &p->list; *at; at = &(*at)->next) {
		struct intent *intent = *at;
		if (!pending_is_locked(p->host, intent)) {
			*at = STEAL(intent->next);
			return intent;
		}
	}
	return NULL;
}

/* At the end: one that cannot go on does not keep the others waiting. NULL is fine. */
static void pending_put(struct pending *p, struct intent *intent)
{
	struct intent **at = &p->list;

	while (*at)
		at = &(*at)->next;
	*at = intent;
}

/* Takes a change on under the locks of its groups, and frees it when it is over. Returns what is to
 * be waited for again. */
static struct intent *pending_try(struct pending *p, struct intent *intent)
{
	CLEANUP(free_cleanup) uint64_t *keys = calloc(intent->n_devices, sizeof(*keys));
	struct keylock_hold held;

	if (!keys || !pending_hold(p, intent, keys, &held))
		return intent;
	pending_show(p, intent, true);
	bool is_over = pending_go_on(p, intent);
	/* Once it is over, who is told of it may change the device at once. */
	if (is_over)
		pending_unblock(p, intent);
	else
		pending_show(p, intent, false);
	keylock_release(&p->host->groups, &held);
	if (is_over)
		free(STEAL(intent));
	return intent;
}

static void *pending_watch(void *arg)
{
	struct pending *p = arg;

	pthread_mutex_lock(&p->mutex);
	while (!p->watcher.must_end) {
		int64_t until = now_ns() + LOOK_EVERY_NS;
		struct intent *intent = pending_take(p);

		if (intent) {
			pthread_mutex_unlock(&p->mutex);
			intent = pending_try(p, intent);
			pthread_mutex_lock(&p->mutex);
			pending_put(p, intent);
			p->count -= !intent;
		}
		if (!p->watcher.must_end)
			thread_wait(&p->watcher.changed, &p->mutex, p->list ? until : INT64_MAX);
	}
	thread_task_end(&p->watcher);
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

int pending_add(struct pending *p, struct intent *intent)
{
	if (pending_block(p, intent)) {
		free(intent);
		return -ENOMEM;
	}
	pthread_mutex_lock(&p->mutex);
	pending_put(p, intent);
	p->count++;
	thread_task_start(&p->watcher, pending_watch, p);
	pthread_cond_broadcast(&p->watcher.changed);
	pthread_mutex_unlock(&p->mutex);
	return 0;
}

int pending_settle(struct pending *p, struct intent *intent)
{
	if (!pending_go_on(p, intent))
		return pending_add(p, intent);
	free(intent);
	return 0;
}

size_t pending_count(struct pending *p)
{
	pthread_mutex_lock(&p->mutex);
	size_t count = p->count;
	pthread_mutex_unlock(&p->mutex);
	return count;
}

bool pending_stop(struct pending *p, int64_t deadline)
{
	return thread_task_stop(&p->watcher, &p->mutex, deadline);
}

void pending_free(struct pending *p)
{
	if (!p)
		return;
	intent_list_cleanup(&p->list);
	thread_task_destroy(&p->watcher);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}
