/* SPDX-License-Identifier: MIT */
/* /dev, and what udev wrote down about what is there. */
#include "tools/simhost/model/child.h"
#include "tools/simhost/view/child.h"
#include "tools/simhost/view/fixed.h"

#include <string.h>

enum { IOMMU_NODE = 10 << 8 | 127 }; /* as makedev would, which is no constant */

static const struct entry entries_dev[] = {
	{"iommu", .mode = S_IFCHR | 0660, .present = has_cdev, .size = IOMMU_NODE},
	{"uevent", .mode = READ},
	{"vfio", .mode = FOLDER, .present = has_vfio, .kind = V_DEV_VFIO},
	{0},
};

static const struct entry entries_run[] = {
	{"udev", .mode = FOLDER, .kind = V_UDEV},
	{0},
};

static const struct entry entries_udev[] = {
	{"data", .mode = FOLDER, .kind = V_UDEV_DATA},
	{0},
};

static bool has_file_system(const struct child *c)
{
	return c->spec->file_system && child_present(c);
}

/* Udev's file for a disk is named after the disk's number. */
static void list_udev(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		if (has_file_system(s->m->children[i]))
			listing_add(out, S_IFREG, "b%s", s->m->children[i]->spec->number);
	}
}

static bool find_udev(const struct scene *s, const char *name, struct node *ret)
{
	for (size_t i = 0; name[0] == 'b' && i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];
		if (!has_file_system(c) || strcmp(c->spec->number, name + 1) != 0)
			continue;
		*ret = node_at(V_UDEV_FILE, &c->object);
		return true;
	}
	return false;
}

static void show_udev(const struct scene *s, FILE *out)
{
	fprintf(out, "E:ID_FS_TYPE=%s\n", s->child->spec->file_system);
}

const struct kind kinds_dev[V_COUNT] = {
	[V_DEV] = {FIXED_DIR, .entries = entries_dev, .list = list_children, .find = find_child},
	[V_RUN] = {FIXED_DIR, .entries = entries_run},
	[V_UDEV] = {FIXED_DIR, .entries = entries_udev},
	[V_UDEV_DATA] = {FIXED_DIR, .list = list_udev, .find = find_udev},
	[V_UDEV_FILE] = {.self = {.mode = READ, .show = show_udev}, OBJECT_CHILD},
};
