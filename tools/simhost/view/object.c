/* SPDX-License-Identifier: MIT */
/* Things that are in sysfs alone, with attributes as the host file gives them: mediated devices,
 * hosts of Fibre Channel, NVMe controllers over a fabric. */
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/child.h"
#include "tools/simhost/view/child.h"

#include "core/base/util.h"

#include <string.h>

static bool has_class(const struct scene *s)
{
	return s->child->spec->class != NULL;
}

static bool has_group(const struct scene *s)
{
	return s->child->spec->vfio_group != NULL;
}

static bool has_class_and_device(const struct scene *s)
{
	return has_class(s) && has_device(s);
}

static void show_group_link(const struct scene *s, FILE *out)
{
	fprintf(out, "/kernel/iommu_groups/%s", s->child->spec->vfio_group);
}

static const struct entry entries_object[] = {
	{"device", .mode = LINK, .present = has_class_and_device, .show = show_device_link},
	{"iommu_group", .mode = LINK, .present = has_group, .show = show_group_link},
	{"subsystem", .mode = LINK, .present = has_class, .show = show_class_link},
	{"uevent", .mode = READ, .show = show_child_uevent},
	{0},
};

static size_t name_length(const char *attribute)
{
	return strcspn(attribute, "=");
}

static void list_object(const struct scene *s, struct listing *out)
{
	const struct spec_child *spec = s->child->spec;

	for (size_t i = 0; i < spec->n_attributes; i++)
		listing_add(out, S_IFREG, "%.*s", (int)name_length(spec->attributes[i]),
			spec->attributes[i]);
	list_children(s, out);
}

static bool find_in_object(const struct scene *s, const char *name, struct node *ret)
{
	const struct spec_child *spec = s->child->spec;

	for (size_t i = 0; i < spec->n_attributes; i++) {
		size_t n = name_length(spec->attributes[i]);

		if (strlen(name) != n || strncmp(name, spec->attributes[i], n) != 0)
			continue;
		*ret = node_at(V_ATTRIBUTE, &s->child->object);
		ret->extra = (uint32_t)i;
		return true;
	}
	return find_child(s, name, ret);
}

static void show_attribute(const struct scene *s, FILE *out)
{
	const struct spec_child *spec = s->child->spec;

	if (s->node.extra < spec->n_attributes)
		fprintf(out, "%s\n", strchr(spec->attributes[s->node.extra], '=') + 1);
}

/* --- /sys/bus/BUS/devices -----------------------------------------------------------------------
 */

static bool is_on_bus(const struct child *c, const char *bus)
{
	return c->spec->bus && strcmp(c->spec->bus, bus) == 0;
}

static const struct child *first_on_bus(const struct scene *s, const char *bus)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		if (is_on_bus(s->m->children[i], bus))
			return s->m->children[i];
	}
	return NULL;
}

void list_buses(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];

		if (c->spec->bus && first_on_bus(s, c->spec->bus) == c)
			listing_add(out, S_IFDIR, "%s", c->spec->bus);
	}
}

bool find_bus(const struct scene *s, const char *name, struct node *ret)
{
	const struct child *c = first_on_bus(s, name);

	if (c)
		*ret = node_at(V_OTHER_BUS, &c->object);
	return c;
}

static void list_bus(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];

		if (is_on_bus(c, s->child->spec->bus) && child_present(c))
			listing_add(out, S_IFLNK, "%s", c->spec->name);
	}
}

static bool find_on_bus(const struct scene *s, const char *name, struct node *ret)
{
	struct child *c = model_child(s->m, name);

	if (!c || !is_on_bus(c, s->child->spec->bus) || !child_present(c))
		return false;
	*ret = node_at(V_BUS_CHILD_LINK, &c->object);
	return true;
}

static void show_link(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = path_child(s);

	fputs(path, out);
}

static char *path_bus(const struct scene *s)
{
	return memory_print("/bus/%s/devices", s->child->spec->bus);
}

static const struct entry entries_other_bus[] = {
	{"devices", .mode = FOLDER, .kind = V_BUS_CHILDREN},
	{0},
};

const struct kind kinds_object[V_COUNT] = {
	[V_OBJECT] = {DIR_OF, OBJECT_CHILD, entries_object, .path_of = path_child,
		.list = list_object, .find = find_in_object},
	[V_ATTRIBUTE] = {.self = {.mode = READ, .show = show_attribute}, OBJECT_CHILD},
	[V_OTHER_BUS] = {DIR_OF, OBJECT_CHILD, entries_other_bus},
	[V_BUS_CHILDREN] = {DIR_OF, OBJECT_CHILD, .list = list_bus, .find = find_on_bus},
	[V_BUS_CHILD_LINK] = {LINK_TO(show_link), OBJECT_CHILD, .path_of = path_bus},
};
