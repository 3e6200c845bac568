/* SPDX-License-Identifier: MIT */
/* Rollback: one rule for a change that failed, was blocked, or was cut off. */
#include "core/change/rollback.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/change/step.h"
#include "core/engine.h"
#include "core/record/records.h"

#include <errno.h>
#include <string.h>

/* Gives the device, which is on driver, another driver and override. */
static int rollback_to(struct host *host, const char *driver, const struct device_origin *aim,
	int64_t deadline, struct core_error *err)
{
	CLEANUP(plan_clear) struct plan plan = {0};
	size_t done;

	if (plan_to_origin(&plan, driver, aim))
		return core_fail_memory(err);
	return step_run(host, &plan, deadline, NULL, &done, err);
}

/* The last step of an unbind that is kept, which disturbs nobody: the override. */
static void rollback_give_override(
	struct host *host, const struct device_origin *before, int64_t deadline)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	CLEANUP(device_cleanup)
	struct device *d = devices_get_or_null(host->devices, before->address);
	struct device_origin origin;

	if (!d || !origins_recall(host->origins, d, &origin))
		return;
	memcpy(origin.driver, d->driver, sizeof(origin.driver));
	rollback_to(host, d->driver, &origin, deadline, &ignored);
}

/* Whether the change was to give the device back. An unbind of a device without a driver cannot be
 * told from a bind of one once its kind is lost: what the next start finds then on a native driver
 * stays there. */
static bool rollback_is_unbind(enum intent_kind kind, const struct device_origin *before)
{
	return driver_is_vfio(before->driver) || (kind != CHANGE_BIND && !before->driver[0]);
}

/* Whether a driver that the device is on now may be taken from it: one that a change of ours may
 * have put there. */
static bool rollback_may_take(const struct host *host, const struct device *d,
	const struct device_origin *before, enum intent_kind kind)
{
	return !d->driver[0] || device_is_vfio(host->devices, d) ||
	       rollback_is_unbind(kind, before);
}

/* Brings one device that is there back: from its VFIO driver, or to it. */
static int rollback_restore(struct host *host, const struct device *d,
	const struct device_origin *before, enum intent_kind kind, int64_t deadline,
	struct core_error *err)
{
	struct device_origin aim = *before;

	/* What another tool gave it to is where it stays; the override is ours to take back. */
	if (!rollback_may_take(host, d, before, kind))
		memcpy(aim.driver, d->driver, sizeof(aim.driver));
	/* Before the first write: an override that was changed already would stay behind. */
	if (d->driver[0] && strcmp(d->driver, aim.driver) != 0 &&
		step_check_users(host, before->address, deadline, err))
		return -1;
	return rollback_to(host, d->driver, &aim, deadline, err);
}

static int rollback_device(struct host *host, const struct device_origin *before,
	enum intent_kind kind, int64_t deadline, struct core_error *err)
{
	CLEANUP(device_cleanup) struct device *d = NULL;
	int absent = devices_get(host->devices, before->address, &d);
	char text[PCI_ADDRESS_SIZE];

	if (absent && absent != -ENOENT && absent != -ENODEV) {
		pci_address_format(before->address, text);
		return core_fail(err, CORE_INTERNAL, "looking at device %s failed: %s", text,
			strerror(-absent));
	}
	/* A device that left took driver and override with it: nothing is left to bring back. */
	if (!d || !device_identity_equal(before->identity, device_identity_of(d)))
		return 0;
	return rollback_restore(host, d, before, kind, deadline, err);
}

static enum rollback_result rollback_try(const struct rollback *r,
	const struct device_origin *before, enum intent_kind kind, struct core_error *err)
{
	int64_t deadline = now_ns() + r->device_ns;

	if (!step_settled(r->host, before->address, r->settle_until))
		return ROLLBACK_BLOCKED;
	if (rollback_device(r->host, before, kind, deadline, err) == 0)
		return ROLLBACK_DONE;
	if (err->code == CORE_DEADLINE)
		return ROLLBACK_BLOCKED;
	if (err->problems.count == 0 || !plan_is_use(err->problems.items[0].reason))
		return ROLLBACK_STUCK;
	/* The change of this device is as good as made. */
	if (rollback_is_unbind(kind, before))
		rollback_give_override(r->host, before, deadline);
	return ROLLBACK_KEPT;
}

/* A device that an unbind took from its VFIO driver is there again, in another binding: it is as
 * much ours as the one before. 0 or -ENOMEM. */
static int rollback_rebind(
	struct host *host, const struct device_origin *before, struct store_outcome *outcome)
{
	CLEANUP(device_cleanup)
	struct device *d = devices_get_or_null(host->devices, before->address);
	struct device_inodes now = step_binding(host, before->address);
	struct device_origin record;

	if (!d || !now.link || !driver_is_vfio(before->driver) ||
		!origins_recall(host->origins, d, &record) ||
		record.binding.link != before->binding.link ||
		device_inodes_equal(record.binding, now))
		return 0;
	record.binding = now;
	/* In memory at once, for whoever is told of the device before it is on disk. */
	origins_rebind(host->origins, before->address, now);
	return store_outcome_add(outcome, &record, false);
}

/* What becomes of the device's record: one that a bind took from its driver is never forgotten, and
 * one that the host keeps is no longer ours. 0 or -ENOMEM. */
static int rollback_record(struct host *host, const struct device_origin *before, bool is_unbind,
	enum rollback_result result, struct store_outcome *outcome)
{
	struct device_origin record = *before;

	if (is_unbind && (result == ROLLBACK_DONE || result == ROLLBACK_STUCK))
		return rollback_rebind(host, before, outcome);
	if (result != ROLLBACK_KEPT && result != ROLLBACK_STUCK)
		return 0;
	record.binding = step_binding(host, before->address);
	return store_outcome_add(outcome, &record, is_unbind);
}

/* Rolls one device back. Whether it stays in the intent. */
static bool rollback_one(const struct rollback *r, const struct device_origin *before,
	enum intent_kind kind, struct store_outcome *outcome, bool *ret_blocked)
{
	CLEANUP(core_error_clear) struct core_error why = CORE_ERROR_INIT;
	enum rollback_result result = rollback_try(r, before, kind, &why);
	int failed =
		rollback_record(r->host, before, rollback_is_unbind(kind, before), result, outcome);

	r->tell(r->arg, before, result, &why);
	*ret_blocked |= result == ROLLBACK_BLOCKED;
	if (failed || result == ROLLBACK_BLOCKED)
		return true;
	/* Without the privileged helper nothing was tried. */
	return result == ROLLBACK_STUCK && (!r->is_final || why.code == CORE_UNAVAILABLE);
}

int rollback_run(const struct rollback *r, struct intent *intent, enum change_event *ret,
	struct core_error *err)
{
	CLEANUP(store_outcome_clear) struct store_outcome outcome = {0};
	size_t n = intent->n_devices, first_left = n;
	bool is_blocked = false;

	for (size_t i = n; i-- > 0;) {
		if (rollback_one(r, &intent->before[i], intent->kind, &outcome, &is_blocked))
			intent->before[--first_left] = intent->before[i];
	}
	intent->n_devices = n - first_left;
	memmove(intent->before, &intent->before[first_left],
		intent->n_devices * sizeof(intent->before[0]));
	*ret = intent->n_devices == 0 ? CHANGE_DONE : is_blocked ? CHANGE_BLOCKED : CHANGE_FAILED;
	lifecycle_turn(intent, *ret);
	return lifecycle_write(r->host, intent, &outcome, err);
}
