/* SPDX-License-Identifier: MIT */
/* IOMMU groups and what VFIO registers in them. */
#include "tools/simhost/model/group.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/event.h"
#include "tools/simhost/model/module.h"

#include "core/base/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int free_number(struct model *m)
{
	while (table_get(&m->groups, (uint64_t)m->next_group))
		m->next_group++;
	return m->next_group;
}

static struct group *group_new(struct model *m, int number)
{
	struct group *g = memory_new(sizeof(*g));

	g->number = number;
	object_add(m, &g->object, OBJECT_GROUP);
	table_put(&m->groups, (uint64_t)number, g);
	m->group_list = memory_room(m->group_list, m->n_groups, sizeof(struct group *));
	m->group_list[m->n_groups++] = g;
	return g;
}

void group_join(struct model *m, struct device *d, int number, bool noiommu)
{
	if (number < 0)
		number = free_number(m);
	struct group *g = table_get(&m->groups, (uint64_t)number);
	if (!g)
		g = group_new(m, number);
	g->noiommu = noiommu;
	g->devices = memory_room(g->devices, g->n_devices, sizeof(struct device *));
	g->devices[g->n_devices++] = d;
	d->group = g;
}

void group_leave(struct model *m, struct device *d)
{
	struct group *g = d->group;

	d->group = NULL;
	if (!g)
		return;
	array_drop(g->devices, &g->n_devices, d);
	if (g->n_devices > 0)
		return;
	object_drop(m, &g->object);
	table_drop(&m->groups, (uint64_t)g->number);
	array_drop(m->group_list, &m->n_groups, g);
	if (g->number < m->next_group && g->number >= m->first_group)
		m->next_group = g->number;
	free(g->devices);
	free(g);
}

bool group_is_viable(const struct model *m, const struct group *g)
{
	for (size_t i = 0; i < m->spec->n_members; i++) {
		if (m->members[i].spec->group == g->number && m->members[i].driven)
			return false;
	}
	for (size_t i = 0; i < g->n_devices; i++) {
		const struct driver *drv = g->devices[i]->driver;

		if (drv && !drv->vfio && !drv->managed_dma)
			return false;
	}
	return true;
}

/* Whether the hold has the group's present node open. */
static bool has_open(const struct hold *h, const struct group *g)
{
	return h->group == g->object.id && h->life == g->life && g->n_vfio > 0;
}

bool group_is_open(const struct model *m, const struct group *g)
{
	for (size_t i = 0; i < m->n_holds; i++) {
		if (has_open(m->holds[i], g))
			return true;
	}
	return false;
}

bool group_is_owned(const struct model *m, const struct group *g)
{
	for (size_t i = 0; i < m->n_holds; i++) {
		if (m->holds[i]->owns && has_open(m->holds[i], g))
			return true;
	}
	return false;
}

/* The kernel's own list of devices that vfio-pci leaves alone: QAT, DSA and IAA of Intel. */
static bool is_denied(const struct model *m, const struct function *f)
{
	static const uint16_t intel[] = {
		0x0435, 0x0443, 0x19e2, 0x19e3, 0x37c8, 0x37c9, 0x0b25, 0x0cfe};
	const char *disabled = model_parameter(m, "vfio_pci", "disable_denylist");

	if (f->vendor != 0x8086 || (disabled && disabled[0] == 'Y'))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(intel); i++) {
		if (f->device == intel[i])
			return true;
	}
	return false;
}

static bool noiommu_is_on(const struct model *m)
{
	const char *value = model_parameter(m, "vfio", "enable_unsafe_noiommu_mode");

	return value && value[0] == 'Y';
}

char *group_variables(const struct group *g)
{
	return memory_print("MAJOR=%d\nMINOR=%u\nDEVNAME=vfio/%s%d\n", GROUP_MAJOR, g->minor,
		g->noiommu ? "noiommu-" : "", g->number);
}

char *vfio_variables(const struct model *m, const struct vfio *v)
{
	if (!m->spec->cdev)
		return memory_copy("");
	return memory_print("MAJOR=%d\nMINOR=%d\nDEVNAME=vfio/devices/vfio%d\n", CDEV_MAJOR,
		v->number, v->number);
}

static void event_group(struct model *m, const char *action, const struct group *g)
{
	CLEANUP(free_cleanup)
	char *path =
		memory_print("/devices/virtual/vfio/%s%d", g->noiommu ? "noiommu-" : "", g->number);
	CLEANUP(free_cleanup) char *variables = group_variables(g);

	event_send(m, action, path, "vfio", variables);
}

static void event_vfio(struct model *m, const char *action, const struct vfio *v)
{
	CLEANUP(free_cleanup) char *parent = device_path(v->device);
	CLEANUP(free_cleanup) char *path = memory_print("%s/vfio-dev/vfio%d", parent, v->number);
	CLEANUP(free_cleanup) char *variables = vfio_variables(m, v);

	event_send(m, action, path, "vfio-dev", variables);
}

static void enter_group(struct model *m, struct group *g)
{
	if (g->n_vfio == 0) {
		g->minor = numbers_take(&m->minors);
		g->life = ++m->group_life;
	}
	if (g->n_vfio++ == 0)
		event_group(m, "add", g);
}

int vfio_register(struct model *m, struct device *d)
{
	if (is_denied(m, d->function) || function_is_bridge(d->function))
		return EINVAL;
	if (d->n_vfs > 0)
		return EBUSY;
	if (!d->group && !noiommu_is_on(m))
		return EINVAL;
	if (!d->group) {
		group_join(m, d, SPEC_OWN_GROUP, true);
		m->tainted = true;
	}
	enter_group(m, d->group);
	struct vfio *v = memory_new(sizeof(*v));
	v->device = d;
	v->number = (int)numbers_take(&m->vfio_numbers);
	object_add(m, &v->object, OBJECT_VFIO);
	m->vfios = memory_room(m->vfios, m->n_vfios, sizeof(struct vfio *));
	m->vfios[m->n_vfios++] = v;
	d->vfio = v;
	event_vfio(m, "add", v);
	return 0;
}

void vfio_remove_device(struct model *m, struct device *d)
{
	struct vfio *v = d->vfio;

	if (!v)
		return;
	event_vfio(m, "remove", v);
	object_drop(m, &v->object);
	array_drop(m->vfios, &m->n_vfios, v);
	numbers_drop(&m->vfio_numbers, (unsigned)v->number);
	d->vfio = NULL;
	free(v);
}

void vfio_leave_group(struct model *m, struct device *d)
{
	struct group *g = d->group;

	if (!g || g->n_vfio == 0)
		return;
	if (--g->n_vfio == 0) {
		numbers_drop(&m->minors, g->minor);
		event_group(m, "remove", g);
	}
	if (g->noiommu)
		group_leave(m, d);
}
