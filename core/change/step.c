/* SPDX-License-Identifier: MIT */
/* Running the steps of a plan through the privileged helper, and undoing them. */
#include "core/change/step.h"

#include "core/base/util.h"
#include "core/change/vfio_driver.h"
#include "core/engine.h"
#include "core/helper/blocked.h"
#include "core/helper/helper.h"
#include "core/inspect/gather.h"
#include "core/inspect/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const int64_t LOOK_NS = 1000000000; /* for finding out who is in the way */

/* What the step does, for an error's sentence: "binding device 0000:01:00.0 to vfio-pci". */
static void describe(const struct plan_step *step, char *buf, size_t size)
{
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(step->address, text);
	switch (step->action) {
	case PLAN_OVERRIDE:
		snprintf(buf, size,
			step->name[0] ? "setting driver_override of device %s to %.63s"
				      : "clearing driver_override of device %s",
			text, step->name);
		break;
	case PLAN_UNBIND:
		snprintf(buf, size, "unbinding device %s from %.63s", text, step->name);
		break;
	case PLAN_BIND:
		snprintf(buf, size, "binding device %s to %.63s", text, step->name);
		break;
	case PLAN_PROBE:
		snprintf(buf, size, "probing drivers for device %s", text);
		break;
	}
}

/* Fails with the one problem that this step has. */
static int fail_step(struct core_error *err, const struct plan_step *step, enum core_reason reason,
	const char *action, const char *why)
{
	struct core_problems problems = {0};
	char doing[160];

	describe(step, doing, sizeof(doing));
	if (!core_problem_add_device(
		    &problems, step->address, reason, action, "%s failed: %s", doing, why))
		return core_fail_memory(err);
	return core_fail_problems(err, &problems);
}

/* The device could not be looked at, by errno: it has left, or, short of descriptors or memory, who
 * knows. */
static int fail_absent(struct core_error *err, const struct plan_step *step, int error)
{
	if (error != ENOENT && error != ENODEV)
		return fail_step(err, step, REASON_KERNEL_REFUSED,
			"see whether vfiod has run out of memory or file descriptors",
			strerror(error));
	return fail_step(err, step, REASON_DEVICE_NOT_FOUND, "see the kernel's log for why it left",
		"the device is gone");
}

/* The privileged helper would not do it, by its own look. */
static int fail_refused(struct host *host, struct core_error *err, const struct plan_step *step,
	const struct helper_reply *reply)
{
	CLEANUP(device_cleanup)
	struct device *d = devices_get_or_null(host->devices, step->address);
	enum core_reason reason =
		reply->refused <= REASON_COUNT ? reply->refused - 1 : REASON_KERNEL_REFUSED;
	struct core_problems problems = {0};
	char doing[160];

	describe(step, doing, sizeof(doing));
	struct core_problem *problem = core_problem_add_device(&problems, step->address, reason,
		"see what is said of the device, and of the privileged process in docs/safety.md",
		"%.90s failed: the privileged process refused: %.140s", doing, reply->text);
	if (!problem)
		return core_fail_memory(err);
	if (d && plan_is_use(reason))
		facts_add_holders(host, d, now_ns() + LOOK_NS, problem);
	return core_fail_problems(err, &problems);
}

/* The privileged helper had no room for what it keeps of the device: nothing was written to it. */
static int fail_full(struct core_error *err, const struct plan_step *step)
{
	char doing[160];

	describe(step, doing, sizeof(doing));
	return core_fail(err, CORE_INTERNAL,
		"%s failed: the file system of the state folder is full; free some space and try again",
		doing);
}

/* What the kernel's errno means for this step. A file that is not there may be the driver's or the
 * device's, so the device is looked for first. */
static int fail_errno(
	struct host *host, struct core_error *err, const struct plan_step *step, int error)
{
	CLEANUP(device_cleanup) struct device *d = NULL;
	int absent = devices_get(host->devices, step->address, &d);
	const char *why = strerror(error);

	if (absent)
		return fail_absent(err, step, -absent);
	switch (error) {
	case EACCES:
	case EPERM:
	case EROFS:
		return fail_step(err, step, REASON_PERMISSION,
			"run vfiod as root, or as a user who may write to its --root", why);
	case ENODEV:
		return fail_step(err, step, REASON_KERNEL_REFUSED,
			"see whether the device is still there, and the kernel's log", why);
	case ENOENT:
		return fail_step(err, step, REASON_DRIVER_UNAVAILABLE,
			"load the driver's module (modprobe) and try again",
			"no such driver is loaded");
	case EINVAL:
		return fail_step(err, step, REASON_KERNEL_REFUSED,
			"check that the IOMMU is on and that the kernel's vfio-pci does not deny this device (see the kernel's log)",
			why);
	case EBUSY:
		return fail_step(err, step, REASON_KERNEL_REFUSED,
			"see whether a VFIO user has the device's group, or another tool changed the device meanwhile",
			why);
	case ENOSPC:
	case EDQUOT:
		return fail_full(err, step);
	case HELPER_TOO_MANY:
		return fail_step(err, step, REASON_KERNEL_REFUSED,
			"end the programs that keep earlier writes from returning",
			"too many earlier writes to other devices have not returned");
	default:
		return fail_step(err, step, REASON_KERNEL_REFUSED, "see the kernel's log", why);
	}
}

/* The write goes on without us: says who keeps it from returning. */
static int fail_blocked(struct host *host, const struct plan_step *step, struct core_error *err)
{
	CLEANUP(device_cleanup)
	struct device *d = devices_get_or_null(host->devices, step->address);
	struct core_problems problems = {0};
	char doing[160], who[64] = "";

	describe(step, doing, sizeof(doing));
	struct core_problem *problem = core_problem_add_device(&problems, step->address,
		REASON_UNBIND_PENDING,
		"end the program that keeps it from returning; vfiod then finishes by itself",
		"%s has not returned in time; it goes on", doing);
	if (!problem)
		return core_fail_memory(err);
	if (d)
		facts_add_holders(host, d, now_ns() + LOOK_NS, problem);
	if (problem->n_holders > 0)
		snprintf(who, sizeof(who), ": %s (pid %d) has the device open",
			problem->holders[0].command, problem->holders[0].pid);
	core_fail_problems(err, &problems);
	return core_fail(
		err, CORE_DEADLINE, "%s has not returned in time; it goes on%s", doing, who);
}

static int fail_no_answer(
	struct host *host, struct core_error *err, const struct plan_step *step, int rc)
{
	char doing[160];

	if (rc == -ETIMEDOUT)
		return fail_blocked(host, step, err);
	if (rc == -EINPROGRESS)
		return fail_step(err, step, REASON_UNBIND_PENDING,
			"end the process that has the device open; the write then completes by itself",
			"an earlier write to it has not returned yet");
	describe(step, doing, sizeof(doing));
	return helper_no_answer(err, rc, doing);
}

/* Undoing passes what tells nothing of users: the device was there before. */
static const uint32_t UNDO_FORCE = 1u << REASON_BOOT_DISPLAY | 1u << REASON_PF_HAS_VFS;

static int call(struct host *host, const struct plan_step *step, uint32_t force, int64_t deadline,
	struct core_error *err)
{
	static const enum helper_op ops[] = {
		[PLAN_OVERRIDE] = HELPER_OVERRIDE_SET,
		[PLAN_UNBIND] = HELPER_UNBIND,
		[PLAN_BIND] = HELPER_BIND,
		[PLAN_PROBE] = HELPER_PROBE,
	};
	struct helper_request request = {
		.op = ops[step->action], .force = force, .address = step->address};
	struct helper_reply reply;

	snprintf(request.name, sizeof(request.name), "%s", step->name);
	int rc = helper_call(host->helper, &request, deadline, &reply);
	if (rc < 0)
		return fail_no_answer(host, err, step, rc);
	if (reply.refused)
		return fail_refused(host, err, step, &reply);
	return reply.error ? fail_errno(host, err, step, reply.error) : 0;
}

static int verify_override(
	struct host *host, const struct plan_step *step, int64_t deadline, struct core_error *err)
{
	struct helper_request request = {.op = HELPER_OVERRIDE_GET, .address = step->address};
	struct helper_reply reply;
	int rc = helper_call(host->helper, &request, deadline, &reply);

	if (rc < 0)
		return fail_no_answer(host, err, step, rc);
	if (reply.error)
		return fail_errno(host, err, step, reply.error);
	if (strcmp(reply.text, step->name) == 0)
		return 0;
	return fail_step(err, step, REASON_KERNEL_REFUSED, "see the kernel's log",
		"the kernel took the write but driver_override is another");
}

/* Reads back what the step should have made true; the write's own success proves nothing. */
static int verify(
	struct host *host, const struct plan_step *step, int64_t deadline, struct core_error *err)
{
	CLEANUP(device_cleanup) struct device *d = NULL;
	int absent = devices_get(host->devices, step->address, &d);
	char why[160];

	if (absent)
		return fail_absent(err, step, -absent);
	if (step->action == PLAN_UNBIND && strcmp(d->driver, step->name) == 0)
		return fail_step(err, step, REASON_KERNEL_REFUSED, "see the kernel's log",
			"the kernel took the write but the driver still has the device");
	if (step->action == PLAN_BIND && strcmp(d->driver, step->name) != 0) {
		snprintf(why, sizeof(why), "the kernel took the write but the device is on %s",
			d->driver[0] ? d->driver : "no driver");
		return fail_step(err, step, REASON_KERNEL_REFUSED, "see the kernel's log", why);
	}
	/* A driver that was given the device's id (new_id, or the module's ids) takes it without an
	 * override. */
	if (step->action == PLAN_PROBE && device_is_vfio(host->devices, d)) {
		snprintf(why, sizeof(why), "%s takes the device by its id once more", d->driver);
		return fail_step(err, step, REASON_KERNEL_REFUSED,
			"write the id to the driver's remove_id and load the native driver, or use leave_driverless",
			why);
	}
	return step->action == PLAN_OVERRIDE ? verify_override(host, step, deadline, err) : 0;
}

/* Whether nothing but a use count speaks for a user, which undoing puts up with: the native driver
 * may have left it, and a user that there is makes the write wait. */
static bool is_mere_count(const struct core_problems *uses)
{
	bool mere = !uses->is_incomplete;

	for (size_t i = 0; i < uses->count; i++)
		mere &= uses->items[i].reason == REASON_VFIO_IN_USE &&
			uses->items[i].n_holders == 0;
	return mere;
}

/* Looks again right before a device is taken from its driver: whether it is still on the one that
 * the plan is about, and may still be taken from it. */
static int look_again(struct host *host, const struct transaction_guard *guard,
	const struct plan_step *step, int64_t deadline, struct core_error *err)
{
	CLEANUP(device_cleanup) struct device *d = NULL;
	int absent = devices_get(host->devices, step->address, &d);
	CLEANUP(facts_clear) struct facts facts = {0};
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};
	char why[160];

	if (absent)
		return fail_absent(err, step, -absent);
	if (guard->request && d->driver[0] && strcmp(d->driver, step->name) != 0) {
		snprintf(why, sizeof(why), "another tool has given it to %s meanwhile", d->driver);
		return fail_step(err, step, REASON_KERNEL_REFUSED,
			"see which tool that is, and try again", why);
	}
	if (facts_gather(host, &d, 1, deadline, &facts, err))
		return -1;
	if (guard->request)
		plan_judge(guard->request, &facts, &facts.devices[0], &refusals);
	else
		plan_judge_uses(0, &facts.devices[0], &refusals);
	if (!core_problems_any(&refusals) || (!guard->request && is_mere_count(&refusals)))
		return 0;
	return core_fail_problems(err, &refusals);
}

/* Once a driver has the device, its users count too: this is the time to see what the native driver
 * left. */
static void note_use_count(
	struct host *host, const struct transaction_guard *guard, struct pci_address address)
{
	CLEANUP(device_cleanup) struct device *d = devices_get_or_null(host->devices, address);

	for (size_t i = 0; d && i < guard->n_records; i++) {
		if (pci_address_equal(guard->records[i].address, address))
			guard->records[i].idle_use_count = device_use_count(host->devices, d);
	}
}

int transaction_run(struct host *host, const struct plan *plan, int64_t deadline,
	const struct transaction_guard *guard, size_t *ret_done, struct core_error *err)
{
	uint32_t force = guard && guard->request ? guard->request->force : UNDO_FORCE;

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (guard && step->action == PLAN_UNBIND &&
			look_again(host, guard, step, deadline, err))
			return -1;
		if (guard && step->action == PLAN_BIND)
			note_use_count(host, guard, step->address);
		*ret_done = i + 1; /* begun is as good as done: it may have had its effect */
		if (call(host, step, force, deadline, err) || verify(host, step, deadline, err))
			return -1;
	}
	return 0;
}

int transaction_origin(struct host *host, const struct device *device, int64_t deadline,
	struct device_origin *ret, struct core_error *err)
{
	struct helper_request request = {.op = HELPER_OVERRIDE_GET, .address = device->address};
	struct helper_reply reply;
	int rc = helper_call(host->helper, &request, deadline, &reply);

	if (rc < 0 || reply.error) {
		char doing[96];
		snprintf(
			doing, sizeof(doing), "reading driver_override of device %s", device->text);
		return helper_no_answer(err, rc < 0 ? rc : -reply.error, doing);
	}
	*ret = (struct device_origin){
		.address = device->address, .identity = device_identity_of(device)};
	memcpy(ret->driver, device->driver, sizeof(ret->driver));
	memcpy(ret->override, reply.text, sizeof(ret->override));
	return 0;
}

bool transaction_settled(const struct host *host, struct pci_address address, int64_t until)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	while (blocked_is_locked(host->lock_fd, address)) {
		if (now_ns() >= until)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* The same origin, but with that driver. */
static struct device_origin origin_on(const struct device_origin *origin, const char *driver)
{
	struct device_origin on = *origin;

	snprintf(on.driver, sizeof(on.driver), "%s", driver);
	return on;
}

/* Whether a driver that the device is on now may be taken from it by undoing: one that a change of
 * ours may have put there. */
static bool may_be_ours(const struct device *d, bool is_vfio, const struct device_origin *before)
{
	return !d->driver[0] || is_vfio || driver_is_vfio(before->driver);
}

int transaction_restore(struct host *host, const struct device_origin *before, int64_t deadline,
	struct core_error *err)
{
	/* The host, or a virtual machine, may have begun to use what is to be taken back. */
	static const struct transaction_guard guard = {0};
	CLEANUP(device_cleanup) struct device *d = NULL;
	int absent = devices_get(host->devices, before->address, &d);
	CLEANUP(plan_clear) struct plan plan = {0};
	char text[PCI_ADDRESS_SIZE];
	size_t done;

	pci_address_format(before->address, text);
	if (absent && absent != -ENOENT && absent != -ENODEV)
		return core_fail(err, CORE_INTERNAL, "looking at device %s failed: %s", text,
			strerror(-absent));
	/* A device that left took driver and override with it: nothing is left to bring back. */
	if (!d || !device_identity_equal(before->identity, device_identity_of(d)))
		return 0;
	/* What another tool gave it to is where it stays; the override is ours to take back. */
	bool keep = !may_be_ours(d, device_is_vfio(host->devices, d), before);
	const struct device_origin aim = keep ? origin_on(before, d->driver) : *before;
	if (plan_to_origin(&plan, d->driver, &aim))
		return core_fail_memory(err);
	/* Before the first write: an override that was changed already would stay behind. */
	const struct plan_step taken = {.address = before->address, .action = PLAN_UNBIND};
	if (d->driver[0] && strcmp(d->driver, aim.driver) != 0 &&
		look_again(host, &guard, &taken, deadline, err))
		return -1;
	return transaction_run(host, &plan, deadline, NULL, &done, err);
}
