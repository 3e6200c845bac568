/* SPDX-License-Identifier: MIT */
/* What drivers make of devices: network interfaces and disks, and what they are used for. */
#include "tools/simhost/model/child.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/event.h"

#include "core/base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct child *model_child(const struct model *m, const char *name)
{
	struct child *c = table_get(&m->child_names, table_key(name));

	return c && strcmp(c->spec->name, name) == 0 ? c : NULL;
}

bool child_present(const struct child *c)
{
	const struct function *f = c->spec->function;
	const struct driver *drv = f && f->now ? f->now->driver : NULL;

	if (!f)
		return true;
	if (!drv || drv->vfio)
		return false;
	/* The driver that makes it, or where the host file names none, any that does anything. */
	return f->driver ? strcmp(drv->name, f->driver) == 0 : !drv->managed_dma;
}

/* Whether the list, "eth0,eth1", has the name. */
static bool has_name(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *s = list; s && (s = strstr(s, name)); s += n) {
		if ((s == list || s[-1] == ',') && (s[n] == ',' || !s[n]))
			return true;
	}
	return false;
}

bool child_is_under(const struct child *c, const struct child *upper)
{
	return (c->master && strcmp(c->master, upper->spec->name) == 0) ||
	       has_name(upper->spec->lower, c->spec->name);
}

char *child_path(const struct child *c)
{
	CLEANUP(free_cleanup)
	char *device = c->spec->function ? device_path(c->spec->function->now)
					 : memory_copy("/devices/virtual");

	return memory_print("%s/%s", device, c->spec->path);
}

/* "MAJOR=259\nMINOR=0\n" */
static char *number_variables(const char *number)
{
	int major = (int)strcspn(number, ":");

	return memory_print("MAJOR=%.*s\nMINOR=%s\n", major, number, number + major + 1);
}

char *child_variables(const struct child *c)
{
	const struct spec_child *s = c->spec;

	if (s->kind == CHILD_NET)
		return memory_print("INTERFACE=%s\nIFINDEX=%u\n", s->name, c->index);
	if (s->kind == CHILD_OBJECT)
		return memory_copy("");
	CLEANUP(free_cleanup) char *number = number_variables(s->number);
	return memory_print("%sDEVNAME=%s\n%s%s", number, s->dev,
		s->kind == CHILD_DISK ? "DEVTYPE=" : "",
		s->kind == CHILD_NODE ? ""
		: s->on		      ? "partition\n"
				      : "disk\n");
}

static void event_child(struct model *m, const char *action, const struct child *c)
{
	const char *subsystem = c->spec->class ? c->spec->class : c->spec->bus;

	if (!m->on_event || !c->spec->path || !subsystem)
		return;
	CLEANUP(free_cleanup) char *path = child_path(c);
	CLEANUP(free_cleanup) char *variables = child_variables(c);
	event_send(m, action, path, subsystem, variables);
}

void children_added(struct model *m, const struct device *d)
{
	for (struct child *c = d->function->children; c; c = c->sibling) {
		if (!child_present(c))
			continue;
		if (c->spec->kind == CHILD_NET)
			c->index = ++m->last_ifindex;
		event_child(m, "add", c);
	}
}

/* An interface that comes back is a new one: down, without addresses. */
void children_removed(struct model *m, const struct device *d)
{
	for (struct child *c = d->function->children; c; c = c->sibling) {
		if (!child_present(c))
			continue;
		event_child(m, "remove", c);
		c->up = c->route = c->address6 = c->pppoe = c->packet = false;
		memory_replace(&c->address, NULL);
		memory_replace(&c->master, NULL);
	}
}

static struct path path_of(const char *text)
{
	struct path path = {.text = memory_copy(text)};
	char *save = NULL;

	for (char *s = text ? strtok_r(path.text, "/", &save) : NULL; s;
		s = strtok_r(NULL, "/", &save))
		path.part[path.count++] = s;
	return path;
}

static void child_new(struct model *m, const struct spec_child *s)
{
	struct child *c = memory_new(sizeof(*c));

	*c = (struct child){
		.spec = s,
		.path = path_of(s->path),
		.dev = path_of(s->dev),
		.index = s->kind == CHILD_NET ? ++m->last_ifindex : 0,
		.up = s->up,
		.route = s->route,
		.address6 = s->address6,
		.pppoe = s->pppoe,
		.packet = s->packet,
		.address = s->address || s->route ? memory_copy("192.0.2.2") : NULL,
		.master = memory_copy(s->master),
	};
	object_add(m, &c->object, OBJECT_CHILD);
	table_put(&m->child_names, table_key(s->name), c);
	m->children = memory_room(m->children, m->n_children, sizeof(struct child *));
	m->children[m->n_children++] = c;
}

void children_new(struct model *m)
{
	static const struct spec_child loopback = {.kind = CHILD_NET,
		.name = (char *)"lo",
		.class = (char *)"net",
		.path = (char *)"net/lo",
		.up = true};

	child_new(m, &loopback);
	for (size_t i = 0; i < m->spec->n_children; i++)
		child_new(m, m->spec->children[i]);
	/* From the last on, so that each list begins with its first. */
	for (size_t i = m->n_children; i-- > 0;) {
		struct child *c = m->children[i];
		struct function *f = c->spec->function;
		struct child **list = f ? &f->children : &m->virtual_children;

		c->sibling = *list;
		*list = c;
	}
}

void children_reset(struct model *m)
{
	for (size_t i = 0; i < m->n_children; i++) {
		struct child *c = m->children[i];
		const struct spec_child *s = c->spec;

		c->up = s->up;
		c->route = s->route;
		c->address6 = s->address6;
		memory_replace(&c->address, s->address || s->route ? "192.0.2.2" : NULL);
		memory_replace(&c->master, s->master);
	}
}

void children_free(struct model *m)
{
	for (size_t i = 0; i < m->n_children; i++) {
		struct child *c = m->children[i];

		free(c->path.text);
		free(c->dev.text);
		free(c->address);
		free(c->master);
		free(c);
	}
	free(m->children);
	table_clear(&m->child_names);
}

static void change_net(struct child *c, enum net_change change, const char *value)
{
	switch (change) {
	case NET_UP:
	case NET_DOWN:
		c->up = change == NET_UP;
		break;
	case NET_ADDRESS:
		memory_replace(&c->address, value);
		break;
	case NET_ADDRESS6:
		c->address6 = value != NULL;
		break;
	case NET_ROUTE:
		c->route = value != NULL;
		break;
	case NET_PPPOE:
		c->pppoe = value != NULL;
		break;
	case NET_PACKET:
		c->packet = value != NULL;
		break;
	case NET_MASTER:
		memory_replace(&c->master, value);
		break;
	}
}

int model_change_net(struct model *m, const char *name, enum net_change change, const char *value)
{
	model_lock(m);
	struct child *c = model_child(m, name);
	bool found = c && c->spec->kind == CHILD_NET && child_present(c);
	if (found)
		change_net(c, change, value);
	model_unlock(m);
	return found ? 0 : -ENODEV;
}

int model_mount(struct model *m, const char *disk, const char *where, const char *type)
{
	model_lock(m);
	struct child *c = model_child(m, disk);
	bool found = c && c->spec->kind == CHILD_DISK && child_present(c);
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
