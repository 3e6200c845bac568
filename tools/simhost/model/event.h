/* SPDX-License-Identifier: MIT */
/* Uevents, in the text and the order that the kernel's netlink socket has. */
#pragma once

#include "tools/simhost/model/model.h"

/* What uevents and the attribute of that name say of a device, as lines; the caller frees it. */
char *device_variables(const struct device *d);

/* "pci:v…", of a modules.alias; the caller frees it. */
char *device_alias(const struct device *d);

int write_uevent(struct model *m, uint32_t device, const struct write *w);

/* --- inside of the model --------------------------------------------------------------------- */

/* Sends an event. variables: NULL, or "KEY=VALUE\n" lines. */
void event_send(struct model *m, const char *action, const char *path, const char *subsystem,
	const char *variables);
void event_device(struct model *m, const char *action, const struct device *d);

/* Adds "driver X", "module X". */
void event_plain(struct model *m, const char *action, const char *folder, const char *name,
	const char *subsystem);
