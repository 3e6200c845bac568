/* SPDX-License-Identifier: MIT */
/* Who holds VFIO devices, and in which way: a group open, a device, a mapping, a cdev. */
#pragma once

#include "tools/simhost/model/model.h"

/* Under the lock. */
struct process *model_process(const struct model *m, pid_t pid);

/* node: for HOLD_NODE, where it is below /dev. */
int model_hold(struct model *m, struct pci_address address, enum hold_kind kind, const char *node,
	pid_t pid, const char *command);

/* pid 0: every holder. */
int model_release(struct model *m, struct pci_address address, pid_t pid);
int model_add_process(struct model *m, pid_t pid, const char *command);

/* --- inside of the model --------------------------------------------------------------------- */

/* Whether a change of driver of the device has to wait for a user. */
bool device_is_held(const struct model *m, const struct device *d);

void holds_free(struct model *m);
