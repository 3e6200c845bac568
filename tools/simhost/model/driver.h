/* SPDX-License-Identifier: MIT */
/* Drivers: what they match, and how a device comes to one and leaves it. */
#pragma once

#include "tools/simhost/model/model.h"

int write_bind(struct model *m, uint32_t driver, const struct write *w);
int write_unbind(struct model *m, uint32_t driver, const struct write *w);
int write_new_id(struct model *m, uint32_t driver, const struct write *w);
int write_remove_id(struct model *m, uint32_t driver, const struct write *w);
int write_drivers_probe(struct model *m, uint32_t none, const struct write *w);
int write_drivers_autoprobe(struct model *m, uint32_t none, const struct write *w);

/* --- inside of the model --------------------------------------------------------------------- */

/* Whether the driver's table or the override match. */
bool driver_matches_device(const struct driver *drv, const struct device *d);

/* Has the driver probe the locked device; waits where a fault blocks `what`. 0; a negative errno
 * for what fails before the probe; a positive one from the probe itself. */
int driver_probe(struct model *m, struct driver *drv, struct device *d, const char *what);

/* Tries every driver, as the kernel's device_attach. 0, or the first negative errno. */
int device_attach(struct model *m, struct device *d, const char *what);

/* Takes the locked device from its driver; waits for its users. 0 or -EIO. */
int device_detach(struct model *m, struct device *d);

/* Has the driver probe every device that it matches and that has none; waits. */
void driver_attach(struct model *m, struct driver *drv);
