/* SPDX-License-Identifier: MIT */
/* What keeps a group from its user. */
#include "core/plan/obstacle.h"

#include <stdio.h>

/* The write that frees the group of a member that vfiod does not touch. */
static void unbind_text(const struct iommu_group *group, const char *name, char *buf, size_t size)
{
	snprintf(buf, size,
		"write %s to /sys/kernel/iommu_groups/%d/devices/%s/driver/unbind if the host can do without that driver; nothing else frees the group",
		name, group->id, name);
}

static void judge_bridge(const struct iommu_group *group, const struct group_member *member,
	struct core_problems *refusals)
{
	const struct device *d = member->device;
	char action[sizeof(refusals->items->action)];

	unbind_text(group, d->text, action, sizeof(action));
	core_problem_add_device(refusals, d->address, REASON_GROUP_BLOCKED, action,
		"IOMMU group %d cannot be used as it is: its bridge %s is on %s, which VFIO does not tolerate, and a bridge is never bound",
		group->id, d->text, d->driver);
}

static void judge_stranger(const struct iommu_group *group, const struct group_stranger *stranger,
	struct core_problems *refusals)
{
	char action[sizeof(refusals->items->action)];

	unbind_text(group, stranger->name, action, sizeof(action));
	core_problem_add(refusals, stranger->name, REASON_GROUP_BLOCKED, action,
		"IOMMU group %d cannot be used as it is: its member %s is no PCI device, and is on %s",
		group->id, stranger->name, stranger->driver);
}

void obstacles_judge(const struct iommu_group *group, struct core_problems *refusals)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct group_member *m = &group->members[i];

		if (m->blocks && m->device->is_bridge)
			judge_bridge(group, m, refusals);
	}
	for (size_t i = 0; i < group->n_strangers; i++) {
		if (group->strangers[i].blocks)
			judge_stranger(group, &group->strangers[i], refusals);
	}
}

/* Whether nothing that is done about its members makes the group usable. */
static bool describe_region(const struct iommu_group *group, const char *driver, char *buf)
{
	if (!group->direct_region[0])
		return false;
	snprintf(buf, OBSTACLE_SIZE,
		"%s drives it for the host: leave it there, for the firmware keeps the region %s mapped and the group can never be used",
		driver, group->direct_region);
	return true;
}

void obstacle_describe(const struct iommu_group *group, const struct group_member *member,
	const struct core_problems *refusals, char buf[static OBSTACLE_SIZE])
{
	const struct device *d = member->device;
	char action[256];

	if (describe_region(group, d->driver, buf))
		return;
	unbind_text(group, d->text, action, sizeof(action));
	if (d->is_bridge)
		snprintf(buf, OBSTACLE_SIZE,
			"%s drives it for the host, and a bridge is never bound: %s", d->driver,
			action);
	else if (refusals->count > 0)
		snprintf(buf, OBSTACLE_SIZE,
			"%s drives it for the host, and vfiod refuses to bind it (%s): %s; %s",
			d->driver, core_reason_name(refusals->items[0].reason),
			refusals->items[0].message, refusals->items[0].action);
	else
		snprintf(buf, OBSTACLE_SIZE,
			"%s drives it for the host: bind it to vfio-pci too, or leave it without a driver",
			d->driver);
}

void obstacle_describe_stranger(const struct iommu_group *group,
	const struct group_stranger *stranger, char buf[static OBSTACLE_SIZE])
{
	char action[256];

	if (describe_region(group, stranger->driver, buf))
		return;
	unbind_text(group, stranger->name, action, sizeof(action));
	snprintf(buf, OBSTACLE_SIZE, "%s drives it for the host, and it is no PCI device: %s",
		stranger->driver, action);
}
