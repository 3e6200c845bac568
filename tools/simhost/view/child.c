/* SPDX-License-Identifier: MIT */
/* What drivers make of devices: below their devices, by class, and below /dev. */
#include "tools/simhost/view/child.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/child.h"
#include "tools/simhost/model/device.h"

#include "core/base/util.h"

#include <string.h>

/*
 * Children are leaves of two trees: below a device (or /sys/devices/virtual), and below /dev. Only
 * the leaves are known; a folder of either tree is any child that is below it, and how many
 * components of that child's path the folder has.
 */
struct tree {
	bool dev;
	const struct child *first; /* of the siblings, in sysfs */
	const struct child *in;	   /* the folder; NULL at the top */
	size_t depth;
};

static const struct path *path_in(const struct tree *t, const struct child *c)
{
	return t->dev ? &c->dev : &c->path;
}

static bool is_below(const struct tree *t, const struct child *c)
{
	const struct path *p = path_in(t, c);

	if (p->count <= t->depth)
		return false;
	for (size_t i = 0; i < t->depth; i++) {
		if (strcmp(p->part[i], path_in(t, t->in)->part[i]) != 0)
			return false;
	}
	return child_present(c);
}

/* What is below the folder, one after another. i counts, from 0. */
static const struct child *next_below(
	const struct scene *s, const struct tree *t, const struct child *last, size_t *i)
{
	const struct child *c = last;

	do {
		if (t->dev)
			c = *i < s->m->n_children ? s->m->children[*i] : NULL;
		else
			c = *i == 0 ? t->first : c->sibling;
		(*i)++;
	} while (c && !is_below(t, c));
	return c;
}

static void list_tree(const struct scene *s, const struct tree *t, struct listing *out)
{
	size_t first = out->count, i = 0;

	for (const struct child *c = NULL; (c = next_below(s, t, c, &i));) {
		const struct path *p = path_in(t, c);
		bool leaf = p->count == t->depth + 1, listed = false;

		/* What is there may have others below it, as a disk its partitions, listed before
		 * it. */
		for (size_t j = first; j < out->count; j++)
			listed |= strcmp(out->entries[j].name, p->part[t->depth]) == 0;
		if (!listed)
			listing_add(out,
				!t->dev || !leaf	      ? S_IFDIR
				: c->spec->kind == CHILD_DISK ? S_IFBLK
							      : S_IFCHR,
				"%s", p->part[t->depth]);
	}
}

static bool child_found(struct node *ret, const struct tree *t, const struct child *c, bool leaf)
{
	static const enum view_kind leaves[2][CHILD_KINDS] = {{[CHILD_NET] = V_NET,
								      [CHILD_DISK] = V_DISK,
								      [CHILD_NODE] = V_NODE,
								      [CHILD_OBJECT] = V_OBJECT},
		{[CHILD_DISK] = V_BLOCK_NODE, [CHILD_NODE] = V_CHAR_NODE}};

	*ret = node_at(leaf	? leaves[t->dev][c->spec->kind]
		       : t->dev ? V_DEV_PATH
				: V_CHILD_PATH,
		&c->object);
	ret->extra = leaf ? 0 : (uint32_t)t->depth + 1;
	return true;
}

static bool find_in_tree(
	const struct scene *s, const struct tree *t, const char *name, struct node *ret)
{
	const struct child *through = NULL;
	size_t i = 0;

	for (const struct child *c = NULL; (c = next_below(s, t, c, &i));) {
		const struct path *p = path_in(t, c);

		if (strcmp(p->part[t->depth], name) != 0)
			continue;
		if (p->count == t->depth + 1)
			return child_found(ret, t, c, true);
		through = c;
	}
	return through && child_found(ret, t, through, false);
}

/* The tree at the scene's folder. */
static struct tree tree_at(const struct scene *s)
{
	const struct child *c = s->child;
	enum view_kind kind = s->node.kind;

	if (kind == V_DEVICE)
		return (struct tree){.first = s->device->function->children};
	if (kind == V_VIRTUAL)
		return (struct tree){.first = s->m->virtual_children};
	if (kind == V_DEV)
		return (struct tree){.dev = true};
	if (kind == V_DEV_PATH)
		return (struct tree){.dev = true, .in = c, .depth = s->node.extra};
	return (struct tree){
		.first = c->spec->function ? c->spec->function->children : s->m->virtual_children,
		.in = c,
		.depth = kind == V_CHILD_PATH ? s->node.extra : c->path.count,
	};
}

void list_children(const struct scene *s, struct listing *out)
{
	const struct tree t = tree_at(s);

	list_tree(s, &t, out);
}

bool find_child(const struct scene *s, const char *name, struct node *ret)
{
	const struct tree t = tree_at(s);

	return find_in_tree(s, &t, name, ret);
}

/* --- by class --------------------------------------------------------------------------------- */

static const char *class_of(const struct scene *s)
{
	return s->node.kind == V_CLASS_NET     ? "net"
	       : s->node.kind == V_CLASS_BLOCK ? "block"
					       : s->child->spec->class;
}

static bool is_of_class(const struct child *c, const char *class)
{
	return c->spec->class && strcmp(c->spec->class, class) == 0 && child_present(c);
}

static void list_class(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		if (is_of_class(s->m->children[i], class_of(s)))
			listing_add(out, S_IFLNK, "%s", s->m->children[i]->spec->name);
	}
}

static bool find_in_class(const struct scene *s, const char *name, struct node *ret)
{
	struct child *c = model_child(s->m, name);

	if (!c || !is_of_class(c, class_of(s)))
		return false;
	*ret = node_at(V_CLASS_CHILD_LINK, &c->object);
	return true;
}

/* --- by number: /sys/dev/char and /sys/dev/block -----------------------------------------------
 */

static bool is_numbered(const struct scene *s, const struct child *c)
{
	enum child_kind kind = s->node.kind == V_BLOCK_NUMBERS ? CHILD_DISK : CHILD_NODE;

	return c->spec->kind == kind && c->spec->path && child_present(c);
}

static void list_numbers(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		if (is_numbered(s, s->m->children[i]))
			listing_add(out, S_IFLNK, "%s", s->m->children[i]->spec->number);
	}
}

static bool find_number(const struct scene *s, const char *name, struct node *ret)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];

		if (!is_numbered(s, c) || strcmp(c->spec->number, name) != 0)
			continue;
		*ret = node_at(V_NUMBER_LINK, &c->object);
		return true;
	}
	return false;
}

static char *path_numbers(const struct scene *s)
{
	return memory_copy(s->child->spec->kind == CHILD_DISK ? "/dev/block" : "/dev/char");
}

/* A link kept open while its device left its driver leads nowhere. */
char *path_child(const struct scene *s)
{
	return child_present(s->child) ? child_path(s->child) : memory_copy("/");
}

static char *path_class_of_child(const struct scene *s)
{
	return memory_print("/class/%s", s->child->spec->class);
}

static void show_child_path(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = path_child(s);

	fputs(path, out);
}

bool has_device(const struct scene *s)
{
	return s->child->spec->function && child_present(s->child);
}

/* What it hangs on: the folder that the class's folder is in ("net/eth0", "virtio0/net/eth0"), or
 * for a disk of a controller, the controller's. */
void show_device_link(const struct scene *s, FILE *out)
{
	const struct child *c = s->child;
	size_t depth = c->path.count - 1;
	CLEANUP(free_cleanup) char *path = device_path(c->spec->function->now);

	if (depth > 0 && strcmp(c->path.part[depth - 1], c->spec->class) == 0)
		depth--;
	fputs(path, out);
	for (size_t i = 0; i < depth; i++)
		fprintf(out, "/%s", c->path.part[i]);
}

void show_class_link(const struct scene *s, FILE *out)
{
	fprintf(out, "/class/%s", s->child->spec->class);
}

void show_child_uevent(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *variables = child_variables(s->child);

	fputs(variables, out);
}

const struct kind kinds_child[V_COUNT] = {
	[V_CHILD_PATH] = {DIR_OF, OBJECT_CHILD, .list = list_children, .find = find_child},
	[V_CLASS_NET] = {DIR_OF, .list = list_class, .find = find_in_class},
	[V_CLASS_BLOCK] = {DIR_OF, .list = list_class, .find = find_in_class},
	[V_CLASS_NODES] = {DIR_OF, OBJECT_CHILD, .list = list_class, .find = find_in_class},
	[V_CLASS_CHILD_LINK] = {LINK_TO(show_child_path), OBJECT_CHILD,
		.path_of = path_class_of_child},
	[V_BLOCK_NUMBERS] = {FIXED_DIR, .list = list_numbers, .find = find_number},
	[V_CHAR_NUMBERS] = {FIXED_DIR, .list = list_numbers, .find = find_number},
	[V_NUMBER_LINK] = {LINK_TO(show_child_path), OBJECT_CHILD, .path_of = path_numbers},
	[V_DEV_PATH] = {DIR_OF, OBJECT_CHILD, .list = list_children, .find = find_child},
};
