/* SPDX-License-Identifier: MIT */
/* Members of groups that are no PCI devices. */
#pragma once

#include "tools/simhost/model/model.h"

/* The member of that name, or NULL. Under the lock. */
struct member *model_member(const struct model *m, const char *name);

/* Writes the member's name to its driver's `bind` or `unbind`. driver: the id of a member that has
 * that driver. */
int write_member_bind(struct model *m, uint32_t driver, const struct write *w);
int write_member_unbind(struct model *m, uint32_t driver, const struct write *w);

/* --- inside of the model --------------------------------------------------------------------- */

void members_new(struct model *m);
