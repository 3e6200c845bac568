/* SPDX-License-Identifier: MIT */
/*
 * What the privileged helper refuses, whatever main thought: docs/safety.md has the table of it.
 *
 * Everything is judged by what the privileged helper reads itself while it holds the device's lock,
 * so that no other command comes in between. What it cannot read it refuses.
 */
#include "core/helper/checks.h"
#include "core/base/util.h"
#include "core/helper/look.h"
#include "core/helper/overrides.h"
#include "core/helper/write.h"
#include "core/pci/device_table.h"
#include "core/plan/judge.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Refuses, with a sentence. Returns EPERM. */
__attribute__((format(printf, 3, 4))) static int checks_refuse(
	struct helper_reply *reply, enum core_reason reason, const char *fmt, ...)
{
	va_list args;

	reply->refused = 1 + (uint32_t)reason;
	va_start(args, fmt);
	vsnprintf(reply->text, sizeof(reply->text), fmt, args);
	va_end(args);
	return EPERM;
}

const char *helper_node_refusal(
	const struct helper_client *client, const struct node_access *access)
{
	if (access->has_mode && access->mode & ~(uint32_t)NODE_MODE_MAX)
		return "others than its owner and group must not open it (0660 at most)";
	if (client->is_known && access->has_uid && access->uid == client->uid)
		return "its owner must not be the user that vfiod runs as";
	if (client->is_known && access->has_gid && access->gid == client->gid)
		return "its group must not be the one that vfiod runs with";
	return NULL;
}

/* What the allowlist keeps away from users must stay on its native driver; giving back is always
 * right. */
static int judge_allowed(
	const struct helper_service *s, const struct device *d, struct helper_reply *reply)
{
	return allowlist_allows(s->config->allow, d->vendor, d->device)
		       ? 0
		       : checks_refuse(reply, REASON_NOT_ALLOWLISTED,
				 "device %s (%04x:%04x) is not in the server's --allow", d->text,
				 d->vendor, d->device);
}

/* Repair may set what was never changed. */
static bool is_override(const struct helper_service *s, const struct device *d, const char *text)
{
	char now[OVERRIDE_SIZE] = "";

	return helper_write_override_get(s, d->address, now, sizeof(now)) == 0 &&
	       strcmp(now, text) == 0;
}

/* A driver's name in an override makes the kernel skip the ids, and bind whatever it names. */
static int judge_override(const struct helper_service *s, const struct helper_request *request,
	const struct device *d, struct helper_reply *reply)
{
	if (request->name[0] == '\0')
		return 0;
	if (helper_is_vfio_name(request->name))
		return judge_allowed(s, d, reply);
	int has = helper_overrides_has(s, d, request->name);
	if (has < 0)
		return checks_refuse(reply, REASON_KERNEL_REFUSED,
			"the overrides on record for device %s could not be read: %s", d->text,
			strerror(-has));
	return has || is_override(s, d, request->name)
		       ? 0
		       : checks_refuse(reply, REASON_PERMISSION,
				 "driver_override of device %s may be a VFIO driver, or what it was before",
				 d->text);
}

/* A look for a command. */
struct checks_looking {
	const struct helper_service *service;
	uint32_t batch; /* of the command */
};

static int checks_look(void *arg, enum use_look what, const struct pci_address *addresses, size_t n,
	struct use_answer *ret, struct core_error *err)
{
	const struct checks_looking *l = arg;
	int error = helper_look(l->service, l->batch, what, addresses, n, ret);

	return error ? core_fail(err, CORE_INTERNAL, "finding out who uses the device failed: %s",
			       strerror(error))
		     : 0;
}

/* What the native driver left in the use count is in main's records, which are not asked. So the
 * count alone is none here: whoever has the device shows as a process. */
static void drop_mere_count(const struct uses *uses, struct core_problems *problems)
{
	if (uses_is_mere_count(uses, problems))
		core_problems_clear(problems);
}

/* Reads who uses the device. Nothing does when no driver has it. 0, or -1 with err. */
static int gather_use(const struct helper_service *s, uint32_t batch, struct device_facts *f,
	struct core_error *err)
{
	struct checks_looking looking = {.service = s, .batch = batch};
	const struct devices devices = {.sysfs = &s->sysfs};
	CLEANUP(uses_clear)
	struct uses uses = {.sysfs = &s->sysfs,
		.devices = &devices,
		.look = checks_look,
		.arg = &looking,
		.batch = &f->use.device,
		.n_batch = 1};

	if (!f->use.device->driver[0]) {
		f->use.num_vfs = device_num_vfs(&devices, f->use.device);
		return 0;
	}
	if (uses_gather(&uses, &f->use, err))
		return -1;
	if (f->use.is_vfio)
		drop_mere_count(&uses, &f->use.problems);
	return 0;
}

/* Main's own judgement, of what the privileged helper has seen. That a device has no IOMMU group is
 * the kernel's to refuse: one of a host without IOMMU has its group only while it is on VFIO. */
static int judge_use(const struct helper_service *s, const struct device_facts *f, uint32_t force,
	struct helper_reply *reply)
{
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};
	const struct facts facts = {.allow = s->config->allow, .deny_force = s->config->deny_force};
	const struct plan_request request = {
		.goal = f->use.is_vfio ? PLAN_TO_ORIGIN : PLAN_TO_VFIO, .force = force};

	plan_judge(&request, &facts, f, &refusals);
	for (size_t i = 0; i < refusals.count; i++) {
		if (refusals.items[i].reason != REASON_NO_IOMMU_GROUP)
			return checks_refuse(
				reply, refusals.items[i].reason, "%s", refusals.items[i].message);
	}
	return refusals.is_incomplete
		       ? checks_refuse(reply, REASON_KERNEL_REFUSED, "memory is short")
		       : 0;
}

/* Judges, by what is true of it now, whether the device may be taken from the driver it is on, or
 * given to a VFIO driver when it is on none. 0 or errno, with *reply. */
static int judge_taking(const struct helper_service *s, const struct helper_request *request,
	const struct device *d, struct helper_reply *reply)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct devices devices = {.sysfs = &s->sysfs};
	struct device_facts f = {.use.device = d, .display = display_of(&devices, d)};

	int error = gather_use(s, request->batch, &f, &err)
			    ? checks_refuse(reply, REASON_KERNEL_REFUSED, "%s", err.message)
			    : judge_use(s, &f, request->force, reply);
	core_problems_clear(&f.use.problems);
	return error;
}

/* From the driver that main thinks has it, and no other. */
static int judge_unbind(const struct helper_service *s, const struct helper_request *request,
	const struct device *d, struct helper_reply *reply)
{
	if (!d->driver[0])
		return 0; /* as it is to be */
	if (strcmp(d->driver, request->name) != 0)
		return ENODEV;
	return judge_taking(s, request, d, reply);
}

/* A native driver gets what its ids say, or what the host itself overrode them by: the kernel looks
 * at the override, and judge_override at what is written there. */
static int judge_binding(const struct helper_service *s, const struct helper_request *request,
	const struct device *d, struct helper_reply *reply)
{
	char override[OVERRIDE_SIZE] = "";

	if (request->op == HELPER_BIND && d->driver[0])
		return EBUSY;
	if (d->driver[0])
		return 0; /* the kernel finds no driver for one that has one */
	int error = helper_write_override_get(s, d->address, override, sizeof(override));
	if (error)
		return checks_refuse(reply, REASON_KERNEL_REFUSED,
			"driver_override of device %s could not be read: %s", d->text,
			strerror(error));
	const char *driver = request->op == HELPER_BIND ? request->name : override;
	if (helper_is_vfio_name(driver))
		return judge_taking(s, request, d, reply);
	return helper_is_vfio_name(override) ? ENODEV : 0;
}

static int judge_node(const struct helper_service *s, const struct helper_request *request,
	const struct device *d, struct helper_reply *reply)
{
	const char *why = helper_node_refusal(&s->config->client, &request->access);

	if (why)
		return checks_refuse(reply, REASON_NODE_NOT_SET, "%s", why);
	if (!device_is_vfio(&(struct devices){.sysfs = &s->sysfs}, d))
		return ENOENT;
	return judge_allowed(s, d, reply);
}

static int judge_device(const struct helper_service *s, const struct helper_request *request,
	const struct device *d, struct helper_reply *reply)
{
	if (d->is_bridge)
		return checks_refuse(reply, REASON_IS_BRIDGE, "device %s is a bridge (class %06x)",
			d->text, d->class);
	switch ((enum helper_op)request->op) {
	case HELPER_OVERRIDE_SET:
		return judge_override(s, request, d, reply);
	case HELPER_UNBIND:
		return judge_unbind(s, request, d, reply);
	case HELPER_BIND:
	case HELPER_PROBE:
		return judge_binding(s, request, d, reply);
	case HELPER_NODE_SET:
		return judge_node(s, request, d, reply);
	default:
		return EINVAL;
	}
}

int helper_judge(const struct helper_service *s, const struct helper_request *request,
	struct helper_reply *reply)
{
	CLEANUP(device_cleanup) struct device *d = NULL;
	bool has_name = request->op == HELPER_UNBIND || request->op == HELPER_BIND;
	char text[PCI_ADDRESS_SIZE];

	if (has_name && !helper_name_is_safe(request->name))
		return EINVAL;
	int error = helper_open_device(s, request->address, &d);
	if (error == ENOENT)
		return ENOENT;
	if (error) {
		pci_address_format(request->address, text);
		return checks_refuse(reply, REASON_KERNEL_REFUSED,
			"device %s could not be read: %s", text, strerror(error));
	}
	return judge_device(s, request, d, reply);
}
