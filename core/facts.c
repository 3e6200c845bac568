/* SPDX-License-Identifier: MIT */
/* What a plan needs to know of the host. */
#include "core/facts.h"
#include "core/holders.h"
#include "core/host_internal.h"
#include "core/util.h"

#include <stdio.h>
#include <string.h>

/* What serves all devices of a request, read when the first one needs it. */
struct gathering {
	struct host *host;
	int64_t deadline;
	struct usage *usage;		/* of the host's disks and networks; NULL: not read yet */
	struct holders files, mappings; /* of all VFIO users */
	bool has_files, has_mappings;
};

static void gathering_close(struct gathering *g)
{
	usage_free(g->usage);
	holders_clear(&g->files);
	holders_clear(&g->mappings);
}

static int ask(struct gathering *g, enum hand_op op, struct pci_address address,
	struct hand_reply *reply, struct holders *holders, struct core_error *err)
{
	struct hand_request request = {.op = op, .address = address};
	int rc = hand_call_holders(g->host->hand, &request, g->deadline, reply, holders);

	if (rc == 0)
		rc = -reply->error;
	return rc < 0 ? transaction_no_answer(err, rc, "finding out who uses the devices") : 0;
}

static int ask_files(struct gathering *g, struct core_error *err)
{
	struct hand_reply reply;

	if (g->has_files)
		return 0;
	g->has_files = ask(g, HAND_HOLDERS, (struct pci_address){0}, &reply, &g->files, err) == 0;
	return g->has_files ? 0 : -1;
}

static int ask_mappings(struct gathering *g, struct core_error *err)
{
	struct hand_reply reply;

	if (g->has_mappings)
		return 0;
	g->has_mappings =
		ask(g, HAND_MAPPINGS, (struct pci_address){0}, &reply, &g->mappings, err) == 0;
	return g->has_mappings ? 0 : -1;
}

/* `enable` counts users of the device. A native driver may have left it above 0, which the record
 * of a device of ours tells; and it can be raised by a plain write, so it is suspicion enough to
 * refuse but names nobody. */
static bool is_enabled(struct host *host, const struct device *d)
{
	struct device_origin origin;

	return device_use_count(host->devices, d) >
	       (host_origin(host, d, &origin) ? origin.idle_use_count : 0);
}

/* Whose holders are looked for. */
struct subject {
	const struct device *device;
	int32_t vfio_id;	     /* of its own node; -1 for none */
	bool is_enabled;	     /* by more than its native driver left */
	const struct holders *files; /* of all VFIO users */
};

static void subject_of(struct gathering *g, const struct device *d, struct subject *ret)
{
	char name[32];

	device_vfio_name(g->host->devices, d, name, sizeof(name));
	*ret = (struct subject){
		.device = d,
		.vfio_id = name[0] ? (int32_t)strtol(name + 4, NULL, 10) : -1,
		.is_enabled = is_enabled(g->host, d),
		.files = &g->files,
	};
}

/* Whether the process has VFIO's nodes open, and all of them are of other devices: then so are its
 * files and mappings that do not tell whose they are. */
static bool is_elsewhere(const struct subject *s, int32_t pid)
{
	bool elsewhere = false;

	for (size_t i = 0; i < s->files->count; i++) {
		const struct hand_holder *h = &s->files->items[i];

		if (h->pid != pid || (h->hold != HOLD_GROUP && h->hold != HOLD_DEVICE))
			continue;
		if (h->id == (h->hold == HOLD_GROUP ? s->device->group : s->vfio_id))
			return false;
		elsewhere = true;
	}
	return elsewhere;
}

/* Whether the holder's file is this device's, or cannot be told from it. */
static bool holds(const struct hand_holder *h, const struct subject *s)
{
	switch ((enum hand_hold)h->hold) {
	case HOLD_GROUP:
		return h->id == s->device->group;
	case HOLD_DEVICE:
		return h->id == s->vfio_id;
	case HOLD_FILE:
		if (h->has_address)
			return pci_address_equal(h->address, s->device->address);
		break;
	case HOLD_MAPPING:
	case HOLD_NODE:
		break;
	}
	return s->is_enabled && !is_elsewhere(s, h->pid);
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

/* Adds the device's holders among them to its problem, which names the first and is made by that
 * one. */
static void add_vfio_users(struct core_problems *problems, struct core_problem **problem,
	const struct subject *s, const struct holders *holders)
{
	for (size_t i = 0; i < holders->count; i++) {
		const struct hand_holder *h = &holders->items[i];

		if (!holds(h, s))
			continue;
		if (!*problem)
			*problem = core_problem_add_device(problems, s->device->address,
				REASON_VFIO_IN_USE,
				"stop the virtual machine or program that uses it",
				"device %s is in use by %.15s (pid %d)", s->device->text,
				h->command, h->pid);
		if (*problem)
			add_holder(*problem, h);
	}
}

static int find_vfio_users(struct gathering *g, struct device_facts *f, struct core_error *err)
{
	struct core_problem *problem = NULL;
	struct subject s;

	subject_of(g, f->device, &s);
	if (ask_files(g, err))
		return -1;
	add_vfio_users(&f->uses, &problem, &s, &g->files);
	/* Mappings keep a device enabled; the memory maps of all processes are read only then. */
	if (!problem && s.is_enabled) {
		if (ask_mappings(g, err))
			return -1;
		add_vfio_users(&f->uses, &problem, &s, &g->mappings);
	}
	if (!problem && (s.is_enabled || g->files.is_truncated))
		core_problem_add_device(&f->uses, f->device->address, REASON_VFIO_IN_USE,
			"find out which program uses it; it may run as another user",
			"device %s is in use by a program that could not be found",
			f->device->text);
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

static void add_node_users(struct device_facts *f, const struct holders *holders)
{
	if (holders->count == 0)
		return;
	const struct hand_holder *first = &holders->items[0];
	struct core_problem *problem = core_problem_add_device(&f->uses, f->device->address,
		REASON_NODE_IN_USE, "stop the programs that have it open, or force NODE_IN_USE",
		"device %s is in use by %.15s (pid %d)", f->device->text, first->command,
		first->pid);
	for (size_t i = 0; problem && i < holders->count; i++)
		add_holder(problem, &holders->items[i]);
}

static bool has_use(const struct device_facts *f, enum core_reason reason)
{
	for (size_t i = 0; i < f->uses.count; i++) {
		if (f->uses.items[i].reason == reason)
			return true;
	}
	return false;
}

static int find_node_users(struct gathering *g, struct device_facts *f, struct core_error *err)
{
	CLEANUP(holders_clear) struct holders holders = {0};
	struct hand_reply reply;

	if (!f->device->driver[0] ||
		(!may_have_nodes(f->device) && !usage_has_disk(g->usage, f->device->address)) ||
		!nodes_any(g->host->sysfs.root_fd, f->device->address))
		return 0;
	if (ask(g, HAND_NODE_HOLDERS, f->device->address, &reply, &holders, err))
		return -1;
	add_node_users(f, &holders);
	if (holders.count == 0 && holders.is_truncated)
		core_problem_add_device(&f->uses, f->device->address, REASON_NODE_IN_USE,
			"see that the privileged process may look into all others, or force "
			"NODE_IN_USE",
			"whether a program uses device %s could not be found out", f->device->text);
	f->is_console = reply.console;
	/* The disk's own users have usually been found by their names. */
	if (reply.claimed && !has_use(f, REASON_DISK_IN_USE))
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

/* Whether an unbind of another tool waits for the device's user. A use count alone may be left by
 * its last driver; where an unbind waits, somebody holds the device. */
static int find_leaving(struct gathering *g, struct device_facts *f, struct core_error *err)
{
	struct core_problems users = {0};
	struct core_problem *user = NULL;
	struct subject s;

	switch (device_leaving(g->host, f->device)) {
	case LEAVING_NOT:
		return 0;
	case LEAVING_BY_COUNT:
		break;
	case LEAVING:
		f->is_pending = true;
		return 0;
	}
	subject_of(g, f->device, &s);
	if (ask_files(g, err) || ask_mappings(g, err))
		return -1;
	add_vfio_users(&users, &user, &s, &g->files);
	add_vfio_users(&users, &user, &s, &g->mappings);
	f->is_pending |= core_problems_any(&users) || g->files.is_truncated;
	core_problems_clear(&users);
	return 0;
}

static int gather_device(
	struct gathering *g, const struct device *d, struct device_facts *f, struct core_error *err)
{
	*f = (struct device_facts){
		.device = d,
		.is_vfio = device_is_vfio(g->host->devices, d),
		.is_pending = hand_is_pending(g->host->lock_fd, d->address) ||
			      pending_has(g->host->pending, d->address),
	};
	f->has_origin = host_origin(g->host, d, &f->origin);
	if (find_leaving(g, f, err))
		return -1;
	if (d->is_bridge)
		return 0; /* what is behind one is of no matter: it is refused anyhow */
	f->num_vfs = device_num_vfs(g->host->devices, d);
	if (f->is_vfio)
		return find_vfio_users(g, f, err);
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

/* Adds those that hold the subject; of a device's nodes (no subject) all of them. */
static void add_holders(
	struct core_problem *problem, const struct subject *s, const struct holders *holders)
{
	for (size_t i = 0; i < holders->count; i++) {
		if (!s || holds(&holders->items[i], s))
			add_holder(problem, &holders->items[i]);
	}
}

void facts_add_holders(struct host *host, const struct device *device, int64_t deadline,
	struct core_problem *problem)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	CLEANUP(gathering_close) struct gathering g = {.host = host, .deadline = deadline};
	CLEANUP(holders_clear) struct holders nodes = {0};
	struct hand_reply reply;
	struct subject s;

	subject_of(&g, device, &s);
	if (ask_files(&g, &ignored) == 0)
		add_holders(problem, &s, &g.files);
	if (problem->n_holders == 0 && s.is_enabled && ask_mappings(&g, &ignored) == 0)
		add_holders(problem, &s, &g.mappings);
	if (nodes_any(host->sysfs.root_fd, device->address) &&
		ask(&g, HAND_NODE_HOLDERS, device->address, &reply, &nodes, &ignored) == 0)
		add_holders(problem, NULL, &nodes);
}

void facts_clear(struct facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		core_problems_clear(&facts->devices[i].uses);
	free(facts->devices);
	*facts = (struct facts){0};
}
