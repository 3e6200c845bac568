/* SPDX-License-Identifier: MIT */
/* IOMMU groups, VFIO's devices and groups, and their nodes. */
#include "tools/simhost/view_internal.h"

#include <sys/sysmacros.h>

enum {
	FOLDER = S_IFDIR | 0755,
	LINK = S_IFLNK | 0777,
	READ = S_IFREG | 0444,
	GROUP_MAJOR = 243,
	CDEV_MAJOR = 511,
};

/* --- /sys/kernel/iommu_groups ----------------------------------------------------------------- */

void list_groups(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_groups; i++)
		listing_add(out, S_IFDIR, "%d", s->m->group_list[i]->number);
}

static struct group *by_number(const struct model *m, const char *name, const char *prefix)
{
	int number;

	return name_number(name, prefix, &number) ? table_get(&m->groups, (uint64_t)number) : NULL;
}

bool find_group(const struct scene *s, const char *name, struct node *ret)
{
	struct group *g = by_number(s->m, name, "");

	if (g)
		*ret = node_at(V_GROUP, &g->object);
	return g;
}

static void show_type(const struct scene *s, FILE *out)
{
	(void)s;
	fputs("DMA\n", out);
}

/* The window of message-signalled interrupts, which every group keeps free. */
static void show_reserved(const struct scene *s, FILE *out)
{
	(void)s;
	fputs("0x00000000fee00000 0x00000000feefffff msi\n", out);
}

static bool is_noiommu(const struct scene *s)
{
	return s->group->noiommu;
}

static void show_name(const struct scene *s, FILE *out)
{
	(void)s;
	fputs("vfio-noiommu\n", out);
}

const struct entry entries_group[] = {
	{"devices", .mode = FOLDER, .kind = V_GROUP_DEVICES},
	{"name", .mode = READ, .present = is_noiommu, .show = show_name},
	{"reserved_regions", .mode = READ, .show = show_reserved},
	{"type", .mode = READ, .show = show_type},
	{0},
};

void list_group_devices(const struct scene *s, struct listing *out)
{
	char text[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < s->group->n_devices; i++) {
		pci_address_format(s->group->devices[i]->function->address, text);
		listing_add(out, S_IFLNK, "%s", text);
	}
}

bool find_group_device(const struct scene *s, const char *name, struct node *ret)
{
	char text[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < s->group->n_devices; i++) {
		pci_address_format(s->group->devices[i]->function->address, text);
		if (strcmp(text, name) != 0)
			continue;
		*ret = node_at(V_GROUP_DEVICE_LINK, &s->group->devices[i]->object);
		return true;
	}
	return false;
}

char *path_group_of_device(const struct scene *s)
{
	int number = s->device->group ? s->device->group->number : 0;

	return memory_print("/kernel/iommu_groups/%d/devices", number);
}

/* --- vfio-dev/vfioN --------------------------------------------------------------------------- */

void list_vfio_devs(const struct scene *s, struct listing *out)
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

bool find_vfio_dev(const struct scene *s, const char *name, struct node *ret)
{
	struct node node;

	if (!s->device->vfio || !vfio_by_name(s->m, name, V_VFIO_DEV, &node) ||
		node.object != s->device->vfio->object.id)
		return false;
	*ret = node;
	return true;
}

char *path_vfio_dev(const struct scene *s)
{
	CLEANUP(free_cleanup) char *device = device_path(s->vfio->device);

	return memory_print("%s/vfio-dev/vfio%d", device, s->vfio->number);
}

void show_vfio_dev_path(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = path_vfio_dev(s);

	fputs(path, out);
}

static bool has_cdev(const struct scene *s)
{
	return s->m->spec->cdev;
}

static void show_cdev_number(const struct scene *s, FILE *out)
{
	fprintf(out, "%d:%d\n", CDEV_MAJOR, s->vfio->number);
}

static void show_vfio_uevent(const struct scene *s, FILE *out)
{
	if (s->m->spec->cdev)
		fprintf(out, "MAJOR=%d\nMINOR=%d\nDEVNAME=vfio/devices/vfio%d\n", CDEV_MAJOR,
			s->vfio->number, s->vfio->number);
}

static void show_vfio_device(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = device_path(s->vfio->device);

	fputs(path, out);
}

static void show_class_vfio_dev(const struct scene *s, FILE *out)
{
	(void)s;
	fputs("/class/vfio-dev", out);
}

const struct entry entries_vfio_dev[] = {
	{"dev", .mode = READ, .present = has_cdev, .show = show_cdev_number},
	{"device", .mode = LINK, .show = show_vfio_device},
	{"subsystem", .mode = LINK, .show = show_class_vfio_dev},
	{"uevent", .mode = READ, .show = show_vfio_uevent},
	{0},
};

void list_class_vfio_dev(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_vfios; i++)
		listing_add(out, S_IFLNK, "vfio%d", s->m->vfios[i]->number);
}

bool find_class_vfio_dev(const struct scene *s, const char *name, struct node *ret)
{
	return vfio_by_name(s->m, name, V_CLASS_VFIO_DEV_LINK, ret);
}

void list_dev_cdevs(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_vfios; i++)
		listing_add(out, S_IFCHR, "vfio%d", s->m->vfios[i]->number);
}

bool find_dev_cdev(const struct scene *s, const char *name, struct node *ret)
{
	return vfio_by_name(s->m, name, V_CDEV_NODE, ret);
}

dev_t rdev_cdev(const struct scene *s)
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
	return true;
}

void list_class_vfio(const struct scene *s, struct listing *out)
{
	list_vfio_groups(s, out, S_IFLNK);
}

bool find_class_vfio(const struct scene *s, const char *name, struct node *ret)
{
	return find_vfio_group(s, name, V_CLASS_VFIO_LINK, ret);
}

void list_virtual_vfio(const struct scene *s, struct listing *out)
{
	list_vfio_groups(s, out, S_IFDIR);
}

bool find_virtual_vfio(const struct scene *s, const char *name, struct node *ret)
{
	return find_vfio_group(s, name, V_VIRTUAL_GROUP, ret);
}

void list_dev_vfio(const struct scene *s, struct listing *out)
{
	list_vfio_groups(s, out, S_IFCHR);
}

bool find_dev_vfio(const struct scene *s, const char *name, struct node *ret)
{
	return find_vfio_group(s, name, V_GROUP_NODE, ret);
}

dev_t rdev_group(const struct scene *s)
{
	return makedev(GROUP_MAJOR, s->group->minor);
}

char *path_virtual_group(const struct scene *s)
{
	return memory_print("/devices/virtual/vfio/%s%d", prefix_of(s->group), s->group->number);
}

void show_vfio_group_path(const struct scene *s, FILE *out)
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
	fprintf(out, "MAJOR=%d\nMINOR=%u\nDEVNAME=vfio/%s%d\n", GROUP_MAJOR, s->group->minor,
		prefix_of(s->group), s->group->number);
}

static void show_class_vfio(const struct scene *s, FILE *out)
{
	(void)s;
	fputs("/class/vfio", out);
}

const struct entry entries_virtual_group[] = {
	{"dev", .mode = READ, .show = show_group_number},
	{"subsystem", .mode = LINK, .show = show_class_vfio},
	{"uevent", .mode = READ, .show = show_group_uevent},
	{0},
};
