/* SPDX-License-Identifier: MIT */
/* What the privileged helper sees for itself: who uses a device, and whether it may be taken. */
#include "core/base/util.h"
#include "core/helper/helper_internal.h"
#include "core/pci/device_table.h"
#include "core/plan/plan.h"
#include "core/use/users.h"

#include <errno.h>
#include <string.h>

int helper_open_device(
	const struct helper_service *s, struct pci_address address, struct device **ret)
{
	/* Without names, which cost a file of a megabyte and decide nothing. */
	const struct devices devices = {.sysfs = &s->sysfs};
	char name[PCI_ADDRESS_SIZE];
	int error = -device_open(&devices, address, ret);

	if (error != ENOENT && error != ENODEV)
		return error;
	/* One that is there and lacks what every device has is not one that is gone. */
	pci_address_format(address, name);
	return sysfs_exists(s->sysfs.devices_fd, name) ? EIO : ENOENT;
}

bool helper_is_on_vfio(const struct helper_service *s, const struct device *d)
{
	const struct devices devices = {.sysfs = &s->sysfs};

	return device_is_vfio(&devices, d);
}

static int node_holders(const struct helper_service *s, struct pci_address address,
	struct helper_reply *reply, struct holders *holders)
{
	struct nodes nodes;

	nodes_find(s->sysfs.root_fd, address, &nodes);
	if (nodes.is_incomplete)
		return E2BIG;
	reply->claimed = nodes_claimed(s->sysfs.root_fd, &nodes);
	reply->console = nodes_match(&nodes, "/dev/fb0") && nodes_show_console(s->sysfs.root_fd);
	return holders_of_nodes(&s->sysfs, &nodes, holders);
}

int helper_look(const struct helper_service *s, uint32_t op, struct pci_address address,
	struct helper_reply *reply, struct holders *holders)
{
	switch (op) {
	case HELPER_HOLDERS:
		return holders_of_vfio(&s->sysfs, holders);
	case HELPER_MAPPINGS:
		return holders_of_mappings(&s->sysfs, holders);
	case HELPER_NODE_HOLDERS:
		return node_holders(s, address, reply, holders);
	default:
		return EINVAL;
	}
}

static int look_at_use(void *arg, enum use_look what, struct pci_address address,
	struct use_answer *ret, struct core_error *err)
{
	static const enum helper_op ops[] = {
		[USE_LOOK_FILES] = HELPER_HOLDERS,
		[USE_LOOK_MAPPINGS] = HELPER_MAPPINGS,
		[USE_LOOK_NODES] = HELPER_NODE_HOLDERS,
	};
	struct helper_reply reply = {0};

	*ret = (struct use_answer){0};
	int error = helper_look(arg, ops[what], address, &reply, &ret->holders);
	if (error)
		return core_fail(err, CORE_INTERNAL, "finding out who uses the device failed: %s",
			strerror(error));
	ret->claimed = reply.claimed;
	ret->console = reply.console;
	return 0;
}

/* What the native driver left in the use count is in main's records, which are not asked. So the
 * count alone is none here: whoever has the device shows as a process. */
static void drop_mere_count(const struct uses *uses, struct core_problems *problems)
{
	if (uses_is_mere_count(uses, problems))
		core_problems_clear(problems);
}

/* Reads who uses the device. Nothing does when no driver has it. 0, or -1 with err. */
static int look_gather(
	const struct helper_service *s, struct device_facts *f, struct core_error *err)
{
	const struct devices devices = {.sysfs = &s->sysfs};
	CLEANUP(uses_clear)
	struct uses uses = {
		.sysfs = &s->sysfs, .devices = &devices, .look = look_at_use, .arg = (void *)s};

	if (!f->use.device->driver[0]) {
		f->use.num_vfs = device_num_vfs(&devices, f->use.device);
		return 0;
	}
	if (uses_gather(&uses, &f->use, err))
		return -1;
	if (f->use.is_vfio)
		drop_mere_count(&uses, &f->use.problems);
	return 0;
}

/* Main's own judgement, of what the privileged helper has seen. That a device has no IOMMU group is
 * the kernel's to refuse: one of a host without IOMMU has its group only while it is on VFIO. */
static int look_judge(const struct helper_service *s, const struct device_facts *f, uint32_t force,
	struct helper_reply *reply)
{
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};
	const struct facts facts = {.allow = s->config->allow, .deny_force = s->config->deny_force};
	const struct plan_request request = {
		.goal = f->use.is_vfio ? PLAN_TO_ORIGIN : PLAN_TO_VFIO, .force = force};

	plan_judge(&request, &facts, f, &refusals);
	for (size_t i = 0; i < refusals.count; i++) {
		if (refusals.items[i].reason != REASON_NO_IOMMU_GROUP)
			return helper_refuse(
				reply, refusals.items[i].reason, "%s", refusals.items[i].message);
	}
	return refusals.is_incomplete
		       ? helper_refuse(reply, REASON_KERNEL_REFUSED, "memory is short")
		       : 0;
}

int helper_judge_taking(const struct helper_service *s, const struct device *d, uint32_t force,
	struct helper_reply *reply)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct device_facts f = {.use.device = d};

	int error = look_gather(s, &f, &err)
			    ? helper_refuse(reply, REASON_KERNEL_REFUSED, "%s", err.message)
			    : look_judge(s, &f, force, reply);
	core_problems_clear(&f.use.problems);
	return error;
}
