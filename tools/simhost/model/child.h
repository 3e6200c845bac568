/* SPDX-License-Identifier: MIT */
/* What drivers make of devices: network interfaces and disks, and what they are used for. */
#pragma once

#include "tools/simhost/model/model.h"

/* Under the lock. */
struct child *model_child(const struct model *m, const char *name);

/* Whether what a driver makes is there now. */
bool child_present(const struct child *c);

/* Whether interface `upper` is built upon the other: its bond, its VLAN. */
bool child_is_under(const struct child *c, const struct child *upper);

/* Its path below /sys, from "/devices" on; the caller frees it. */
char *child_path(const struct child *c);

/* What uevents and the attribute of that name say of it, as lines; the caller frees it. */
char *child_variables(const struct child *c);

int model_mount(struct model *m, const char *disk, const char *where, const char *type);
int model_unmount(struct model *m, const char *where);

enum net_change {
	NET_UP,
	NET_DOWN,
	NET_ADDRESS,
	NET_ADDRESS6,
	NET_ROUTE,
	NET_MASTER,
	NET_PPPOE,
	NET_PACKET
};

/* value: of an address or master; NULL takes it away. */
int model_change_net(struct model *m, const char *name, enum net_change change, const char *value);

/* --- inside of the model --------------------------------------------------------------------- */

/* Shows or hides what the driver of the device makes. */
void children_added(struct model *m, const struct device *d);
void children_removed(struct model *m, const struct device *d);

/* The boot. */
void children_new(struct model *m);
void children_free(struct model *m);

/* Makes the interfaces again what the host file says. */
void children_reset(struct model *m);
