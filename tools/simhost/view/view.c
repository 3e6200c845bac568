/* SPDX-License-Identifier: MIT */
/* Walking the tables. */
#include "tools/simhost/view/view.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/view/kind.h"

#include "core/base/util.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

const struct node view_root = {.kind = V_ROOT};

/* kind:7 attribute:7 extra:18 object:32, and 1 for the root. */
uint64_t node_number(struct node node)
{
	uint64_t number = (uint64_t)node.kind << 57 | (uint64_t)node.attribute << 50 |
			  (uint64_t)(node.extra & NODE_EXTRA_MAX) << 32 | node.object;

	return number ? number : 1;
}

struct node node_from_number(uint64_t number)
{
	if (number == 1)
		return view_root;
	return (struct node){
		.kind = (uint8_t)(number >> 57),
		.attribute = number >> 50 & 0x7f,
		.extra = number >> 32 & NODE_EXTRA_MAX,
		.object = (uint32_t)number,
	};
}

/* The entry that the node is; NULL when there is none. */
static const struct entry *entry_of(struct node node)
{
	const struct kind *kind = view_kind_of(node);
	const struct entry *e = kind ? kind->entries : NULL;

	if (!kind)
		return NULL;
	if (!node.attribute)
		return &kind->self;
	for (unsigned i = 1; e && e->name; i++, e++) {
		if (i == node.attribute)
			return e;
	}
	return NULL;
}

/* False when what the node is about is gone. */
static bool set_scene(struct model *m, struct node node, struct scene *ret)
{
	const struct kind *kind = view_kind_of(node);

	*ret = (struct scene){.m = m, .node = node};
	if (!kind || !entry_of(node))
		return false;
	if (!kind->type)
		return true;
	ret->object = model_object(m, node.object, kind->type);
	return ret->object != NULL;
}

static bool is_present(const struct entry *e, const struct scene *s)
{
	return !e->present || e->present(s);
}

/* A file that can be written has an inode of its own each time it is looked up: the kernel lets one
 * writer at a time into an inode, and a write that waits for one device must not hold up those of
 * others through the same file. */
static uint32_t own_inode(const struct entry *e)
{
	static atomic_uint last;

	return S_ISREG(e->mode) && e->store ? atomic_fetch_add(&last, 1) & NODE_EXTRA_MAX : 0;
}

static bool find_entry(const struct scene *s, const char *name, struct node *ret)
{
	const struct kind *kind = view_kind_of(s->node);

	for (const struct entry *e = kind->entries; e && e->name; e++) {
		if (strcmp(e->name, name) != 0 || !is_present(e, s))
			continue;
		*ret = s->node;
		if (S_ISDIR(e->mode)) {
			ret->kind = (uint8_t)e->kind;
			return true;
		}
		ret->attribute = (uint8_t)(e - kind->entries + 1);
		if (S_ISREG(e->mode) && e->store)
			ret->extra = own_inode(e);
		else if (e->life)
			ret->extra = e->life(s) & NODE_EXTRA_MAX;
		return true;
	}
	return false;
}

static bool find_own(const struct scene *s, const char *name, struct node *ret)
{
	const struct kind *kind = view_kind_of(s->node);

	if (!kind->find || !kind->find(s, name, ret))
		return false;
	const struct entry *e = entry_of(*ret);
	if (e && S_ISREG(e->mode) && e->store)
		ret->extra = own_inode(e);
	return true;
}

int view_lookup(struct model *m, struct node parent, const char *name, struct node *ret)
{
	struct scene s;

	model_lock(m);
	bool found = set_scene(m, parent, &s) && parent.attribute == 0 &&
		     (find_entry(&s, name, ret) || find_own(&s, name, ret));
	model_unlock(m);
	return found ? 0 : -ENOENT;
}

static off_t size_of(const struct scene *s, const struct entry *e)
{
	if (!S_ISREG(e->mode))
		return 0;
	if (s->node.kind == V_DEVICE && s->device && strcmp(e->name, "config") == 0 &&
		s->device->function->conventional)
		return 256;
	return e->size ? e->size : PAGE;
}

void view_stat(struct model *m, struct node node, struct view_attributes *ret)
{
	struct scene s;

	const struct entry *e = entry_of(node);

	*ret = (struct view_attributes){.mode = S_IFREG};
	const struct kind *kind = view_kind_of(node);
	if (!e || !kind)
		return;
	model_lock(m);
	bool there = set_scene(m, node, &s);
	ret->mode = e->mode;
	ret->size = size_of(&s, e);
	if (S_ISCHR(e->mode) && there && node.attribute == 0 && kind->rdev)
		ret->rdev = kind->rdev(&s);
	else if (S_ISCHR(e->mode))
		ret->rdev = (dev_t)e->size;
	ret->fixed = kind->fixed && node.attribute == 0;
	ret->stream = S_ISREG(e->mode) && !e->show && !e->text && !e->store;
	model_unlock(m);
}

int view_list(struct model *m, struct node node, struct listing *ret)
{
	struct scene s;

	model_lock(m);
	bool there = set_scene(m, node, &s) && node.attribute == 0;
	const struct kind *kind = there ? view_kind_of(node) : NULL;
	for (const struct entry *e = kind ? kind->entries : NULL; e && e->name; e++) {
		if (is_present(e, &s))
			listing_add(ret, e->mode, "%s", e->name);
	}
	if (kind && kind->list)
		kind->list(&s, ret);
	model_unlock(m);
	return there ? 0 : -ENOENT;
}

static bool view_waits(const struct model *m, const struct entry *e)
{
	return e->wait == WAIT_ALWAYS || (e->wait == WAIT_OLD_KERNELS && !model_since(m, 6, 12));
}

/* Has the entry's show write into memory. */
static int print_entry(const struct scene *s, const struct entry *e, char **ret, size_t *ret_len)
{
	FILE *out = memory_stream(ret, ret_len);

	if (e->text)
		fputs(e->text, out);
	else if (e->show)
		e->show(s, out);
	return fclose(out) == 0 ? 0 : -ENOMEM;
}

int view_read(struct model *m, struct node node, char **ret, size_t *ret_len)
{
	const struct entry *e = entry_of(node);
	struct scene s;
	int error = 0;

	if (!e)
		return -ENODEV;
	model_lock(m);
	if (!set_scene(m, node, &s))
		error = -ENODEV;
	else if (view_waits(m, e))
		error = model_await_device(m, node.object);
	/* The wait may have seen the device go. */
	if (!error && !set_scene(m, node, &s))
		error = -ENODEV;
	if (!error)
		error = print_entry(&s, e, ret, ret_len);
	model_unlock(m);
	return error;
}

/* The way from a folder to a target, as the kernel writes its links: up to where both are below,
 * then down. */
static char *view_relative(const char *folder, const char *target)
{
	size_t common = 0, ups = 0;

	for (size_t i = 0;; i++) {
		bool folder_ends = folder[i] == '/' || !folder[i];

		if (folder_ends && target[i] == '/')
			common = i;
		if (!folder[i] || folder[i] != target[i])
			break;
	}
	for (const char *c = folder + common; *c; c++)
		ups += *c == '/';
	char *text = memory_new(ups * strlen("../") + strlen(target) + 1), *end = text;
	for (size_t i = 0; i < ups; i++)
		end = stpcpy(end, "../");
	stpcpy(end, target + common + 1);
	return text;
}

/* Under the model's lock: where the link leads, and the folder that this is told from (NULL when it
 * is told as it is). */
static int read_link(struct model *m, struct node node, char **ret_target, char **ret_folder)
{
	const struct entry *e = entry_of(node);
	struct scene s;
	size_t len;

	if (!e || !set_scene(m, node, &s) || !is_present(e, &s))
		return -ENOENT;
	if (!S_ISLNK(e->mode))
		return -EINVAL;
	const struct kind *kind = view_kind_of(node);
	if (kind && (kind->path || kind->path_of))
		*ret_folder = kind->path ? memory_copy(kind->path) : kind->path_of(&s);
	return print_entry(&s, e, ret_target, &len);
}

int view_link(struct model *m, struct node node, char **ret)
{
	CLEANUP(free_cleanup) char *target = NULL, *folder = NULL;

	model_lock(m);
	int error = read_link(m, node, &target, &folder);
	model_unlock(m);
	if (!error)
		*ret = folder ? view_relative(folder, target) : STEAL(target);
	return error;
}

ssize_t view_write(struct model *m, struct node node, const char *text, size_t len)
{
	struct scene s;

	model_lock(m);
	bool there = set_scene(m, node, &s);
	model_unlock(m);
	if (!there)
		return -ENODEV;
	const struct entry *e = entry_of(node);
	if (!e || !S_ISREG(e->mode) || !e->store)
		return -EACCES;
	/* sysfs takes a page at a time; commands must not be torn. */
	len = len < PAGE || node.kind == V_ROOT ? len : PAGE;
	CLEANUP(free_cleanup) char *copy = memory_new(len + 1);
	memcpy(copy, text, len);
	int error = e->store(m, node.object, &(struct write){.text = copy, .len = len});
	return error ? error : (ssize_t)len;
}
