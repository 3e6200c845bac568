/* SPDX-License-Identifier: MIT */
/* What to know of devices that were bound. */
#include "core/notes.h"

#include "core/base/array.h"
#include "core/base/util.h"
#include "core/control_nodes.h"
#include "core/engine.h"
#include "core/pci/class_link.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static int note(struct notes *notes, const char *fmt, ...)
{
	struct note *added = ARRAY_ADD(notes->items, notes->count);
	va_list args;

	if (!added)
		return -ENOMEM;
	va_start(args, fmt);
	vsnprintf(added->text, sizeof(added->text), fmt, args);
	va_end(args);
	return 0;
}

/* A user of the virtual function must give the token that the user of its physical one has set
 * (drivers/vfio/pci/vfio_pci_core.c, vfio_pci_validate_vf_token). */
static int note_token(struct host *host, const struct device *d, struct notes *notes)
{
	if (!d->is_virtual)
		return 0;
	CLEANUP(device_cleanup) struct device *pf = devices_get_or_null(host->devices, d->physfn);
	if (!pf || !device_is_vfio(host->devices, pf))
		return 0;
	return note(notes,
		"device %s can be opened only with the VF token that the user of its physical function %s has set, because that is on %s (QEMU: vf-token=UUID for both)",
		d->text, pf->text, pf->driver);
}

/* Whether the kernel can reset the function alone. Without a way to reset it at all, it shows
 * neither attribute; older kernels have no reset_method. */
static bool resets_alone(struct host *host, const struct device *d)
{
	static const char *const methods[] = {"flr", "af_flr", "pm", "acpi", "device_specific"};
	char list[sizeof(d->reset_methods)], *save = NULL;

	if (!d->reset_methods[0])
		return device_has(host->devices, d, "reset");
	memcpy(list, d->reset_methods, sizeof(list));
	for (char *s = strtok_r(list, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
		for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
			if (strcmp(s, methods[i]) == 0)
				return true;
		}
	}
	return false;
}

static int count_function(void *arg, struct pci_address address)
{
	(void)address;
	++*(unsigned *)arg;
	return 0;
}

/* Whether it is behind a bridge, which can reset its bus. */
static bool is_behind_bridge(struct host *host, const struct device *d)
{
	char target[PATH_MAX];
	unsigned functions = 0;
	ssize_t n = readlinkat(host->sysfs.devices_fd, d->text, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	class_link_functions(host->sysfs.root_fd, target, count_function, &functions);
	return functions > 1;
}

/* Whether the function will be on a VFIO driver when the change is made. */
static bool is_taken(struct host *host, const struct change_result *result, const struct device *d)
{
	for (size_t i = 0; i < result->n_devices; i++) {
		if (pci_address_equal(result->devices[i].device->address, d->address))
			return true;
	}
	return device_is_vfio(host->devices, d);
}

/* A reset of the bus is let happen only when its user has all functions that it resets
 * (drivers/vfio/pci/vfio_pci_core.c, vfio_pci_dev_set_resettable). */
static int note_reset(struct host *host, const struct change_result *result, const struct device *d,
	struct notes *notes)
{
	struct pci_address address = d->address;

	if (d->is_virtual || resets_alone(host, d) || !is_behind_bridge(host, d))
		return 0;
	for (address.function = 0; address.function < 8; address.function++) {
		CLEANUP(device_cleanup)
		struct device *other = devices_get_or_null(host->devices, address);

		if (!other || other->is_virtual || other->is_bridge ||
			is_taken(host, result, other))
			continue;
		return note(notes,
			"device %s cannot be reset between two users: only its bus can, and %s of the same card is on %s; bind that too (all_functions)",
			d->text, other->text, other->driver[0] ? other->driver : "no driver");
	}
	return 0;
}

static int note_nodes(struct host *host, const struct node_access *access, struct notes *notes)
{
	struct control_node node;

	if (!control_nodes_find(host, access, &node))
		return 0;
	return note(notes, "%s has mode %04o and owner %u:%u: %s; %s", node.path, node.mode,
		node.uid, node.gid, node.who, node.action);
}

int host_bind_notes(struct host *host, const struct change_request *request,
	const struct change_result *result, struct notes *ret)
{
	int error = 0;

	for (size_t i = 0; !error && i < result->n_devices; i++) {
		error = note_token(host, result->devices[i].device, ret);
		if (!error)
			error = note_reset(host, result, result->devices[i].device, ret);
	}
	return error ? error : note_nodes(host, &request->access, ret);
}

void notes_clear(struct notes *notes)
{
	free(notes->items);
	*notes = (struct notes){0};
}
