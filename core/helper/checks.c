/* SPDX-License-Identifier: MIT */
/*
 * What the privileged helper refuses, whatever main thought: docs/safety.md has the table of it.
 *
 * Everything is judged by what the privileged helper reads itself while it holds the device's lock,
 * so that no other command comes in between. What it cannot read it refuses.
 */
#include "core/base/util.h"
#include "core/helper/helper_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool helper_name_is_safe(const char *name)
{
	size_t n =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+");

	return n > 0 && n < DRIVER_NAME_SIZE && name[n] == '\0' && name[0] != '.';
}

int helper_refuse(struct helper_reply *reply, enum core_reason reason, const char *fmt, ...)
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

bool helper_is_vfio_name(const char *name)
{
	return helper_name_is_safe(name) && driver_is_vfio(name);
}

/* What the allowlist keeps away from users must stay on its native driver; giving back is always
 * right. */
static int judge_allowed(
	const struct helper_service *s, const struct device *d, struct helper_reply *reply)
{
	return allowlist_allows(s->config->allow, d->vendor, d->device)
		       ? 0
		       : helper_refuse(reply, REASON_NOT_ALLOWLISTED,
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
		return helper_refuse(reply, REASON_KERNEL_REFUSED,
			"the overrides on record for device %s could not be read: %s", d->text,
			strerror(-has));
	return has || is_override(s, d, request->name)
		       ? 0
		       : helper_refuse(reply, REASON_PERMISSION,
				 "driver_override of device %s may be a VFIO driver, or what it was before",
				 d->text);
}

/* From the driver that main thinks has it, and no other. */
static int judge_unbind(const struct helper_service *s, const struct helper_request *request,
	const struct device *d, struct helper_reply *reply)
{
	if (!d->driver[0])
		return 0; /* as it is to be */
	if (strcmp(d->driver, request->name) != 0)
		return ENODEV;
	return helper_judge_taking(s, d, request->force, reply);
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
		return helper_refuse(reply, REASON_KERNEL_REFUSED,
			"driver_override of device %s could not be read: %s", d->text,
			strerror(error));
	const char *driver = request->op == HELPER_BIND ? request->name : override;
	if (helper_is_vfio_name(driver))
		return helper_judge_taking(s, d, request->force, reply);
	return helper_is_vfio_name(override) ? ENODEV : 0;
}

static int judge_node(const struct helper_service *s, const struct helper_request *request,
	const struct device *d, struct helper_reply *reply)
{
	const char *why = helper_node_refusal(&s->config->client, &request->access);

	if (why)
		return helper_refuse(reply, REASON_NODE_NOT_SET, "%s", why);
	if (!helper_is_on_vfio(s, d))
		return ENOENT;
	return judge_allowed(s, d, reply);
}

static int judge_device(const struct helper_service *s, const struct helper_request *request,
	const struct device *d, struct helper_reply *reply)
{
	if (d->is_bridge)
		return helper_refuse(reply, REASON_IS_BRIDGE, "device %s is a bridge", d->text);
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
		return helper_refuse(reply, REASON_KERNEL_REFUSED,
			"device %s could not be read: %s", text, strerror(error));
	}
	return judge_device(s, request, d, reply);
}
