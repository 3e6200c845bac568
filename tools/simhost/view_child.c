/* SPDX-License-Identifier: MIT */
/* Network interfaces and disks: below their devices, and by class. */
#include "tools/simhost/view_internal.h"

enum {
	FOLDER = S_IFDIR | 0755,
	LINK = S_IFLNK | 0777,
	READ = S_IFREG | 0444,
};

/* Whether the child is below the first `depth` components of the prefix's path. */
static bool is_below(const struct child *c, const struct child *prefix, size_t depth)
{
	if (c->n_path <= depth)
		return false;
	for (size_t i = 0; i < depth; i++) {
		if (strcmp(c->path[i], prefix->path[i]) != 0)
			return false;
	}
	return true;
}

/* The children of one function (or the virtual ones) that are there, one after another. */
static const struct child *next_child(const struct scene *s, const struct function *function,
	const struct child *prefix, size_t depth, size_t *i)
{
	while (*i < s->m->n_children) {
		const struct child *c = s->m->children[(*i)++];

		if (c->function == function && child_present(c) && is_below(c, prefix, depth))
			return c;
	}
	return NULL;
}

static void list_below(const struct scene *s, const struct function *function,
	const struct child *prefix, size_t depth, struct listing *out)
{
	size_t first = out->count, i = 0;
	const struct child *c;

	while ((c = next_child(s, function, prefix, depth, &i))) {
		bool listed = false;
		for (size_t j = first; j < out->count; j++)
			listed |= strcmp(out->entries[j].name, c->path[depth]) == 0;
		if (!listed)
			listing_add(out, S_IFDIR, "%s", c->path[depth]);
	}
}

void list_children_of(const struct scene *s, const struct function *function, struct listing *out)
{
	list_below(s, function, NULL, 0, out);
}

bool find_child_below(const struct scene *s, const struct function *function,
	const struct child *prefix, size_t depth, const char *name, struct node *ret)
{
	const struct child *c, *through = NULL;
	size_t i = 0;

	while ((c = next_child(s, function, prefix, depth, &i))) {
		if (strcmp(c->path[depth], name) != 0)
			continue;
		through = c;
		if (c->n_path == depth + 1) {
			*ret = node_at(c->kind == CHILD_NET ? V_NET : V_DISK, &c->object);
			return true;
		}
	}
	if (!through)
		return false;
	*ret = node_at(V_CHILD_PATH, &through->object);
	ret->extra = (uint32_t)depth + 1;
	return true;
}

static size_t depth_of(const struct scene *s)
{
	return s->node.kind == V_CHILD_PATH ? s->node.extra : s->child->n_path;
}

void list_child_path(const struct scene *s, struct listing *out)
{
	list_below(s, s->child->function, s->child, depth_of(s), out);
}

bool find_child_path(const struct scene *s, const char *name, struct node *ret)
{
	return find_child_below(s, s->child->function, s->child, depth_of(s), name, ret);
}

void list_virtual(const struct scene *s, struct listing *out)
{
	list_below(s, NULL, NULL, 0, out);
}

bool find_virtual(const struct scene *s, const char *name, struct node *ret)
{
	return find_child_below(s, NULL, NULL, 0, name, ret);
}

static enum child_kind kind_of_class(const struct scene *s)
{
	return s->node.kind == V_CLASS_NET ? CHILD_NET : CHILD_DISK;
}

void list_class_children(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];
		if (c->kind == kind_of_class(s) && child_present(c))
			listing_add(out, S_IFLNK, "%s", c->name);
	}
}

bool find_class_child(const struct scene *s, const char *name, struct node *ret)
{
	struct child *c = model_child(s->m, name);

	if (!c || c->kind != kind_of_class(s) || !child_present(c))
		return false;
	*ret = node_at(V_CLASS_CHILD_LINK, &c->object);
	return true;
}

/* A link kept open while its device left its driver leads nowhere. */
char *path_child(const struct scene *s)
{
	return child_present(s->child) ? child_path(s->child) : memory_copy("/");
}

char *path_class_of_child(const struct scene *s)
{
	return memory_copy(s->child->kind == CHILD_NET ? "/class/net" : "/class/block");
}

void show_child_path(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = path_child(s);

	fputs(path, out);
}

/* --- a network interface ---------------------------------------------------------------------- */

static void show_flags(const struct scene *s, FILE *out)
{
	bool loopback = strcmp(s->child->name, "lo") == 0;

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

static bool has_master(const struct scene *s)
{
	return s->child->master && model_child(s->m, s->child->master);
}

static void show_master(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = child_path(model_child(s->m, s->child->master));

	fputs(path, out);
}

static bool has_device(const struct scene *s)
{
	return s->child->function && child_present(s->child);
}

/* What it hangs on: the folder that the class's folder is in ("net/eth0", "virtio0/net/eth0"), or
 * for a disk of a controller, the controller's. */
static void show_device_link(const struct scene *s, FILE *out)
{
	const struct child *c = s->child;
	size_t depth = c->n_path - 1;
	CLEANUP(free_cleanup) char *path = device_path(c->function->now);

	if (depth > 0 && (strcmp(c->path[depth - 1], "net") == 0 ||
				 strcmp(c->path[depth - 1], "block") == 0))
		depth--;
	fputs(path, out);
	for (size_t i = 0; i < depth; i++)
		fprintf(out, "/%s", c->path[i]);
}

static void show_class_link(const struct scene *s, FILE *out)
{
	fputs(s->child->kind == CHILD_NET ? "/class/net" : "/class/block", out);
}

static void show_net_uevent(const struct scene *s, FILE *out)
{
	fprintf(out, "INTERFACE=%s\nIFINDEX=%u\n", s->child->name, s->child->index);
}

const struct entry entries_net[] = {
	{"address", .mode = READ, .show = show_mac},
	{"device", .mode = LINK, .present = has_device, .show = show_device_link},
	{"flags", .mode = READ, .show = show_flags},
	{"ifindex", .mode = READ, .show = show_ifindex},
	{"master", .mode = LINK, .present = has_master, .show = show_master},
	{"operstate", .mode = READ, .show = show_operstate},
	{"subsystem", .mode = LINK, .show = show_class_link},
	{"uevent", .mode = READ, .show = show_net_uevent},
	{0},
};

/* --- a disk ----------------------------------------------------------------------------------- */

static void show_number(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->child->number);
}

static void show_size(const struct scene *s, FILE *out)
{
	fprintf(out, "%lu\n", s->child->size);
}

static void show_disk_uevent(const struct scene *s, FILE *out)
{
	unsigned major = 0, minor = 0;

	sscanf(s->child->number, "%u:%u", &major, &minor);
	fprintf(out, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=disk\n", major, minor,
		s->child->name);
}

const struct entry entries_disk[] = {
	{"dev", .mode = READ, .show = show_number},
	{"device", .mode = LINK, .present = has_device, .show = show_device_link},
	{"holders", .mode = FOLDER, .kind = V_HOLDERS},
	{"size", .mode = READ, .show = show_size},
	{"subsystem", .mode = LINK, .show = show_class_link},
	{"uevent", .mode = READ, .show = show_disk_uevent},
	{0},
};

/* The n-th of the names with commas between; NULL past the last. The caller frees it. */
static char *nth_holder(const struct child *c, size_t n)
{
	const char *s = c->holders;

	for (; n > 0 && *s; n--) {
		s += strcspn(s, ",");
		s += *s == ',';
	}
	size_t len = strcspn(s, ",");
	return len > 0 ? memory_print("%.*s", (int)len, s) : NULL;
}

void list_holders(const struct scene *s, struct listing *out)
{
	char *name;

	for (size_t i = 0; (name = nth_holder(s->child, i)); i++) {
		listing_add(out, S_IFLNK, "%s", name);
		free(name);
	}
}

bool find_holder(const struct scene *s, const char *name, struct node *ret)
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

char *path_holders(const struct scene *s)
{
	CLEANUP(free_cleanup) char *path = path_child(s);

	return memory_print("%s/holders", path);
}

void show_holder(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *name = nth_holder(s->child, s->node.extra);

	fprintf(out, "/devices/virtual/block/%s", name ? name : "");
}
