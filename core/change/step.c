/* SPDX-License-Identifier: MIT */
/* Running the steps of a plan through the privileged helper. */
#include "core/change/step.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/change/vfio_driver.h"
#include "core/engine.h"
#include "core/helper/blocked.h"
#include "core/helper/helper.h"
#include "core/inspect/gather.h"
#include "core/inspect/state.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define PERMISSION_ACTION "run vfiod as root, or as a user who may write to its --root"

static const int64_t LOOK_NS = NS_PER_S; /* for finding out who is in the way */

/* What the step does, for an error's sentence: "binding device 0000:01:00.0 to vfio-pci". */
static void step_describe(const struct plan_step *step, char *buf, size_t size)
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
static int step_fail(struct core_error *err, const struct plan_step *step, enum core_reason reason,
	const char *action, const char *why)
{
	struct core_problems problems = {0};
	char doing[160];

	step_describe(step, doing, sizeof(doing));
	if (!core_problem_add_device(
		    &problems, step->address, reason, action, "%s failed: %s", doing, why))
		return core_fail_memory(err);
	return core_fail_problems(err, &problems);
}

/* The device could not be looked at, by errno: it has left, or, short of descriptors or memory, who
 * knows. */
static int step_fail_absent(struct core_error *err, const struct plan_step *step, int error)
{
	if (error != ENOENT && error != ENODEV)
		return step_fail(err, step, REASON_KERNEL_REFUSED,
			"see whether vfiod has run out of memory or file descriptors",
			strerror(error));
	return step_fail(err, step, REASON_DEVICE_NOT_FOUND, "see the kernel's log for why it left",
		"the device is gone");
}

/* The privileged helper would not do it, by its own look. */
static int step_fail_refused(struct host *host, struct core_error *err,
	const struct plan_step *step, const struct helper_reply *reply)
{
	CLEANUP(device_cleanup)
	struct device *d = devices_get_or_null(host->devices, step->address);
	enum core_reason reason =
		reply->refused <= REASON_COUNT ? reply->refused - 1 : REASON_KERNEL_REFUSED;
	struct core_problems problems = {0};
	char doing[160];

	step_describe(step, doing, sizeof(doing));
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
static int step_fail_full(struct core_error *err, const struct plan_step *step)
{
	char doing[160];

	step_describe(step, doing, sizeof(doing));
	return core_fail(err, CORE_INTERNAL,
		"%s failed: the file system of the state folder is full; free some space and try again",
		doing);
}

/* What the kernel's errno means for a step; no why: what strerror says. */
static const struct step_errno {
	int error;
	enum core_reason reason;
	const char *action, *why;
} ERRNOS[] = {
	{EACCES, REASON_PERMISSION, PERMISSION_ACTION, NULL},
	{EPERM, REASON_PERMISSION, PERMISSION_ACTION, NULL},
	{EROFS, REASON_PERMISSION, PERMISSION_ACTION, NULL},
	{ENODEV, REASON_KERNEL_REFUSED,
		"see whether the device is still there, and the kernel's log", NULL},
	{ENOENT, REASON_DRIVER_UNAVAILABLE, "load the driver's module (modprobe) and try again",
		"no such driver is loaded"},
	{EBUSY, REASON_KERNEL_REFUSED,
		"see whether a VFIO user has the device's group, or another tool changed the device meanwhile",
		NULL},
	{HELPER_TOO_MANY, REASON_KERNEL_REFUSED,
		"end the programs that keep earlier writes from returning",
		"too many earlier writes to other devices have not returned"},
	{0, REASON_KERNEL_REFUSED, "see the kernel's log", NULL},
};

/* A driver's probe may fail with EINVAL for any reason of its own. VFIO's does for a device without
 * an IOMMU group and one on its denylist. */
static const char *einval_action(const struct plan_step *step, const struct device *d)
{
	if (step->action != PLAN_BIND || !driver_is_vfio(step->name))
		return "see the kernel's log for why the driver refused it";
	return d->group < 0
		       ? "enable the IOMMU for the device; `vfioctl doctor` tells how"
		       : "see the kernel's log: vfio-pci denies some devices, and cannot drive those that do not answer";
}

/* A file that is not there may be the driver's or the device's, so the device is looked for
 * first. */
static int step_fail_errno(
	struct host *host, struct core_error *err, const struct plan_step *step, int error)
{
	CLEANUP(device_cleanup) struct device *d = NULL;
	int absent = devices_get(host->devices, step->address, &d);
	const struct step_errno *e = ERRNOS;

	if (absent)
		return step_fail_absent(err, step, -absent);
	if (error == ENOSPC || error == EDQUOT)
		return step_fail_full(err, step);
	if (error == EINVAL)
		return step_fail(
			err, step, REASON_KERNEL_REFUSED, einval_action(step, d), strerror(error));
	while (e->error && e->error != error)
		e++;
	return step_fail(err, step, e->reason, e->action, e->why ? e->why : strerror(error));
}

/* The write goes on without us: says who keeps it from returning. */
static int step_fail_blocked(
	struct host *host, const struct plan_step *step, struct core_error *err)
{
	CLEANUP(device_cleanup)
	struct device *d = devices_get_or_null(host->devices, step->address);
	struct core_problems problems = {0};
	char doing[160], who[64] = "";

	step_describe(step, doing, sizeof(doing));
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

static int step_fail_no_answer(
	struct host *host, struct core_error *err, const struct plan_step *step, int rc)
{
	char doing[160];

	if (rc == -ETIMEDOUT)
		return step_fail_blocked(host, step, err);
	if (rc == -EINPROGRESS)
		return step_fail(err, step, REASON_UNBIND_PENDING,
			"end the process that has the device open; the write then completes by itself",
			"an earlier write to it has not returned yet");
	step_describe(step, doing, sizeof(doing));
	return helper_no_answer(err, rc, doing);
}

/* A rollback passes what tells nothing of users: the device was there before. */
static const uint32_t ROLLBACK_FORCE =
	1u << REASON_BOOT_DISPLAY | 1u << REASON_PF_HAS_VFS | 1u << REASON_RESERVED_REGION;

static int step_call(struct host *host, const struct plan_step *step, uint32_t force,
	uint32_t batch, int64_t deadline, struct core_error *err)
{
	static const enum helper_op ops[] = {
		[PLAN_OVERRIDE] = HELPER_OVERRIDE_SET,
		[PLAN_UNBIND] = HELPER_UNBIND,
		[PLAN_BIND] = HELPER_BIND,
		[PLAN_PROBE] = HELPER_PROBE,
	};
	struct helper_request request = {
		.op = ops[step->action], .force = force, .batch = batch, .address = step->address};
	struct helper_reply reply;

	snprintf(request.name, sizeof(request.name), "%s", step->name);
	int rc = helper_call(host->helper, &request, deadline, &reply);
	if (rc < 0)
		return step_fail_no_answer(host, err, step, rc);
	if (reply.refused)
		return step_fail_refused(host, err, step, &reply);
	return reply.error ? step_fail_errno(host, err, step, reply.error) : 0;
}

static int step_verify_override(
	struct host *host, const struct plan_step *step, int64_t deadline, struct core_error *err)
{
	struct helper_request request = {.op = HELPER_OVERRIDE_GET, .address = step->address};
	struct helper_reply reply;
	int rc = helper_call(host->helper, &request, deadline, &reply);

	if (rc < 0)
		return step_fail_no_answer(host, err, step, rc);
	if (reply.error)
		return step_fail_errno(host, err, step, reply.error);
	if (strcmp(reply.text, step->name) == 0)
		return 0;
	return step_fail(err, step, REASON_KERNEL_REFUSED, "see the kernel's log",
		"the kernel took the write but driver_override is another");
}

/* Reads back what the step should have made true; the write's own success proves nothing. */
static int step_verify(
	struct host *host, const struct plan_step *step, int64_t deadline, struct core_error *err)
{
	CLEANUP(device_cleanup) struct device *d = NULL;
	int absent = devices_get(host->devices, step->address, &d);
	char why[160];

	if (absent)
		return step_fail_absent(err, step, -absent);
	if (step->action == PLAN_UNBIND && strcmp(d->driver, step->name) == 0)
		return step_fail(err, step, REASON_KERNEL_REFUSED, "see the kernel's log",
			"the kernel took the write but the driver still has the device");
	if (step->action == PLAN_BIND && strcmp(d->driver, step->name) != 0) {
		snprintf(why, sizeof(why), "the kernel took the write but the device is on %s",
			d->driver[0] ? d->driver : "no driver");
		return step_fail(err, step, REASON_KERNEL_REFUSED, "see the kernel's log", why);
	}
	/* A driver that was given the device's id (new_id, or the module's ids) takes it without an
	 * override. */
	if (step->action == PLAN_PROBE && device_is_vfio(host->devices, d)) {
		snprintf(why, sizeof(why), "%s takes the device by its id once more", d->driver);
		return step_fail(err, step, REASON_KERNEL_REFUSED,
			"write the id to the driver's remove_id and load the native driver, or use leave_driverless",
			why);
	}
	return step->action == PLAN_OVERRIDE ? step_verify_override(host, step, deadline, err) : 0;
}

/* Whether nothing but a use count speaks for a user, which a rollback puts up with: the native
 * driver may have left it, and a user that there is makes the write wait. */
static bool step_is_mere_count(const struct core_problems *uses)
{
	bool mere = !uses->is_incomplete;

	for (size_t i = 0; i < uses->count; i++)
		mere &= uses->items[i].reason == REASON_VFIO_IN_USE &&
			uses->items[i].n_holders == 0;
	return mere;
}

/* Looks again right before a device is taken from its driver: whether it is still on the one that
 * the plan is about, and may still be taken from it. Without a request, at who uses it alone. */
static int step_look_again(struct host *host, const struct plan_request *request,
	const struct plan_step *step, uint32_t batch, int64_t deadline, struct core_error *err)
{
	CLEANUP(device_cleanup) struct device *d = NULL;
	int absent = devices_get(host->devices, step->address, &d);
	CLEANUP(facts_clear) struct facts facts = {0};
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};
	char why[160];

	if (absent)
		return step_fail_absent(err, step, -absent);
	if (request && d->driver[0] && strcmp(d->driver, step->name) != 0) {
		snprintf(why, sizeof(why), "another tool has given it to %s meanwhile", d->driver);
		return step_fail(err, step, REASON_KERNEL_REFUSED,
			"see which tool that is, and try again", why);
	}
	if (facts_gather(host, &d, 1, batch, deadline, &facts, err))
		return -1;
	if (request)
		plan_judge(request, &facts, &facts.devices[0], &refusals);
	else
		plan_judge_uses(0, &facts.devices[0], &refusals);
	if (!core_problems_any(&refusals) || (!request && step_is_mere_count(&refusals)))
		return 0;
	return core_fail_problems(err, &refusals);
}

int step_check_users(
	struct host *host, struct pci_address address, int64_t deadline, struct core_error *err)
{
	const struct plan_step step = {.address = address, .action = PLAN_UNBIND};

	return step_look_again(host, NULL, &step, 0, deadline, err);
}

/* Once a driver has the device, its users count too: this is the time to see what the native driver
 * left. */
static void step_note_use_count(
	struct host *host, struct intent *intent, struct pci_address address)
{
	CLEANUP(device_cleanup) struct device *d = devices_get_or_null(host->devices, address);

	for (size_t i = 0; d && i < intent->n_devices; i++) {
		if (pci_address_equal(intent->before[i].address, address))
			intent->before[i].idle_use_count = device_use_count(host->devices, d);
	}
}

struct device_inodes step_binding(struct host *host, struct pci_address address)
{
	CLEANUP(device_cleanup) struct device *d = devices_get_or_null(host->devices, address);
	struct device_inodes now = {0};

	if (!d || device_inodes(host->devices, d, &now))
		return (struct device_inodes){0};
	if (!device_is_vfio(host->devices, d))
		now.link = 0;
	return now;
}

/* Right after the bind: who binds the device later makes another binding. */
static void step_note_binding(struct host *host, struct intent *intent, struct pci_address address)
{
	for (size_t i = 0; intent->kind == CHANGE_BIND && i < intent->n_devices; i++) {
		if (pci_address_equal(intent->before[i].address, address))
			intent->before[i].binding = step_binding(host, address);
	}
}

/* The looks of one run for several devices may share what was seen a moment ago, so that they do
 * not search all processes for each. One device is looked at anew right before it is taken. */
static uint32_t step_next_batch(void)
{
	static atomic_uint last;

	return atomic_fetch_add(&last, 1) + 1;
}

int step_run(struct host *host, const struct plan *plan, int64_t deadline,
	const struct step_guard *guard, size_t *ret_done, struct core_error *err)
{
	uint32_t force = guard ? guard->request->force : ROLLBACK_FORCE;
	bool shares = guard && plan->count > 0 && guard->intent->n_devices > 1;
	uint32_t batch = shares ? step_next_batch() : 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (guard && step->action == PLAN_UNBIND &&
			step_look_again(host, guard->request, step, batch, deadline, err))
			return -1;
		if (guard && step->action == PLAN_BIND)
			step_note_use_count(host, guard->intent, step->address);
		if (guard && guard->shows)
			blocked_begin(host->blocked, step->address);
		*ret_done = i + 1; /* begun is as good as done: it may have had its effect */
		if (step_call(host, step, force, batch, deadline, err) ||
			step_verify(host, step, deadline, err))
			return -1;
		if (guard && step->action == PLAN_BIND)
			step_note_binding(host, guard->intent, step->address);
	}
	return 0;
}

int step_read_origin(struct host *host, const struct device *device, int64_t deadline,
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
	struct device_origin before = {
		.address = device->address, .identity = device_identity_of(device)};
	if ((rc = device_inodes(host->devices, device, &before.binding)) < 0)
		return core_fail(err, CORE_INTERNAL,
			"looking at the folder of device %s in sysfs failed: %s", device->text,
			strerror(-rc));
	*ret = before;
	memcpy(ret->driver, device->driver, sizeof(ret->driver));
	memcpy(ret->override, reply.text, sizeof(ret->override));
	return 0;
}

bool step_settled(const struct host *host, struct pci_address address, int64_t until)
{
	const struct timespec pause = clock_timespec(5 * NS_PER_MS);

	while (blocked_is_locked(host->lock_fd, address)) {
		if (now_ns() >= until)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}
