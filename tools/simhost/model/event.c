/* SPDX-License-Identifier: MIT */
/* Uevents, in the text and the order that the kernel's netlink socket has. */
#include "tools/simhost/model/event.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/attribute.h"
#include "tools/simhost/model/device.h"

#include "core/base/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void event_send(struct model *m, const char *action, const char *path, const char *subsystem,
	const char *variables)
{
	m->event_number++;
	if (!m->on_event)
		return;
	CLEANUP(free_cleanup)
	char *text = memory_print("%s@%s\nACTION=%s\nDEVPATH=%s\nSUBSYSTEM=%s\n%sSEQNUM=%lu\n",
		action, path, action, path, subsystem, variables ? variables : "", m->event_number);
	size_t size = strlen(text);

	for (char *s = text; (s = strchr(s, '\n')); s++)
		*s = '\0';
	m->on_event(m->event_arg, text, size);
}

char *device_alias(const struct device *d)
{
	const struct function *f = d->function;

	return memory_print("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", f->vendor, f->device,
		f->subsystem_vendor, f->subsystem_device, f->class >> 16, f->class >> 8 & 0xff,
		f->class & 0xff);
}

char *device_variables(const struct device *d)
{
	const struct function *f = d->function;
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(f->address, address);
	return memory_print("%s%s%sPCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n"
			    "PCI_SLOT_NAME=%s\n",
		d->driver ? "DRIVER=" : "", d->driver ? d->driver->name : "", d->driver ? "\n" : "",
		f->class, f->vendor, f->device, f->subsystem_vendor, f->subsystem_device, address);
}

void event_device(struct model *m, const char *action, const struct device *d)
{
	if (!m->on_event) {
		m->event_number++;
		return;
	}
	CLEANUP(free_cleanup) char *path = device_path(d);
	CLEANUP(free_cleanup) char *alias = device_alias(d);
	CLEANUP(free_cleanup) char *own = device_variables(d);
	/* The kernel's own omission: an unbind event has no MODALIAS. */
	bool unbind = strcmp(action, "unbind") == 0;
	CLEANUP(free_cleanup)
	char *variables = unbind ? STEAL(own) : memory_print("%sMODALIAS=%s\n", own, alias);
	event_send(m, action, path, "pci", variables);
}

void event_plain(struct model *m, const char *action, const char *folder, const char *name,
	const char *subsystem)
{
	CLEANUP(free_cleanup) char *path = memory_print("%s/%s", folder, name);

	event_send(m, action, path, subsystem, NULL);
}

int write_uevent(struct model *m, uint32_t device, const struct write *w)
{
	static const char *const actions[] = {
		"add", "remove", "change", "move", "online", "offline", "bind", "unbind"};
	const char *action = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (write_is(w, actions[i]))
			action = actions[i];
	}
	if (!action)
		return -EINVAL;
	model_lock(m);
	struct device *d = model_object(m, device, OBJECT_DEVICE);
	if (d)
		event_device(m, action, d);
	model_unlock(m);
	return d ? 0 : -ENODEV;
}
