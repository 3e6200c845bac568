/* SPDX-License-Identifier: MIT */
/* Network interfaces. */
#include "tools/simhost/model/child.h"
#include "tools/simhost/view/child.h"

#include "core/base/util.h"

#include <string.h>

static void show_flags(const struct scene *s, FILE *out)
{
	bool loopback = strcmp(s->child->spec->name, "lo") == 0;

	fprintf(out, "0x%x\n", (loopback ? 0x8u : 0x1002u) | s->child->up);
}

static void show_ifindex(const struct scene *s, FILE *out)
{
	fprintf(out, "%u\n", s->child->index);
}

static void show_mac(const struct scene *s, FILE *out)
{
	fprintf(out, "52:54:00:%02x:%02x:%02x\n", s->child->object.id >> 16 & 0xff,
		s->child->object.id >> 8 & 0xff, s->child->object.id & 0xff);
}

static void show_operstate(const struct scene *s, FILE *out)
{
	fputs(s->child->up ? "up\n" : "down\n", out);
}

static const struct child *master_of(const struct scene *s)
{
	return s->child->master ? model_child(s->m, s->child->master) : NULL;
}

static bool has_master(const struct scene *s)
{
	const struct child *c = master_of(s);

	return c && c->spec->kind == CHILD_NET && child_present(c);
}

static void show_master(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = child_path(master_of(s));

	fputs(path, out);
}

static const struct entry entries_net[] = {
	{"address", .mode = READ, .show = show_mac},
	{"device", .mode = LINK, .present = has_device, .show = show_device_link},
	{"flags", .mode = READ, .show = show_flags},
	{"ifindex", .mode = READ, .show = show_ifindex},
	{"master", .mode = LINK, .present = has_master, .show = show_master},
	{"operstate", .mode = READ, .show = show_operstate},
	{"subsystem", .mode = LINK, .show = show_class_link},
	{"uevent", .mode = READ, .show = show_child_uevent},
	{0},
};

/* "upper_" and "lower_": the prefix that links to the other interface have; NULL for no relation.
 */
static const char *stack_prefix(const struct child *c, const struct child *other)
{
	if (other->spec->kind != CHILD_NET || !child_present(other))
		return NULL;
	return child_is_under(c, other) ? "upper_" : child_is_under(other, c) ? "lower_" : NULL;
}

static void list_net(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *other = s->m->children[i];
		const char *prefix = stack_prefix(s->child, other);

		if (prefix)
			listing_add(out, S_IFLNK, "%s%s", prefix, other->spec->name);
	}
	list_children(s, out);
}

static bool find_in_net(const struct scene *s, const char *name, struct node *ret)
{
	for (size_t i = 0; i < s->m->n_children && i <= NODE_EXTRA_MAX; i++) {
		const struct child *other = s->m->children[i];
		const char *prefix = stack_prefix(s->child, other);
		size_t n = prefix ? strlen(prefix) : 0;

		if (!prefix || strncmp(name, prefix, n) != 0 ||
			strcmp(name + n, other->spec->name) != 0)
			continue;
		*ret = node_at(V_STACK_LINK, &s->child->object);
		ret->extra = (uint32_t)i;
		return true;
	}
	return find_child(s, name, ret);
}

static void show_stack_link(const struct scene *s, FILE *out)
{
	const struct child *other =
		s->node.extra < s->m->n_children ? s->m->children[s->node.extra] : NULL;

	if (!other || !stack_prefix(s->child, other))
		return;
	CLEANUP(free_cleanup) char *path = child_path(other);
	fputs(path, out);
}

const struct kind kinds_net[V_COUNT] = {
	[V_NET] = {DIR_OF, OBJECT_CHILD, entries_net, .path_of = path_child, .list = list_net,
		.find = find_in_net},
	[V_STACK_LINK] = {LINK_TO(show_stack_link), OBJECT_CHILD, .path_of = path_child},
};
