/* SPDX-License-Identifier: MIT */
/* Virtual functions. */
#pragma once

#include "tools/simhost/model/model.h"

int write_numvfs(struct model *m, uint32_t device, const struct write *w);
int write_vf_autoprobe(struct model *m, uint32_t device, const struct write *w);

/* --- inside of the model --------------------------------------------------------------------- */

/* Removes all virtual functions, or makes n. Waits. */
void sriov_disable(struct model *m, struct device *pf);
void sriov_enable(struct model *m, struct device *pf, unsigned n);
