/* SPDX-License-Identifier: MIT */
/* IOMMU groups and what VFIO registers in them. */
#pragma once

#include "tools/simhost/model/model.h"

/* Majors of the nodes of groups and of devices. */
enum { GROUP_MAJOR = 243, CDEV_MAJOR = 511 };

/* What uevents and the attributes of that name say of a thing, as lines; the caller frees it. */
char *group_variables(const struct group *g);
char *vfio_variables(const struct model *m, const struct vfio *v);

/* Whether a group's node (or a device's cdev) is open, so that opening it again would be EBUSY. */
bool group_is_open(const struct model *m, const struct group *g);

/* Whether the kernel would let a user have the group. */
bool group_is_viable(const struct model *m, const struct group *g);

/* --- inside of the model --------------------------------------------------------------------- */

/* Registers the device with VFIO. 0 or a positive errno, as a probe. */
int vfio_register(struct model *m, struct device *d);

/* Takes the device's own node away; and, with the last one, the group's. */
void vfio_remove_device(struct model *m, struct device *d);
void vfio_leave_group(struct model *m, struct device *d);

/* Whether a user owns the group's DMA, so that native drivers are kept out. */
bool group_is_owned(const struct model *m, const struct group *g);
void group_join(struct model *m, struct device *d, int number, bool noiommu);
void group_leave(struct model *m, struct device *d);
