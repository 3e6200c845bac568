/* SPDX-License-Identifier: MIT */
/* What drivers make of devices: network interfaces and disks, and what they are used for. */
#include "tools/simhost/model_internal.h"

#include <stdio.h>

struct child *model_child(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n_children; i++) {
		if (strcmp(m->children[i]->name, name) == 0)
			return m->children[i];
	}
	return NULL;
}

bool child_present(const struct child *c)
{
	const struct device *d = c->function ? c->function->now : NULL;

	if (!c->function)
		return true;
	if (!d || !d->driver || d->driver->vfio)
		return false;
	/* The driver that makes it, or where the host file names none, any that does anything. */
	if (c->function->driver)
		return strcmp(d->driver->name, c->function->driver) == 0;
	return !d->driver->managed_dma;
}

char *child_path(const struct child *c)
{
	char *path = c->function ? device_path(c->function->now) : memory_copy("/devices/virtual");

	for (size_t i = 0; i < c->n_path; i++) {
		char *longer = memory_print("%s/%s", path, c->path[i]);
		free(path);
		path = longer;
	}
	return path;
}

static void event_child(struct model *m, const char *action, const struct child *c)
{
	unsigned major = 0, minor = 0;

	if (!m->on_event)
		return;
	if (c->number)
		sscanf(c->number, "%u:%u", &major, &minor);
	CLEANUP(free_cleanup) char *path = child_path(c);
	CLEANUP(free_cleanup)
	char *variables = c->kind == CHILD_NET
				  ? memory_print("INTERFACE=%s\nIFINDEX=%u\n", c->name, c->index)
				  : memory_print("MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=disk\n",
					    major, minor, c->name);
	event_send(m, action, path, c->kind == CHILD_NET ? "net" : "block", variables);
}

void children_added(struct model *m, const struct device *d)
{
	for (size_t i = 0; i < m->n_children; i++) {
		struct child *c = m->children[i];

		if (c->function != d->function || !child_present(c))
			continue;
		if (c->kind == CHILD_NET)
			c->index = ++m->last_ifindex;
		event_child(m, "add", c);
	}
}

static void set(char **place, const char *text)
{
	free(*place);
	*place = memory_copy(text);
}

/* An interface that comes back is a new one: down, without addresses. */
void children_removed(struct model *m, const struct device *d)
{
	for (size_t i = 0; i < m->n_children; i++) {
		struct child *c = m->children[i];

		if (c->function != d->function || !child_present(c))
			continue;
		event_child(m, "remove", c);
		c->up = c->route = c->address6 = false;
		set(&c->address, NULL);
		set(&c->master, NULL);
	}
}

static char *default_path(const struct spec *spec, const struct spec_child *c)
{
	unsigned controller;

	if (c->on) {
		for (size_t i = 0; i < spec->n_children; i++) {
			const struct spec_child *disk = &spec->children[i];
			if (disk == c || !disk->is_disk || strcmp(disk->name, c->on) != 0)
				continue;
			CLEANUP(free_cleanup)
			char *path = disk->path ? memory_copy(disk->path)
						: default_path(spec, &(struct spec_child){
									     .name = disk->name,
									     .is_disk = true,
								     });
			return memory_print("%s/%s", path, c->name);
		}
	}
	if (!c->is_disk)
		return memory_print("net/%s", c->name);
	if (sscanf(c->name, "nvme%un", &controller) == 1)
		return memory_print("nvme/nvme%u/%s", controller, c->name);
	return memory_print("block/%s", c->name);
}

static void split_path(struct child *c, char *path)
{
	char *save = NULL;

	for (char *s = strtok_r(path, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
		c->path = memory_room(c->path, c->n_path, sizeof(*c->path));
		c->path[c->n_path++] = memory_copy(s);
	}
}

static struct function *function_of(const struct spec *spec, const struct spec_child *c)
{
	for (size_t i = 0; c->on && i < spec->n_children; i++) {
		if (strcmp(spec->children[i].name, c->on) == 0)
			return spec->children[i].function;
	}
	return c->function;
}

static struct child *child_new(struct model *m, const struct spec_child *s)
{
	struct child *c = memory_new(sizeof(*c));
	CLEANUP(free_cleanup)
	char *path = s->path ? memory_copy(s->path) : default_path(m->spec, s);

	*c = (struct child){
		.kind = s->is_disk ? CHILD_DISK : CHILD_NET,
		.name = memory_copy(s->name),
		.function = function_of(m->spec, s),
		.index = s->is_disk ? (unsigned)m->n_children : ++m->last_ifindex,
		.size = s->size,
		.holders = memory_copy(s->holders ? s->holders : ""),
		.up = s->up,
		.route = s->route,
		.address6 = s->address6,
		.address = s->address || s->route ? memory_copy("192.0.2.2") : NULL,
		.master = memory_copy(s->master),
	};
	split_path(c, path);
	if (s->is_disk)
		c->number = s->number ? memory_copy(s->number) : memory_print("259:%u", c->index);
	object_add(m, &c->object, OBJECT_CHILD);
	m->children = memory_room(m->children, m->n_children, sizeof(struct child *));
	m->children[m->n_children++] = c;
	return c;
}

void children_new(struct model *m)
{
	const struct spec_child loopback = {.name = (char *)"lo", .up = true};

	child_new(m, &loopback);
	for (size_t i = 0; i < m->spec->n_children; i++)
		child_new(m, &m->spec->children[i]);
}

void children_free(struct model *m)
{
	for (size_t i = 0; i < m->n_children; i++) {
		struct child *c = m->children[i];

		for (size_t j = 0; j < c->n_path; j++)
			free(c->path[j]);
		free(c->path);
		free(c->name);
		free(c->number);
		free(c->holders);
		free(c->address);
		free(c->master);
		free(c);
	}
	free(m->children);
}

static void change_net(struct child *c, enum net_change change, const char *value)
{
	switch (change) {
	case NET_UP:
	case NET_DOWN:
		c->up = change == NET_UP;
		break;
	case NET_ADDRESS:
		set(&c->address, value);
		break;
	case NET_ADDRESS6:
		c->address6 = value != NULL;
		break;
	case NET_ROUTE:
		c->route = value != NULL;
		break;
	case NET_MASTER:
		set(&c->master, value);
		break;
	}
}

int model_change_net(struct model *m, const char *name, enum net_change change, const char *value)
{
	model_lock(m);
	struct child *c = model_child(m, name);
	bool found = c && c->kind == CHILD_NET && child_present(c);
	if (found)
		change_net(c, change, value);
	model_unlock(m);
	return found ? 0 : -ENODEV;
}

int model_mount(struct model *m, const char *disk, const char *where, const char *type)
{
	model_lock(m);
	struct child *c = model_child(m, disk);
	bool found = c && c->kind == CHILD_DISK && child_present(c);
	if (found) {
		m->mounts = memory_room(m->mounts, m->n_mounts, sizeof(*m->mounts));
		m->mounts[m->n_mounts++] = (struct mount){.disk = memory_copy(disk),
			.where = memory_copy(where),
			.type = memory_copy(type)};
	}
	model_unlock(m);
	return found ? 0 : -ENODEV;
}

int model_unmount(struct model *m, const char *where)
{
	int error = -ENOENT;

	model_lock(m);
	for (size_t i = m->n_mounts; error && i-- > 0;) {
		struct mount *mount = &m->mounts[i];
		if (strcmp(mount->where, where) != 0)
			continue;
		free(mount->disk);
		free(mount->where);
		free(mount->type);
		memmove(mount, mount + 1, (m->n_mounts - i - 1) * sizeof(*mount));
		m->n_mounts--;
		error = 0;
	}
	model_unlock(m);
	return error;
}
