/* SPDX-License-Identifier: MIT */
/* Writes to a device's own attributes, and how the kernel reads what is written. */
#pragma once

#include "tools/simhost/model/model.h"

int write_override(struct model *m, uint32_t device, const struct write *w);
int write_enable(struct model *m, uint32_t device, const struct write *w);
int write_reset(struct model *m, uint32_t device, const struct write *w);
int write_reset_method(struct model *m, uint32_t device, const struct write *w);
int write_power_control(struct model *m, uint32_t device, const struct write *w);
int write_numa_node(struct model *m, uint32_t device, const struct write *w);
int write_msi_bus(struct model *m, uint32_t device, const struct write *w);
int write_d3cold(struct model *m, uint32_t device, const struct write *w);

/* --- inside of the model --------------------------------------------------------------------- */

/* A boolean as kstrtobool takes it: 1, y, Y, t, T, on. False for none. */
bool write_bool(const struct write *w, bool *ret);

/* A number as kstrtoul takes it, one trailing newline aside. */
bool write_number(const struct write *w, unsigned long max, unsigned long *ret);

/* Whether the text, one trailing newline aside, is that word. */
bool write_is(const struct write *w, const char *word);
