/* SPDX-License-Identifier: MIT */
/* Who holds VFIO devices, and in which way: a group open, a device, a mapping, a cdev. */
#include "tools/simhost/model/hold.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/child.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/group.h"
#include "tools/simhost/model/module.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct process *model_process(const struct model *m, pid_t pid)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		if (m->processes[i]->pid == pid)
			return m->processes[i];
	}
	return NULL;
}

static struct process *process_get(struct model *m, pid_t pid, const char *command)
{
	struct process *p = model_process(m, pid);

	if (p)
		return p;
	p = memory_new(sizeof(*p));
	p->pid = pid;
	p->command = memory_copy(command);
	object_add(m, &p->object, OBJECT_PROCESS);
	m->processes = memory_room(m->processes, m->n_processes, sizeof(struct process *));
	m->processes[m->n_processes++] = p;
	return p;
}

int model_add_process(struct model *m, pid_t pid, const char *command)
{
	model_lock(m);
	process_get(m, pid, command)->kept = true;
	model_unlock(m);
	return 0;
}

/* A process that was there only to hold something ends with it. */
static void process_put(struct model *m, struct process *p)
{
	for (size_t i = 0; i < m->n_holds; i++) {
		if (m->holds[i]->process == p)
			return;
	}
	if (p->kept)
		return;
	object_drop(m, &p->object);
	array_drop(m->processes, &m->n_processes, p);
	free(p->command);
	free(p);
}

bool device_is_held(const struct model *m, const struct device *d)
{
	for (size_t i = 0; i < m->n_holds; i++) {
		const struct hold *h = m->holds[i];
		bool waits = h->kind == HOLD_NODE ? d->driver && d->driver->waits
						  : h->kind != HOLD_GROUP_FILE;

		if (h->device == d->object.id && waits)
			return true;
	}
	return false;
}

/* Whether another process has the group open. */
static bool group_is_taken(const struct model *m, const struct group *g, pid_t pid)
{
	for (size_t i = 0; i < m->n_holds; i++) {
		const struct hold *h = m->holds[i];
		if (h->group == g->object.id && h->life == g->life && h->process->pid != pid)
			return true;
	}
	return false;
}

/* Whether the device is in use the other way: group and cdev exclude each other. */
static bool is_used_otherwise(const struct model *m, const struct device *d, bool cdev)
{
	for (size_t i = 0; i < m->n_holds; i++) {
		const struct hold *h = m->holds[i];
		bool by_cdev = h->kind == HOLD_IOMMUFD;
		if (h->device == d->object.id && h->kind != HOLD_CDEV && by_cdev != cdev)
			return true;
	}
	return false;
}

/* Whether the kernel lets a user set up DMA: without interrupt remapping, a device could make up
 * interrupts. */
static bool is_safe(const struct model *m, const struct group *g)
{
	const char *unsafe = model_parameter(m, "vfio_iommu_type1", "allow_unsafe_interrupts");

	return g->noiommu || !m->spec->no_interrupt_remapping || (unsafe && unsafe[0] == 'Y');
}

/* Whether the firmware wants memory mapped for a device of the group all the time, which the kernel
 * lets no user take away: drivers/iommu/iommu.c, require_direct; before 6.6 of Intel's IOMMU alone.
 */
static bool is_mapped_by_firmware(const struct model *m, const struct group *g)
{
	for (size_t i = 0; i < m->spec->n_regions; i++) {
		const struct spec_region *region = &m->spec->regions[i];

		if (region->group == g->number && strcmp(region->type, "direct") == 0)
			return true;
	}
	return false;
}

static int may_hold(const struct model *m, const struct device *d, enum hold_kind kind, pid_t pid)
{
	bool cdev = kind == HOLD_CDEV || kind == HOLD_IOMMUFD;

	if (!d->linked || !d->vfio)
		return -ENODEV;
	if (cdev && !m->spec->cdev)
		return -ENOENT;
	if (kind == HOLD_CDEV)
		return 0;
	if (group_is_taken(m, d->group, pid) || is_used_otherwise(m, d, cdev))
		return -EBUSY;
	if (kind == HOLD_GROUP_FILE)
		return 0;
	if (is_mapped_by_firmware(m, d->group))
		return model_since(m, 6, 6) ? -EINVAL : -EPERM;
	return group_is_viable(m, d->group) && is_safe(m, d->group) ? 0 : -EPERM;
}

static struct hold *vfio_hold(const struct device *d, enum hold_kind kind)
{
	struct hold *h = memory_new(sizeof(*h));

	*h = (struct hold){
		.kind = kind,
		.group = kind == HOLD_CDEV ? 0 : d->group->object.id,
		.life = d->group->life,
		.group_number = d->group->number,
		.owns = kind != HOLD_CDEV && kind != HOLD_GROUP_FILE,
		.vfio = d->vfio->number,
		.syspath = device_path(d),
	};
	return h;
}

/* Whether the node is the child's: of a mediated device that of its group, which has no place in
 * the view's own folder. */
static bool is_node_of(const struct child *c, const char *node)
{
	if (c->spec->vfio_group)
		return strncmp(node, "vfio/", 5) == 0 && strcmp(node + 5, c->spec->vfio_group) == 0;
	return c->spec->dev && strcmp(c->spec->dev, node) == 0;
}

/* NULL when the device has no such node now. */
static struct hold *node_hold(const struct device *d, const char *node)
{
	for (const struct child *c = d->function->children; c; c = c->sibling) {
		if (!is_node_of(c, node) || !child_present(c))
			continue;
		struct hold *h = memory_new(sizeof(*h));
		*h = (struct hold){.kind = HOLD_NODE, .node = c};
		return h;
	}
	return NULL;
}

int model_hold(struct model *m, struct pci_address address, enum hold_kind kind, const char *node,
	pid_t pid, const char *command)
{
	struct hold *h = NULL;

	model_lock(m);
	const struct device *d = model_device(m, address);
	int error = !d ? -ENODEV : kind == HOLD_NODE ? 0 : may_hold(m, d, kind, pid);
	if (!error)
		h = kind == HOLD_NODE ? node_hold(d, node) : vfio_hold(d, kind);
	if (h) {
		h->process = process_get(m, pid, command);
		h->address = address;
		h->device = d->object.id;
		m->holds = memory_room(m->holds, m->n_holds, sizeof(struct hold *));
		m->holds[m->n_holds++] = h;
	}
	model_unlock(m);
	return error || h ? error : -ENOENT;
}

static void hold_free(struct model *m, struct hold *h)
{
	struct process *p = h->process;

	array_drop(m->holds, &m->n_holds, h);
	free(h->syspath);
	free(h);
	process_put(m, p);
}

int model_release(struct model *m, struct pci_address address, pid_t pid)
{
	int error = -ENOENT;

	model_lock(m);
	for (size_t i = m->n_holds; i-- > 0;) {
		struct hold *h = m->holds[i];
		if (!pci_address_equal(h->address, address) || (pid && h->process->pid != pid))
			continue;
		hold_free(m, h);
		error = 0;
	}
	model_wake(m);
	model_unlock(m);
	return error;
}

void holds_free(struct model *m)
{
	while (m->n_holds > 0)
		hold_free(m, m->holds[m->n_holds - 1]);
	while (m->n_processes > 0) {
		struct process *p = m->processes[m->n_processes - 1];
		p->kept = false;
		process_put(m, p);
	}
	free(m->holds);
	free(m->processes);
	m->holds = NULL;
	m->processes = NULL;
}
