/* SPDX-License-Identifier: MIT */
/* Whether a request may have a device. */
#include "core/plan/judge.h"

#include "core/base/util.h"
#include "core/pci/problems.h"

#include <stdio.h>
#include <string.h>

/* Guards: dangers that somebody who knows better may pass. */
static const enum core_reason forceable[] = {
	REASON_RESERVED_REGION,
	REASON_BOOT_DISPLAY,
	REASON_NIC_IN_USE,
	REASON_NODE_IN_USE,
	REASON_PF_HAS_VFS,
	REASON_VFIO_IN_USE,
	REASON_KERNEL_DENYLIST,
	REASON_NO_INTERRUPT_REMAPPING,
};

bool plan_can_force(enum core_reason reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(forceable); i++) {
		if (forceable[i] == reason)
			return true;
	}
	return false;
}

/* Until it was forbidden, DISK_IN_USE could be forced: a request that names it is still one. */
bool plan_may_name(enum core_reason reason)
{
	return reason == REASON_DISK_IN_USE || plan_can_force(reason);
}

uint32_t plan_forceable_bits(void)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(forceable); i++)
		bits |= 1u << forceable[i];
	return bits;
}

const char *plan_forceable(void)
{
	return "BOOT_DISPLAY, NIC_IN_USE, NODE_IN_USE, PF_HAS_VFS, VFIO_IN_USE, KERNEL_DENYLIST, NO_INTERRUPT_REMAPPING and RESERVED_REGION";
}

/* What the request forces and the server lets be forced. */
static uint32_t force_of(const struct plan_request *request, const struct facts *facts)
{
	return request->force & plan_forceable_bits() & ~facts->deny_force;
}

static bool is_forced(
	const struct plan_request *request, const struct facts *facts, enum core_reason reason)
{
	return force_of(request, facts) & 1u << reason;
}

bool plan_is_lost(const struct device_facts *f)
{
	return f->has_origin && !f->use.device->driver[0];
}

bool plan_needs(const struct plan_request *request, const struct device_facts *f)
{
	switch (request->goal) {
	case PLAN_TO_VFIO:
		return !f->use.is_vfio;
	case PLAN_TO_ORIGIN:
		return f->use.is_vfio || plan_is_lost(f);
	case PLAN_TO_USER:
		break;
	}
	return false;
}

static void judge_allowlists(const struct plan_request *request, const struct facts *facts,
	const struct device *d, struct core_problems *refusals)
{
	if (!allowlist_allows(facts->allow, d->vendor, d->device) ||
		(request->allow && !allowlist_allows(request->allow, d->vendor, d->device)))
		core_problem_add_device(refusals, d->address, REASON_NOT_ALLOWLISTED,
			"add its vendor:device to the allowlist",
			"device %s (%04x:%04x) not in allowlist", d->text, d->vendor, d->device);
}

static void judge_group(
	const struct facts *facts, const struct device *d, struct core_problems *refusals)
{
	if (d->group < 0)
		problem_no_group(refusals, d, facts->iommu);
}

static void judge_bridge(const struct device *d, struct core_problems *refusals)
{
	const char *part = device_host_part(d);

	if (d->is_bridge && part)
		core_problem_add_device(refusals, d->address, REASON_IS_BRIDGE,
			"leave it to the host: nothing can be named instead",
			"device %s is the %s (class %06x), which the host itself needs: it can never be passed through",
			d->text, part, d->class);
	else if (d->is_bridge)
		core_problem_add_device(refusals, d->address, REASON_IS_BRIDGE,
			"name the devices behind it instead",
			"device %s is a bridge (class %06x) and can never be passed through",
			d->text, d->class);
}

static void judge_pending(const struct device_facts *f, struct core_problems *refusals)
{
	if (f->is_pending)
		core_problem_add_device(refusals, f->use.device->address, REASON_UNBIND_PENDING,
			"end the process that has the device open; the write then completes by itself",
			"an earlier write to device %s has not returned yet", f->use.device->text);
}

/* Intel devices that can hurt the host when a guest drives them: drivers/vfio/pci/vfio_pci.c,
 * vfio_pci_dev_in_denylist. */
static bool on_denylist(const struct device *d)
{
	static const uint16_t ids[] = {
		0x0435, 0x0443, 0x0b25, 0x0cfe, 0x19e2, 0x19e3, 0x37c8, 0x37c9};

	for (size_t i = 0; d->vendor == 0x8086 && i < ARRAY_SIZE(ids); i++) {
		if (d->device == ids[i])
			return true;
	}
	return false;
}

/* The kernel lets no VFIO user have the group. It is still bound when that is forced: kernels
 * before 6.6 put up with the regions of AMD's IOMMUs. */
static void judge_region(const struct plan_request *request, const struct facts *facts,
	const struct device *d, struct core_problems *refusals)
{
	if (request->goal == PLAN_TO_ORIGIN || !d->direct_region[0] ||
		is_forced(request, facts, REASON_RESERVED_REGION))
		return;
	struct core_problem *p = core_problem_add_device(refusals, d->address,
		REASON_RESERVED_REGION,
		"leave it to the host, unless the firmware has a setting that ends the reservation (often shared memory or remote management)",
		"device %s can never be used through VFIO on this host: the firmware keeps the region %s mapped for its IOMMU group %d (type direct)",
		d->text, d->direct_region, d->group);
	core_problem_set_resource(p, "reserved region %s", d->direct_region);
}

/* Whether the request names a virtual function of the device. */
static bool has_asked_vf(const struct facts *facts, const struct device *pf)
{
	for (size_t i = 0; i < facts->count; i++) {
		const struct device_facts *f = &facts->devices[i];

		if (f->is_asked && f->use.device->is_virtual &&
			pci_address_equal(f->use.device->physfn, pf->address))
			return true;
	}
	return false;
}

/* Unbound from either side its virtual functions go, under whoever has them, or it is trapped. */
static void judge_vfs(const struct plan_request *request, const struct facts *facts,
	const struct device_facts *f, struct core_problems *refusals)
{
	const struct device *d = f->use.device;
	struct core_problem *p;

	if (f->use.num_vfs == 0 || is_forced(request, facts, REASON_PF_HAS_VFS))
		return;
	if (!f->is_asked && has_asked_vf(facts, d))
		p = core_problem_add_device(refusals, d->address, REASON_PF_HAS_VFS,
			"put the card where its virtual functions have groups of their own (another slot, or ACS in the firmware)",
			"device %s has the virtual functions that the request names in its own IOMMU group %d: the group can never be used while they are there",
			d->text, d->group);
	else
		p = core_problem_add_device(refusals, d->address, REASON_PF_HAS_VFS,
			"write 0 to its sriov_numvfs first",
			"device %s is a physical function with %u virtual functions enabled",
			d->text, f->use.num_vfs);
	core_problem_set_resource(p, "%u virtual functions", f->use.num_vfs);
}

/* The frame buffer goes when a native driver takes over, and the console with it. */
static void judge_display(const struct plan_request *request, const struct facts *facts,
	const struct device_facts *f, struct core_problems *refusals)
{
	const struct device *d = f->use.device;
	const char *what, *resource;

	if (is_forced(request, facts, REASON_BOOT_DISPLAY))
		return;
	if (d->boot_vga || f->display == DISPLAY_BOOT) {
		what = "is the display this host booted on";
		resource = "boot display";
	} else if (f->use.is_console) {
		what = "is the display this host has its console on";
		resource = "console on fb0";
	} else if (f->display == DISPLAY_FRAME_BUFFER) {
		what = "has the frame buffer that the firmware set up, which this host draws into";
		resource = "firmware frame buffer";
	} else if (f->display == DISPLAY_UNKNOWN) {
		what = "may be the display of this host: /proc/iomem, which would tell, cannot be read";
		resource = "";
	} else {
		return;
	}
	struct core_problem *p = core_problem_add_device(refusals, d->address, REASON_BOOT_DISPLAY,
		"use another display for the console, or force BOOT_DISPLAY", "device %s %s",
		d->text, what);
	core_problem_set_resource(p, "%s", resource);
}

static void judge_binding(const struct plan_request *request, const struct facts *facts,
	const struct device_facts *f, struct core_problems *refusals)
{
	const struct device *d = f->use.device;

	judge_display(request, facts, f, refusals);
	if (facts->has_denylist && on_denylist(d) &&
		!is_forced(request, facts, REASON_KERNEL_DENYLIST))
		core_problem_add_device(refusals, d->address, REASON_KERNEL_DENYLIST,
			"load vfio-pci with disable_denylist=1 if its users are trusted",
			"device %s (%04x:%04x) is on the denylist of the kernel's vfio-pci",
			d->text, d->vendor, d->device);
}

static void judge_host(const struct plan_request *request, const struct facts *facts,
	const struct device *d, struct core_problems *refusals)
{
	if (request->goal != PLAN_TO_ORIGIN && facts->interrupts_unsafe && d->group >= 0 &&
		!is_forced(request, facts, REASON_NO_INTERRUPT_REMAPPING))
		core_problem_add_device(refusals, d->address, REASON_NO_INTERRUPT_REMAPPING,
			"enable interrupt remapping; `vfioctl doctor` tells how",
			"device %s could not be used: this host does not remap interrupts, so the kernel refuses its group's IOMMU",
			d->text);
}

bool plan_is_use(enum core_reason reason)
{
	return reason == REASON_DISK_IN_USE || reason == REASON_NIC_IN_USE ||
	       reason == REASON_NODE_IN_USE || reason == REASON_VFIO_IN_USE ||
	       reason == REASON_BLIND;
}

void plan_judge_uses(uint32_t force, const struct device_facts *f, struct core_problems *refusals)
{
	refusals->is_incomplete |= f->use.problems.is_incomplete;
	for (size_t i = 0; i < f->use.problems.count; i++) {
		if (!(force & 1u << f->use.problems.items[i].reason))
			core_problem_copy(refusals, &f->use.problems.items[i]);
	}
}

/* The privileged helper writes to no driver of such a name. */
static void judge_driver(const struct device_facts *f, struct core_problems *refusals)
{
	const struct device *d = f->use.device;
	const char *origin = f->has_origin ? f->origin.driver : "";
	const char *driver = d->driver[0] && !driver_name_is_safe(d->driver) ? d->driver
			     : origin[0] && !driver_name_is_safe(origin)     ? origin
									     : NULL;

	if (driver)
		core_problem_add_device(refusals, d->address, REASON_DRIVER_UNAVAILABLE,
			"take the device from that driver by hand first",
			"device %s has the driver %s, whose name vfiod does not write to sysfs",
			d->text, driver);
}

/* To give to no driver what is on the host's own would take it away from the host. */
static void judge_leaving(const struct plan_request *request, const struct device_facts *f,
	struct core_problems *refusals)
{
	const struct device *d = f->use.device;

	if (request->goal == PLAN_TO_ORIGIN && request->leave_driverless && !f->use.is_vfio &&
		d->driver[0])
		core_problem_add_device(refusals, d->address, REASON_NOT_BOUND_TO_VFIO,
			"bind it first, or leave it out: it has its driver",
			"device %s is on %s and not on a VFIO driver, so it cannot be left without a driver",
			d->text, d->driver);
}

static void judge_device(const struct plan_request *request, const struct facts *facts,
	const struct device_facts *f, struct core_problems *refusals)
{
	const struct device *d = f->use.device;

	if (request->goal != PLAN_TO_ORIGIN) {
		judge_allowlists(request, facts, d, refusals);
		judge_group(facts, d, refusals);
	}
	/* Not even back: the privileged helper does not touch one. */
	if (request->goal != PLAN_TO_ORIGIN || plan_needs(request, f))
		judge_bridge(d, refusals);
	judge_pending(f, refusals);
	judge_leaving(request, f, refusals);
	if (d->is_bridge)
		return;
	if (plan_needs(request, f))
		judge_driver(f, refusals);
	if (request->goal == PLAN_TO_USER || plan_needs(request, f)) {
		judge_host(request, facts, d, refusals);
		judge_region(request, facts, d, refusals);
	}
	if (request->goal != PLAN_TO_ORIGIN && !f->use.is_vfio)
		judge_binding(request, facts, f, refusals);
	if (request->goal == PLAN_TO_USER ? !f->use.is_vfio : plan_needs(request, f))
		judge_vfs(request, facts, f, refusals);
	/* A device that is bound already may well be in use: it stays as it is. */
	if (request->goal == PLAN_TO_USER || (request->goal == PLAN_TO_VFIO) != f->use.is_vfio)
		plan_judge_uses(force_of(request, facts), f, refusals);
}

/* Whoever forces a guard that the server does not let pass is not to be told to force it. */
static void judge_explain(
	const struct plan_request *request, const struct facts *facts, struct core_problem *p)
{
	static const char OR_FORCE[] = ", or force ";
	char *tail = strstr(p->action, OR_FORCE);

	if (!plan_can_force(p->reason) || !(facts->deny_force & 1u << p->reason))
		return;
	if (tail)
		*tail = '\0';
	size_t n = strlen(p->action);
	if (request->force & 1u << p->reason)
		snprintf(p->action + n, sizeof(p->action) - n,
			"; this server does not let %s be forced (its --allow-force)",
			core_reason_name(p->reason));
}

void plan_judge(const struct plan_request *request, const struct facts *facts,
	const struct device_facts *f, struct core_problems *refusals)
{
	size_t before = refusals->count;

	judge_device(request, facts, f, refusals);
	for (size_t i = before; i < refusals->count; i++)
		judge_explain(request, facts, &refusals->items[i]);
}
