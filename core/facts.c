/* SPDX-License-Identifier: MIT */
/* What a plan needs to know of the host. */
#include "core/facts.h"
#include "core/host_internal.h"
#include "core/util.h"

#include <stdio.h>
#include <string.h>

/* What serves all devices of a request, read when the first one needs it. */
struct gathering {
	struct host *host;
	int64_t deadline;
	struct usage *usage; /* of the host's disks and networks; NULL: not read yet */
	struct hand_reply vfio;
	bool has_vfio;
};

static void gathering_close(struct gathering *g)
{
	usage_free(g->usage);
}

static int ask(struct gathering *g, enum hand_op op, struct pci_address address,
	struct hand_reply *reply, struct core_error *err)
{
	struct hand_request request = {.op = op, .address = address};
	int rc = hand_call(g->host->hand, &request, g->deadline, reply);

	if (rc == 0)
		rc = -reply->error;
	return rc < 0 ? transaction_no_answer(err, rc, "finding out who uses the devices") : 0;
}

/* `enable` counts users of the device. It can be raised by a plain write too, so it is suspicion
 * enough to refuse but names nobody. */
static bool is_enabled(const struct host *host, const struct device *d)
{
	char text[16];

	return device_read(host->devices, d, "enable", text, sizeof(text)) > 0 &&
	       strtol(text, NULL, 10) >= 1;
}

/* Whether the holder's file is this device's, or cannot be told from it. */
static bool holds(
	const struct hand_holder *h, const struct device *d, int32_t vfio_id, bool enabled)
{
	switch ((enum hand_hold)h->hold) {
	case HOLD_GROUP:
		return h->id == d->group;
	case HOLD_DEVICE:
		return h->id == vfio_id;
	case HOLD_FILE:
		return h->has_address ? pci_address_equal(h->address, d->address) : enabled;
	case HOLD_MAPPING:
	case HOLD_NODE:
		return enabled;
	}
	return enabled;
}

static void describe(const struct hand_holder *h, struct core_holder *ret)
{
	*ret = (struct core_holder){.pid = h->pid};
	snprintf(ret->command, sizeof(ret->command), "%.15s", h->command);
	switch ((enum hand_hold)h->hold) {
	case HOLD_GROUP:
		snprintf(ret->what, sizeof(ret->what), "/dev/vfio/%d", h->id);
		break;
	case HOLD_DEVICE:
		snprintf(ret->what, sizeof(ret->what), "/dev/vfio/devices/vfio%d", h->id);
		break;
	case HOLD_FILE:
		snprintf(ret->what, sizeof(ret->what), "VFIO device file");
		break;
	case HOLD_MAPPING:
		snprintf(ret->what, sizeof(ret->what), "mapped VFIO device memory");
		break;
	case HOLD_NODE:
		snprintf(ret->what, sizeof(ret->what), "%.39s", h->node);
		break;
	}
}

static void add_holder(struct core_problem *problem, const struct hand_holder *h)
{
	struct core_holder holder;

	describe(h, &holder);
	core_problem_add_holder(problem, &holder);
}

/* Adds a problem that names the first of the holders, and has them all. */
static void add_use(struct core_problems *problems, const struct device *d, enum core_reason reason,
	const char *action, const struct hand_holder *const *holders, size_t n)
{
	struct core_problem *problem = core_problem_add_device(problems, d->address, reason, action,
		"device %s is in use by %.15s (pid %d)", d->text, holders[0]->command,
		holders[0]->pid);

	for (size_t i = 0; problem && i < n; i++)
		add_holder(problem, holders[i]);
}

/* The holders among the reply's that have this device. */
static size_t select_holders(const struct hand_reply *reply, const struct host *host,
	const struct device *d, bool enabled, const struct hand_holder *ret[HAND_MAX_HOLDERS])
{
	char name[32];
	size_t n = 0;

	device_vfio_name(host->devices, d, name, sizeof(name));
	int32_t vfio_id = name[0] ? (int32_t)strtol(name + 4, NULL, 10) : -1;
	for (uint32_t i = 0; i < reply->n_holders; i++) {
		if (holds(&reply->holders[i], d, vfio_id, enabled))
			ret[n++] = &reply->holders[i];
	}
	return n;
}

static int find_vfio_users(struct gathering *g, struct device_facts *f, struct core_error *err)
{
	const struct hand_holder *holders[HAND_MAX_HOLDERS];
	const struct device *d = f->device;
	bool enabled = is_enabled(g->host, d);

	if (!g->has_vfio && ask(g, HAND_HOLDERS, (struct pci_address){0}, &g->vfio, err))
		return -1;
	g->has_vfio = true;
	size_t n = select_holders(&g->vfio, g->host, d, enabled, holders);
	if (n > 0)
		add_use(&f->uses, d, REASON_VFIO_IN_USE,
			"stop the virtual machine or program that uses it", holders, n);
	else if (enabled || g->vfio.truncated)
		core_problem_add_device(&f->uses, d->address, REASON_VFIO_IN_USE,
			"find out which program uses it; it may run as another user",
			"device %s is in use by a program that could not be found", d->text);
	return 0;
}

/* Whether the class of device has nodes that programs open: disks, InfiniBand, displays, sound,
 * accelerators, USB. */
static bool may_have_nodes(const struct device *d)
{
	uint32_t base = d->class >> 16;

	return base == 0x01 || base == 0x02 || base == 0x03 || base == 0x04 || base == 0x12 ||
	       d->class >> 8 == 0x0c03;
}

static int find_node_users(struct gathering *g, struct device_facts *f, struct core_error *err)
{
	const struct hand_holder *holders[HAND_MAX_HOLDERS];
	struct hand_reply reply;

	if (!f->device->driver[0] || !may_have_nodes(f->device) ||
		!nodes_any(g->host->sysfs.root_fd, f->device->address))
		return 0;
	if (ask(g, HAND_NODE_HOLDERS, f->device->address, &reply, err))
		return -1;
	for (uint32_t i = 0; i < reply.n_holders; i++)
		holders[i] = &reply.holders[i];
	if (reply.n_holders > 0)
		add_use(&f->uses, f->device, REASON_NODE_IN_USE,
			"stop the programs that have it open, or force NODE_IN_USE", holders,
			reply.n_holders);
	/* The disk's own users have usually been found by their names. */
	if (reply.claimed && f->uses.count == 0)
		core_problem_add_device(&f->uses, f->device->address, REASON_DISK_IN_USE,
			"stop what is built upon it first, such as a ZFS pool",
			"device %s carries a disk that the kernel has open for its own use",
			f->device->text);
	return 0;
}

static int find_host_uses(struct gathering *g, struct device_facts *f, struct core_error *err)
{
	if (!g->usage && usage_read(&g->host->sysfs, &g->usage, err))
		return -1;
	usage_check_disk(g->usage, f->device->address, &f->uses);
	usage_check_network(g->usage, f->device->address, &f->uses);
	return find_node_users(g, f, err);
}

static int gather_device(
	struct gathering *g, const struct device *d, struct device_facts *f, struct core_error *err)
{
	*f = (struct device_facts){
		.device = d,
		.is_vfio = device_is_vfio(g->host->devices, d),
		.is_pending = hand_is_pending(g->host->lock_fd, d->address) ||
			      pending_has(g->host->pending, d->address) ||
			      device_state(g->host, d) == STATE_UNBIND_PENDING,
	};
	f->has_origin = host_origin(g->host, d, &f->origin);
	if (d->is_bridge)
		return 0; /* what is behind one is of no matter: it is refused anyhow */
	if (f->is_vfio)
		return find_vfio_users(g, f, err);
	f->num_vfs = device_num_vfs(g->host->devices, d);
	return find_host_uses(g, f, err);
}

static void gather_host(struct host *host, struct facts *facts)
{
	char text[8] = "";

	facts->allow = &host->allow;
	facts->interrupts_unsafe = interrupts_read(&host->sysfs) == INTERRUPTS_UNSAFE;
	sysfs_read(host->sysfs.root_fd, "sys/module/vfio_pci/parameters/disable_denylist", text,
		sizeof(text));
	facts->has_denylist = text[0] != 'Y';
}

int facts_gather(struct host *host, struct device *const *devices, size_t n, int64_t deadline,
	struct facts *ret, struct core_error *err)
{
	CLEANUP(gathering_close) struct gathering g = {.host = host, .deadline = deadline};
	CLEANUP(facts_cleanup)
	struct facts facts = {.devices = calloc(n + 1, sizeof(*facts.devices))};

	if (!facts.devices)
		return core_fail_memory(err);
	gather_host(host, &facts);
	for (; facts.count < n; facts.count++) {
		struct device_facts *f = &facts.devices[facts.count];

		if (gather_device(&g, devices[facts.count], f, err)) {
			core_problems_clear(&f->uses);
			return -1;
		}
	}
	*ret = facts;
	facts = (struct facts){0};
	return 0;
}

void facts_add_holders(struct host *host, const struct device *device, int64_t deadline,
	struct core_problem *problem)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	CLEANUP(gathering_close) struct gathering g = {.host = host, .deadline = deadline};
	const struct hand_holder *holders[HAND_MAX_HOLDERS];
	struct hand_reply reply;

	if (ask(&g, HAND_HOLDERS, device->address, &reply, &ignored) == 0) {
		size_t n = select_holders(&reply, host, device, is_enabled(host, device), holders);
		for (size_t i = 0; i < n; i++)
			add_holder(problem, holders[i]);
	}
	if (nodes_any(host->sysfs.root_fd, device->address) &&
		ask(&g, HAND_NODE_HOLDERS, device->address, &reply, &ignored) == 0) {
		for (uint32_t i = 0; i < reply.n_holders; i++)
			add_holder(problem, &reply.holders[i]);
	}
}

void facts_clear(struct facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		core_problems_clear(&facts->devices[i].uses);
	free(facts->devices);
	*facts = (struct facts){0};
}
