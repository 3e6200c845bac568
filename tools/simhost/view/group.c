/* SPDX-License-Identifier: MIT */
/* IOMMU groups, VFIO's devices and groups, and their nodes. */
#include "tools/simhost/model/group.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/view/bus.h"
#include "tools/simhost/view/fixed.h"
#include "tools/simhost/view/platform.h"

#include "core/base/util.h"

#include <string.h>
#include <sys/sysmacros.h>

enum { VFIO_NODE = 10 << 8 | 196 }; /* as makedev would, which is no constant */

/* --- /sys/kernel/iommu_groups ----------------------------------------------------------------- */

static void list_groups(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_groups; i++)
		listing_add(out, S_IFDIR, "%d", s->m->group_list[i]->number);
}

static struct group *by_number(const struct model *m, const char *name, const char *prefix)
{
	int number;

	return name_number(name, prefix, &number) ? table_get(&m->groups, (uint64_t)number) : NULL;
}

static bool find_group(const struct scene *s, const char *name, struct node *ret)
{
	struct group *g = by_number(s->m, name, "");

	if (g)
		*ret = node_at(V_GROUP, &g->object);
	return g;
}

static bool is_noiommu(const struct scene *s)
{
	return s->group->noiommu;
}

/* What the host file says, and the window of message-signalled interrupts, which every group keeps
 * free. */
static void show_regions(const struct scene *s, FILE *out)
{
	for (size_t i = 0; i < s->m->spec->n_regions; i++) {
		const struct spec_region *region = &s->m->spec->regions[i];

		if (region->group == s->group->number)
			fprintf(out, "0x%016lx 0x%016lx %s\n", region->start, region->end,
				region->type);
	}
	fputs("0x00000000fee00000 0x00000000feefffff msi\n", out);
}

static const struct entry entries_group[] = {
	{"devices", .mode = FOLDER, .kind = V_GROUP_DEVICES},
	{"name", .mode = READ, .present = is_noiommu, .text = "vfio-noiommu\n"},
	{"reserved_regions", .mode = READ, .show = show_regions},
	{"type", .mode = READ, .text = "DMA\n"},
	{0},
};

static void list_group_devices(const struct scene *s, struct listing *out)
{
	char text[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < s->group->n_devices; i++) {
		pci_address_format(s->group->devices[i]->function->address, text);
		listing_add(out, S_IFLNK, "%s", text);
	}
	list_group_members(s, out);
}

static bool find_group_device(const struct scene *s, const char *name, struct node *ret)
{
	char text[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < s->group->n_devices; i++) {
		pci_address_format(s->group->devices[i]->function->address, text);
		if (strcmp(text, name) != 0)
			continue;
		*ret = node_at(V_GROUP_DEVICE_LINK, &s->group->devices[i]->object);
		return true;
	}
	return find_group_member(s, name, ret);
}

static char *path_group_of_device(const struct scene *s)
{
	int number = s->device->group ? s->device->group->number : 0;

	return memory_print("/kernel/iommu_groups/%d/devices", number);
}

/* --- vfio-dev/vfioN --------------------------------------------------------------------------- */

static void list_vfio_devs(const struct scene *s, struct listing *out)
{
	if (s->device->vfio)
		listing_add(out, S_IFDIR, "vfio%d", s->device->vfio->number);
}

static bool vfio_by_name(
	const struct model *m, const char *name, enum view_kind kind, struct node *ret)
{
	int number;

	if (!name_number(name, "vfio", &number))
		return false;
	for (size_t i = 0; i < m->n_vfios; i++) {
		if (m->vfios[i]->number != number)
			continue;
		*ret = node_at(kind, &m->vfios[i]->object);
		return true;
	}
	return false;
}

static bool find_vfio_dev(const struct scene *s, const char *name, struct node *ret)
{
	struct node node;

	if (!s->device->vfio || !vfio_by_name(s->m, name, V_VFIO_DEV, &node) ||
		node.object != s->device->vfio->object.id)
		return false;
	*ret = node;
	return true;
}

static char *path_vfio_dev(const struct scene *s)
{
	CLEANUP(free_cleanup) char *device = device_path(s->vfio->device);

	return memory_print("%s/vfio-dev/vfio%d", device, s->vfio->number);
}

static void show_vfio_dev_path(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = path_vfio_dev(s);

	fputs(path, out);
}

static void show_cdev_number(const struct scene *s, FILE *out)
{
	fprintf(out, "%d:%d\n", CDEV_MAJOR, s->vfio->number);
}

static void show_vfio_uevent(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *variables = vfio_variables(s->m, s->vfio);

	fputs(variables, out);
}

static void show_vfio_device(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = device_path(s->vfio->device);

	fputs(path, out);
}

static const struct entry entries_vfio_dev[] = {
	{"dev", .mode = READ, .present = has_cdev, .show = show_cdev_number},
	{"device", .mode = LINK, .show = show_vfio_device},
	{"subsystem", .mode = LINK, .text = "/class/vfio-dev"},
	{"uevent", .mode = READ, .show = show_vfio_uevent},
	{0},
};

static void list_class_vfio_dev(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_vfios; i++)
		listing_add(out, S_IFLNK, "vfio%d", s->m->vfios[i]->number);
}

static bool find_class_vfio_dev(const struct scene *s, const char *name, struct node *ret)
{
	return vfio_by_name(s->m, name, V_CLASS_VFIO_DEV_LINK, ret);
}

static void list_dev_cdevs(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_vfios; i++)
		listing_add(out, S_IFCHR, "vfio%d", s->m->vfios[i]->number);
}

static bool find_dev_cdev(const struct scene *s, const char *name, struct node *ret)
{
	return vfio_by_name(s->m, name, V_CDEV_NODE, ret);
}

static dev_t rdev_cdev(const struct scene *s)
{
	return makedev(CDEV_MAJOR, (unsigned)s->vfio->number);
}

/* --- VFIO's groups: a node each while a device of the group is on a VFIO driver ----------------
 */

static const char *prefix_of(const struct group *g)
{
	return g->noiommu ? "noiommu-" : "";
}

static void list_vfio_groups(const struct scene *s, struct listing *out, mode_t mode)
{
	for (size_t i = 0; i < s->m->n_groups; i++) {
		const struct group *g = s->m->group_list[i];
		if (g->n_vfio > 0)
			listing_add(out, mode, "%s%d", prefix_of(g), g->number);
	}
}

static bool find_vfio_group(
	const struct scene *s, const char *name, enum view_kind kind, struct node *ret)
{
	bool noiommu = strncmp(name, "noiommu-", 8) == 0;
	struct group *g = by_number(s->m, name, noiommu ? "noiommu-" : "");

	if (!g || g->n_vfio == 0 || g->noiommu != noiommu)
		return false;
	*ret = node_at(kind, &g->object);
	/* Each life of a node has an inode of its own, for the kernel believes that the number of
	 * an inode's device never changes. */
	if (kind == V_GROUP_NODE)
		ret->extra = g->life & NODE_EXTRA_MAX;
	return true;
}

static void list_class_vfio(const struct scene *s, struct listing *out)
{
	list_vfio_groups(s, out, S_IFLNK);
}

static bool find_class_vfio(const struct scene *s, const char *name, struct node *ret)
{
	return find_vfio_group(s, name, V_CLASS_VFIO_LINK, ret);
}

static void list_virtual_vfio(const struct scene *s, struct listing *out)
{
	list_vfio_groups(s, out, S_IFDIR);
}

static bool find_virtual_vfio(const struct scene *s, const char *name, struct node *ret)
{
	return find_vfio_group(s, name, V_VIRTUAL_GROUP, ret);
}

static void list_dev_vfio(const struct scene *s, struct listing *out)
{
	list_vfio_groups(s, out, S_IFCHR);
}

static bool find_dev_vfio(const struct scene *s, const char *name, struct node *ret)
{
	return find_vfio_group(s, name, V_GROUP_NODE, ret);
}

static dev_t rdev_group(const struct scene *s)
{
	return makedev(GROUP_MAJOR, s->group->minor);
}

static char *path_virtual_group(const struct scene *s)
{
	return memory_print("/devices/virtual/vfio/%s%d", prefix_of(s->group), s->group->number);
}

static void show_vfio_group_path(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = path_virtual_group(s);

	fputs(path, out);
}

static void show_group_number(const struct scene *s, FILE *out)
{
	fprintf(out, "%d:%u\n", GROUP_MAJOR, s->group->minor);
}

static void show_group_uevent(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *variables = group_variables(s->group);

	fputs(variables, out);
}

static const struct entry entries_virtual_group[] = {
	{"dev", .mode = READ, .show = show_group_number},
	{"subsystem", .mode = LINK, .text = "/class/vfio"},
	{"uevent", .mode = READ, .show = show_group_uevent},
	{0},
};

static const struct entry entries_dev_vfio[] = {
	{"devices", .mode = FOLDER, .present = has_cdev, .kind = V_DEV_CDEVS},
	{"vfio", .mode = S_IFCHR | 0666, .size = VFIO_NODE},
	{0},
};

const struct kind kinds_group[V_COUNT] = {
	[V_GROUPS] = {FIXED_DIR, .list = list_groups, .find = find_group},
	[V_GROUP] = {DIR_OF, OBJECT_GROUP, entries_group},
	[V_GROUP_DEVICES] = {DIR_OF, OBJECT_GROUP, .list = list_group_devices,
		.find = find_group_device},
	[V_GROUP_DEVICE_LINK] = {LINK_TO(show_device_path), OBJECT_DEVICE,
		.path_of = path_group_of_device},
	[V_VFIO_DEVS] = {DIR_OF, OBJECT_DEVICE, .list = list_vfio_devs, .find = find_vfio_dev},
	[V_VFIO_DEV] = {DIR_OF, OBJECT_VFIO, entries_vfio_dev, .path_of = path_vfio_dev},
	[V_CLASS_VFIO_DEV] = {DIR_OF, .list = list_class_vfio_dev, .find = find_class_vfio_dev},
	[V_CLASS_VFIO_DEV_LINK] = {LINK_TO(show_vfio_dev_path), OBJECT_VFIO,
		.path = "/class/vfio-dev"},
	[V_DEV_CDEVS] = {DIR_OF, .list = list_dev_cdevs, .find = find_dev_cdev},
	[V_CDEV_NODE] = {.self = {.mode = S_IFCHR | 0600}, OBJECT_VFIO, .rdev = rdev_cdev},
	[V_CLASS_VFIO] = {DIR_OF, .list = list_class_vfio, .find = find_class_vfio},
	[V_CLASS_VFIO_LINK] = {LINK_TO(show_vfio_group_path), OBJECT_GROUP, .path = "/class/vfio"},
	[V_VIRTUAL_VFIO] = {DIR_OF, .list = list_virtual_vfio, .find = find_virtual_vfio},
	[V_VIRTUAL_GROUP] = {DIR_OF, OBJECT_GROUP, entries_virtual_group,
		.path_of = path_virtual_group},
	[V_DEV_VFIO] = {DIR_OF, .entries = entries_dev_vfio, .list = list_dev_vfio,
		.find = find_dev_vfio},
	[V_GROUP_NODE] = {.self = {.mode = S_IFCHR | 0600}, OBJECT_GROUP, .rdev = rdev_group},
};
