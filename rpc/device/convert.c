/* SPDX-License-Identifier: MIT */
/* Converts what core knows to messages of vfio.v1, and its errors to statuses. */
#include "rpc/device/convert.h"

#include "core/base/util.h"

#include <stdio.h>
#include <string.h>

/* A list of n messages of a type and the pointers that a repeated field wants. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type and an initializer take none */
#define NEW_LIST(arena, n, type, init, pointers)                                                   \
	__extension__({                                                                            \
		type *items_ = arena_array(arena, n, sizeof(type));                                \
		(pointers) = arena_array(arena, n, sizeof(type *));                                \
		for (size_t i_ = 0; items_ && (pointers) && i_ < (n); i_++) {                      \
			items_[i_] = (type)init;                                                   \
			(pointers)[i_] = &items_[i_];                                              \
		}                                                                                  \
		items_ && (pointers);                                                              \
	})
/* NOLINTEND(bugprone-macro-parentheses) */

static void fill_regions(const struct device *d, struct device_message *m)
{
	/* protobuf-c takes strings that are not const, and leaves them alone. */
	static char memory[] = "memory", prefetchable[] = "prefetchable", io[] = "io";
	static char *const types[] = {
		[REGION_MEMORY] = memory,
		[REGION_PREFETCHABLE] = prefetchable,
		[REGION_IO] = io,
	};

	for (size_t i = 0; i < d->n_regions; i++) {
		vfio__v1__region__init(&m->regions[i]);
		m->regions[i].index = d->regions[i].index;
		m->regions[i].size = d->regions[i].size;
		m->regions[i].type = types[d->regions[i].type];
		m->region_list[i] = &m->regions[i];
	}
	m->message.n_regions = d->n_regions;
	m->message.regions = m->region_list;
}

static void fill_reset_methods(const struct device *d, struct device_message *m)
{
	char *save = NULL;
	size_t n = 0;

	memcpy(m->reset_text, d->reset_methods, sizeof(m->reset_text));
	for (char *s = strtok_r(m->reset_text, " ", &save); s && n < ARRAY_SIZE(m->reset_list);
		s = strtok_r(NULL, " ", &save))
		m->reset_list[n++] = s;
	m->message.n_reset_methods = n;
	m->message.reset_methods = m->reset_list;
}

static void fill_sriov(struct host *host, const struct device *d, struct device_message *m)
{
	vfio__v1__sriov__init(&m->sriov);
	m->sriov.total_vfs = d->total_vfs;
	m->sriov.num_vfs = device_num_vfs(host_devices(host), d);
	m->physfn[0] = '\0';
	if (d->is_virtual)
		pci_address_format(d->physfn, m->physfn);
	m->sriov.physical_function = m->physfn;
	m->message.sriov = &m->sriov;
}

static void fill_ids(const struct device *d, struct device_message *m)
{
	snprintf(m->vendor, sizeof(m->vendor), "%04x", d->vendor);
	snprintf(m->device, sizeof(m->device), "%04x", d->device);
	snprintf(m->subsystem_vendor, sizeof(m->subsystem_vendor), "%04x", d->subsystem_vendor);
	snprintf(m->subsystem_device, sizeof(m->subsystem_device), "%04x", d->subsystem_device);
	snprintf(m->class, sizeof(m->class), "%06x", d->class & 0xffffffu);
	snprintf(m->revision, sizeof(m->revision), "%02x", d->revision);
	m->group[0] = '\0';
	if (d->group >= 0)
		snprintf(m->group, sizeof(m->group), "%d", d->group);
	snprintf(m->numa, sizeof(m->numa), "%d", d->numa_node);
	m->message.vendor = m->vendor;
	m->message.device = m->device;
	m->message.subsystem_vendor = m->subsystem_vendor;
	m->message.subsystem_device = m->subsystem_device;
	m->message.class_ = m->class;
	m->message.revision = m->revision;
	m->message.iommu_group = m->group;
	m->message.numa_node = m->numa;
}

Vfio__V1__Device__State device_convert_state(enum device_state state)
{
	static const Vfio__V1__Device__State states[] = {
		[STATE_HOST] = VFIO__V1__DEVICE__STATE__HOST,
		[STATE_DRIVERLESS] = VFIO__V1__DEVICE__STATE__DRIVERLESS,
		[STATE_VFIO] = VFIO__V1__DEVICE__STATE__VFIO,
		[STATE_VFIO_FOREIGN] = VFIO__V1__DEVICE__STATE__VFIO_FOREIGN,
		[STATE_UNBIND_PENDING] = VFIO__V1__DEVICE__STATE__UNBIND_PENDING,
		[STATE_GONE] = VFIO__V1__DEVICE__STATE__GONE,
	};

	return states[state];
}

void device_message_fill(struct host *host, const struct device *d, struct device_message *m)
{
	vfio__v1__device__init(&m->message);
	m->message.address = (char *)d->text;
	m->message.driver = (char *)d->driver;
	m->message.class_name = (char *)d->class_name;
	m->message.vendor_name = (char *)d->vendor_name;
	m->message.device_name = (char *)d->device_name;
	m->message.subsystem_name = (char *)d->subsystem_name;
	m->message.local_cpus = (char *)d->local_cpus;
	m->message.is_bridge = d->is_bridge;
	m->message.boot_vga = d->boot_vga;
	fill_ids(d, m);
	fill_reset_methods(d, m);
	fill_regions(d, m);
	fill_sriov(host, d, m);
	device_vfio_name(host_devices(host), d, m->vfio, sizeof(m->vfio));
	m->message.vfio_device = m->vfio;
	m->message.state = device_convert_state(device_state(host, d));
	if (host_origin(host, d, &m->origin)) {
		m->message.managed = true;
		m->message.original_driver = m->origin.driver;
	}
}

static void convert_members(
	struct arena *arena, const struct iommu_group *g, Vfio__V1__IommuGroup *m)
{
	m->devices = arena_array(arena, g->count, sizeof(*m->devices));
	m->bridges = arena_array(arena, g->count, sizeof(*m->bridges));
	m->other_members = arena_array(arena, g->n_strangers, sizeof(*m->other_members));
	for (size_t i = 0; i < g->count && !arena->failed; i++) {
		const struct device *d = g->members[i].device;

		m->devices[m->n_devices++] = (char *)d->text;
		if (d->is_bridge)
			m->bridges[m->n_bridges++] = (char *)d->text;
	}
	for (size_t i = 0; i < g->n_strangers && !arena->failed; i++)
		m->other_members[m->n_other_members++] = g->strangers[i].name;
}

static void convert_group(struct arena *arena, const struct iommu_group *g, Vfio__V1__IommuGroup *m)
{
	m->id = arena_printf(arena, "%d", g->id);
	m->type = (char *)g->type;
	m->viable = g->viable;
	m->direct_region = (char *)g->direct_region;
	convert_members(arena, g, m);
}

static void convert_blocker(
	struct arena *arena, const struct group_blocker *b, Vfio__V1__Blocker *m)
{
	vfio__v1__blocker__init(m);
	m->address = arena_printf(arena, "%s", b->name);
	m->driver = arena_printf(arena, "%s", b->driver);
	m->reason = arena_printf(arena, "%s", b->reason);
}

/* Gives each group those of its blockers, which come in the order of the groups. */
static void convert_blockers(struct arena *arena, const struct group_blocker *blockers, size_t n,
	const struct iommu_group *g, size_t *next, Vfio__V1__IommuGroup *m)
{
	size_t first = *next;

	while (*next < n && blockers[*next].group == g->id)
		(*next)++;
	Vfio__V1__Blocker *items = arena_array(arena, *next - first, sizeof(*items));
	m->blockers = arena_array(arena, *next - first, sizeof(*m->blockers));
	for (size_t i = first; i < *next && !arena->failed; i++) {
		Vfio__V1__Blocker *item = &items[i - first];

		convert_blocker(arena, &blockers[i], item);
		m->blockers[m->n_blockers++] = item;
	}
}

Vfio__V1__IommuGroup **device_convert_groups(
	struct host *host, struct arena *arena, struct iommu_group *const *groups, size_t n)
{
	Vfio__V1__IommuGroup **list;
	size_t n_blockers = 0, next = 0;

	if (!NEW_LIST(arena, n, Vfio__V1__IommuGroup, VFIO__V1__IOMMU_GROUP__INIT, list))
		return NULL;
	CLEANUP(free_cleanup) struct group_blocker *blockers = NULL;
	if (host_blockers(host, groups, n, &blockers, &n_blockers) < 0) {
		arena->failed = true;
		return NULL;
	}
	for (size_t i = 0; i < n && !arena->failed; i++) {
		convert_group(arena, groups[i], list[i]);
		convert_blockers(arena, blockers, n_blockers, groups[i], &next, list[i]);
	}
	return list;
}

static void convert_holders(
	struct arena *arena, const struct core_problem *p, Vfio__V1__DeviceProblem *m)
{
	Vfio__V1__Holder **list;

	if (!NEW_LIST(arena, p->n_holders, Vfio__V1__Holder, VFIO__V1__HOLDER__INIT, list))
		return;
	for (size_t i = 0; i < p->n_holders; i++) {
		list[i]->pid = p->holders[i].pid;
		list[i]->command = p->holders[i].command;
		list[i]->what = p->holders[i].what;
	}
	m->holders = list;
	m->n_holders = p->n_holders;
}

Vfio__V1__DeviceProblem **device_convert_problems(
	struct arena *arena, const struct core_problems *problems)
{
	Vfio__V1__DeviceProblem **list;

	if (!NEW_LIST(arena, problems->count, Vfio__V1__DeviceProblem,
		    VFIO__V1__DEVICE_PROBLEM__INIT, list))
		return NULL;
	for (size_t i = 0; i < problems->count; i++) {
		const struct core_problem *p = &problems->items[i];

		list[i]->pci_address = (char *)p->subject;
		list[i]->reason = (char *)core_reason_name(p->reason);
		list[i]->message = (char *)p->message;
		list[i]->action = (char *)p->action;
		list[i]->resource = (char *)p->resource;
		convert_holders(arena, p, list[i]);
	}
	return list;
}

Vfio__V1__PlanStep **device_convert_plan(struct arena *arena, const struct plan *plan)
{
	Vfio__V1__PlanStep **list;

	if (!NEW_LIST(arena, plan->count, Vfio__V1__PlanStep, VFIO__V1__PLAN_STEP__INIT, list))
		return NULL;
	for (size_t i = 0; i < plan->count; i++) {
		char text[PCI_ADDRESS_SIZE];

		pci_address_format(plan->steps[i].address, text);
		list[i]->address = arena_printf(arena, "%s", text);
		list[i]->action = (char *)plan_step_name(&plan->steps[i]);
		list[i]->driver = plan->steps[i].name;
	}
	return list;
}

Vfio__V1__DeviceChange **device_convert_changes(
	struct arena *arena, const struct change_result *result)
{
	Vfio__V1__DeviceChange **list;

	if (!NEW_LIST(arena, result->n_devices, Vfio__V1__DeviceChange,
		    VFIO__V1__DEVICE_CHANGE__INIT, list))
		return NULL;
	for (size_t i = 0; i < result->n_devices; i++) {
		list[i]->address = result->devices[i].device->text;
		list[i]->original_driver = result->devices[i].original_driver;
		list[i]->driver = result->devices[i].driver;
	}
	return list;
}

Vfio__V1__HostCheck **device_convert_checks(struct arena *arena, const struct doctor_report *report)
{
	static const Vfio__V1__HostCheck__Verdict verdicts[] = {
		[DOCTOR_UNKNOWN] = VFIO__V1__HOST_CHECK__VERDICT__UNKNOWN,
		[DOCTOR_PASS] = VFIO__V1__HOST_CHECK__VERDICT__PASS,
		[DOCTOR_WARN] = VFIO__V1__HOST_CHECK__VERDICT__WARN,
		[DOCTOR_FAIL] = VFIO__V1__HOST_CHECK__VERDICT__FAIL,
	};
	Vfio__V1__HostCheck **list;

	if (!NEW_LIST(
		    arena, report->n_checks, Vfio__V1__HostCheck, VFIO__V1__HOST_CHECK__INIT, list))
		return NULL;
	for (size_t i = 0; i < report->n_checks; i++) {
		const struct doctor_check *c = &report->checks[i];

		list[i]->name = (char *)c->name;
		list[i]->verdict = verdicts[c->verdict];
		list[i]->message = (char *)c->message;
		list[i]->action = (char *)c->action;
	}
	return list;
}

static enum rpc_code code_of(enum core_code code)
{
	switch (code) {
	case CORE_INVALID:
		return RPC_INVALID_ARGUMENT;
	case CORE_NOT_FOUND:
		return RPC_NOT_FOUND;
	case CORE_PRECONDITION:
		return RPC_FAILED_PRECONDITION;
	case CORE_PERMISSION:
		return RPC_PERMISSION_DENIED;
	case CORE_ABORTED:
		return RPC_ABORTED;
	case CORE_DEADLINE:
		return RPC_DEADLINE_EXCEEDED;
	case CORE_UNAVAILABLE:
		return RPC_UNAVAILABLE;
	case CORE_OK:
	case CORE_INTERNAL:
		break;
	}
	return RPC_INTERNAL;
}

void device_convert_error(struct rpc_call *call, const struct core_error *err)
{
	CLEANUP(arena_clear) struct arena arena = {0};
	Vfio__V1__DeviceProblem **problems = device_convert_problems(&arena, &err->problems);

	rpc_call_fail(call, code_of(err->code), "%s", err->message);
	for (size_t i = 0; call->status && problems && i < err->problems.count; i++) {
		if (rpc_status_add_detail(call->status, &problems[i]->base))
			return; /* the sentence alone says what matters */
	}
}
