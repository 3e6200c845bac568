/* SPDX-License-Identifier: MIT */
/* Boots of the host: each has an id, and begins with nothing that was done in the one before. */
#pragma once

#include "tools/simhost/model/model.h"

/* Begins the first boot: with the id of the host file, or a random one. */
void boot_begin(struct model *m);

/* Reboots: every process ends, every card is as the host file has it, and the host file's commands
 * run again. With two addresses, those two cards have swapped places. 0; -ENODEV when there is no
 * such card, -EINVAL for cards that cannot swap, -EIO while the host file's own commands run. */
int model_reboot(struct model *m, const struct pci_address swapped[2], char **ret_why);
