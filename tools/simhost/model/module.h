/* SPDX-License-Identifier: MIT */
/* Modules, their drivers and parameters. */
#pragma once

#include "tools/simhost/model/model.h"

/* Under the lock. */
struct driver *model_driver(const struct model *m, const char *name); /* a loaded one */
struct module *model_module(const struct model *m, const char *name);
const char *model_parameter(const struct model *m, const char *module, const char *name);

int write_parameter(struct model *m, uint32_t parameter, const struct write *w);

int model_load(struct model *m, const char *module);
int model_unload(struct model *m, const char *module);
int model_set_parameter(struct model *m, const char *module, const char *name, const char *value);

/* --- inside of the model --------------------------------------------------------------------- */

/* The driver, though its module may not be loaded. */
struct driver *driver_any(const struct model *m, const char *name);

/* The boot. */
void drivers_new(struct model *m);
void drivers_free(struct model *m);

/* Loads and unloads modules as they were at boot, and forgets what was written to new_id. */
void modules_reset(struct model *m);
