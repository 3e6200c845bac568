/* SPDX-License-Identifier: MIT */
/* Faults on demand. */
#pragma once

#include "tools/simhost/model/model.h"

/* The fault is copied. block lasts until it is lifted; a probe's error too; others strike once. */
int model_add_fault(struct model *m, const struct model_fault *fault);
int model_lift_fault(struct model *m, const struct model_fault *fault);

/* --- inside of the model --------------------------------------------------------------------- */

/* Strikes with a fault that is due: 0 or the negative errno it asks for. d may be NULL. */
int fault_strike(struct model *m, const char *what, const struct device *d);

/* Waits while `what` is blocked on the device. As device_wait; a device whose lock the caller has
 * cannot go. */
int fault_block(struct model *m, const char *what, struct device *d);

/* The errno (positive) that the driver's probe of the device is to fail with; 0. */
int fault_probe(const struct model *m, const struct driver *drv, const struct device *d);

void faults_free(struct model *m);
