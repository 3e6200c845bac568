/* SPDX-License-Identifier: MIT */
/* Virtual functions. */
#include "tools/simhost/model/sriov.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/attribute.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/event.h"
#include "tools/simhost/model/fault.h"
#include "tools/simhost/model/module.h"

#include <errno.h>

/* Each has its own group, unless the physical one cannot isolate them. */
static int group_of_functions(const struct function *pf)
{
	if (pf->sriov.shared_group && pf->now && pf->now->group)
		return pf->now->group->number;
	return pf->group == SPEC_NO_GROUP ? SPEC_NO_GROUP : SPEC_OWN_GROUP;
}

/* The function that number n would be: the physical one's address plus offset and stride. */
static struct function *virtual_function(const struct function *pf, unsigned n)
{
	struct function *f = memory_new(sizeof(*f));
	struct pci_address a = pf->address;
	unsigned id =
		(a.bus << 8 | a.slot << 3 | a.function) + pf->sriov.offset + n * pf->sriov.stride;

	*f = (struct function){
		.address = {a.domain, (uint8_t)(id >> 8), id >> 3 & 0x1f, id & 7},
		.parent = pf->parent,
		.vendor = pf->vendor,
		.device = pf->sriov.device,
		.subsystem_vendor = pf->subsystem_vendor,
		.subsystem_device = pf->subsystem_device,
		.class = pf->class,
		.revision = pf->revision,
		.numa = pf->numa,
		.group = group_of_functions(pf),
		.link_width = pf->link_width,
		.link_speed = memory_copy(pf->link_speed),
		.reset = memory_copy("flr"),
		.is_virtual = true,
	};
	return f;
}

void sriov_enable(struct model *m, struct device *pf, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct function *f = virtual_function(pf->function, i);
		if (model_device(m, f->address)) {
			function_free(f); /* a host file's mistake: another one is there */
			continue;
		}
		struct device *vf = device_add(m, f, pf);
		vf->vf_number = i;
		pf->vfs = memory_room(pf->vfs, pf->n_vfs, sizeof(struct device *));
		pf->vfs[pf->n_vfs++] = vf;
		/* vfio-pci keeps the virtual functions of its physical ones for itself. */
		if (pf->driver && pf->driver->vfio)
			vf->override = memory_copy(pf->driver->name);
		event_device(m, "change", vf);
		device_autoprobe(m, vf);
	}
	event_device(m, "change", pf);
}

void sriov_disable(struct model *m, struct device *pf)
{
	while (pf->n_vfs > 0) {
		int error = device_remove(m, pf->vfs[pf->n_vfs - 1]);
		if (error && error != -ENODEV)
			return;
	}
}

static bool has_callback(const struct model *m, const struct driver *drv)
{
	const char *enabled;

	if (!drv->vfio)
		return drv->sriov;
	enabled = model_parameter(m, "vfio_pci", "enable_sriov");
	return enabled && enabled[0] == 'Y';
}

/* In the kernel's order of questions, under the device's lock. */
static int set_numvfs(struct model *m, struct device *pf, unsigned n)
{
	if (n == pf->n_vfs)
		return 0;
	if (!pf->driver || !has_callback(m, pf->driver))
		return -ENOENT;
	if (n == 0) {
		sriov_disable(m, pf);
		return 0;
	}
	if (pf->n_vfs > 0)
		return -EBUSY;
	if (m->n_devices + n > SPEC_MAX_FUNCTIONS)
		return -ENOMEM;
	sriov_enable(m, pf, n);
	return 0;
}

int write_numvfs(struct model *m, uint32_t device, const struct write *w)
{
	unsigned long n;

	if (!write_number(w, 65535, &n))
		return -EINVAL;
	model_lock(m);
	struct device *pf = model_object(m, device, OBJECT_DEVICE);
	int error = pf ? fault_strike(m, "sriov_numvfs", pf) : -ENODEV;
	if (!error && n > pf->function->sriov.total)
		error = -ERANGE;
	if (!error)
		error = device_lock(m, pf);
	if (!error) {
		error = fault_block(m, "sriov_numvfs", pf);
		if (!error)
			error = set_numvfs(m, pf, (unsigned)n);
		device_unlock(m, pf);
	}
	model_unlock(m);
	return error;
}

int write_vf_autoprobe(struct model *m, uint32_t device, const struct write *w)
{
	bool on;

	if (!write_bool(w, &on))
		return -EINVAL;
	model_lock(m);
	struct device *pf = model_object(m, device, OBJECT_DEVICE);
	if (pf)
		pf->autoprobe = on;
	model_unlock(m);
	return pf ? 0 : -ENODEV;
}
