/* SPDX-License-Identifier: MIT */
/* Disks and other things with a node, and their nodes. */
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/child.h"
#include "tools/simhost/view/child.h"

#include "core/base/util.h"

#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

static void show_number(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->child->spec->number);
}

static void show_size(const struct scene *s, FILE *out)
{
	fprintf(out, "%lu\n", s->child->spec->size);
}

static bool has_below(const struct scene *s)
{
	return s->child->spec->below != NULL;
}

static void show_backing_file(const struct scene *s, FILE *out)
{
	fprintf(out, "/dev/%s\n", s->child->spec->below);
}

static char *path_loop(const struct scene *s)
{
	CLEANUP(free_cleanup) char *path = path_child(s);

	return memory_print("%s/loop", path);
}

static const struct entry entries_loop[] = {
	{"backing_file", .mode = READ, .show = show_backing_file},
	{0},
};

static const struct entry entries_disk[] = {
	{"dev", .mode = READ, .show = show_number},
	{"device", .mode = LINK, .present = has_device, .show = show_device_link},
	{"holders", .mode = FOLDER, .kind = V_HOLDERS},
	{"loop", .mode = FOLDER, .present = has_below, .kind = V_LOOP},
	{"size", .mode = READ, .show = show_size},
	{"subsystem", .mode = LINK, .show = show_class_link},
	{"uevent", .mode = READ, .show = show_child_uevent},
	{0},
};

static const struct entry entries_node[] = {
	{"dev", .mode = READ, .show = show_number},
	{"device", .mode = LINK, .present = has_device, .show = show_device_link},
	{"subsystem", .mode = LINK, .show = show_class_link},
	{"uevent", .mode = READ, .show = show_child_uevent},
	{0},
};

/* The n-th of the names with commas between; NULL past the last. The caller frees it. */
static char *nth_holder(const struct child *c, size_t n)
{
	const char *s = c->spec->holders ? c->spec->holders : "";

	for (; n > 0 && *s; n--) {
		s += strcspn(s, ",");
		s += *s == ',';
	}
	size_t len = strcspn(s, ",");
	return len > 0 ? memory_print("%.*s", (int)len, s) : NULL;
}

static void list_holders(const struct scene *s, struct listing *out)
{
	char *name;

	for (size_t i = 0; (name = nth_holder(s->child, i)); i++) {
		listing_add(out, S_IFLNK, "%s", name);
		free(name);
	}
}

static bool find_holder(const struct scene *s, const char *name, struct node *ret)
{
	for (size_t i = 0; i < NODE_EXTRA_MAX; i++) {
		CLEANUP(free_cleanup) char *holder = nth_holder(s->child, i);

		if (!holder)
			break;
		if (strcmp(holder, name) != 0)
			continue;
		*ret = node_at(V_HOLDER_LINK, &s->child->object);
		ret->extra = (uint32_t)i;
		return true;
	}
	return false;
}

static char *path_holders(const struct scene *s)
{
	CLEANUP(free_cleanup) char *path = path_child(s);

	return memory_print("%s/holders", path);
}

static void show_holder(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *name = nth_holder(s->child, s->node.extra);
	const struct child *holder = name ? model_child(s->m, name) : NULL;
	CLEANUP(free_cleanup)
	char *path = holder && holder->spec->kind == CHILD_DISK && child_present(holder)
			     ? child_path(holder)
			     : memory_print("/devices/virtual/block/%s", name ? name : "");

	fputs(path, out);
}

static dev_t rdev_of_child(const struct scene *s)
{
	const char *number = s->child->spec->number;

	return makedev((unsigned)strtoul(number, NULL, 10),
		(unsigned)strtoul(strchr(number, ':') + 1, NULL, 10));
}

const struct kind kinds_disk[V_COUNT] = {
	[V_DISK] = {DIR_OF, OBJECT_CHILD, entries_disk, .path_of = path_child,
		.list = list_children, .find = find_child},
	[V_HOLDERS] = {DIR_OF, OBJECT_CHILD, .list = list_holders, .find = find_holder},
	[V_HOLDER_LINK] = {LINK_TO(show_holder), OBJECT_CHILD, .path_of = path_holders},
	[V_LOOP] = {DIR_OF, OBJECT_CHILD, entries_loop, .path_of = path_loop},
	[V_NODE] = {DIR_OF, OBJECT_CHILD, entries_node, .path_of = path_child,
		.list = list_children, .find = find_child},
	[V_CHAR_NODE] = {.self = {.mode = S_IFCHR | 0600}, OBJECT_CHILD, .rdev = rdev_of_child},
	[V_BLOCK_NODE] = {.self = {.mode = S_IFBLK | 0600}, OBJECT_CHILD, .rdev = rdev_of_child},
};
