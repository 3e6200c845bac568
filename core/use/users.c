/* SPDX-License-Identifier: MIT */
/* Who and what uses devices. */
#include "core/use/users.h"
#include "core/base/util.h"
#include "core/use/carried.h"
#include "core/use/disk_use.h"
#include "core/use/native_nodes.h"
#include "core/use/net_use.h"
#include "core/use/sight.h"

#include <stdio.h>
#include <string.h>

void uses_clear(struct uses *u)
{
	usage_free(u->usage);
	holders_clear(&u->files);
	holders_clear(&u->mappings);
	holders_clear(&u->nodes);
}

static void answer_clear(struct use_answer *answer)
{
	holders_clear(&answer->holders);
}

/* Looks for VFIO users, at the first call. */
static int uses_ask(struct uses *u, enum use_look look, struct core_error *err)
{
	bool *has = look == USE_LOOK_FILES ? &u->has_files : &u->has_mappings;
	struct holders *holders = look == USE_LOOK_FILES ? &u->files : &u->mappings;
	struct use_answer answer;

	if (*has)
		return 0;
	if (u->look(u->arg, look, NULL, 0, &answer, err))
		return -1;
	*holders = answer.holders;
	*has = true;
	return 0;
}

/* Whose holders are looked for. */
struct subject {
	const struct device *device;
	int32_t vfio_id;	     /* of its own node; -1 for none */
	bool is_enabled;	     /* by more than its native driver left */
	const struct holders *files; /* of all VFIO users */
};

/* `enable` counts users of the device. A native driver may have left it above 0, which the record
 * of a device of ours tells; and it can be raised by a plain write, so it is suspicion enough to
 * refuse but names nobody. */
static bool is_enabled(const struct uses *u, const struct device_use *f)
{
	return device_use_count(u->devices, f->device) > f->idle_use_count;
}

static void subject_of(const struct uses *u, const struct device_use *f, struct subject *ret)
{
	char name[32];

	device_vfio_name(u->devices, f->device, name, sizeof(name));
	*ret = (struct subject){
		.device = f->device,
		.vfio_id = name[0] ? (int32_t)strtol(name + 4, NULL, 10) : -1,
		.is_enabled = is_enabled(u, f),
		.files = &u->files,
	};
}

/* Whether the process has VFIO's nodes open, and all of them are of other devices: then so are its
 * files and mappings that do not tell whose they are. */
static bool is_elsewhere(const struct subject *s, int32_t pid)
{
	bool elsewhere = false;

	for (size_t i = 0; i < s->files->count; i++) {
		const struct holder *h = &s->files->items[i];

		if (h->pid != pid || (h->hold != HOLD_GROUP && h->hold != HOLD_DEVICE))
			continue;
		if (h->id == (h->hold == HOLD_GROUP ? s->device->group : s->vfio_id))
			return false;
		elsewhere = true;
	}
	return elsewhere;
}

/* Whether the holder's file is this device's, or cannot be told from it. */
static bool holder_holds(const struct holder *h, const struct subject *s)
{
	switch ((enum hold)h->hold) {
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

static void add_holder(struct core_problem *problem, const struct holder *h)
{
	struct core_holder holder;

	holder_describe(h, &holder);
	core_problem_add_holder(problem, &holder);
}

/* Adds the device's holders among them to its problem, which names the first and is made by that
 * one. */
static void add_vfio_users(struct core_problems *problems, struct core_problem **problem,
	const struct subject *s, const struct holders *holders)
{
	for (size_t i = 0; i < holders->count; i++) {
		const struct holder *h = &holders->items[i];

		if (!holder_holds(h, s))
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

static int find_vfio_users(struct uses *u, struct device_use *f, struct core_error *err)
{
	struct core_problem *problem = NULL;
	struct subject s;

	subject_of(u, f, &s);
	if (uses_ask(u, USE_LOOK_FILES, err))
		return -1;
	add_vfio_users(&f->problems, &problem, &s, &u->files);
	/* Mappings keep a device enabled; the memory maps of all processes are read only then. */
	if (!problem && s.is_enabled) {
		if (uses_ask(u, USE_LOOK_MAPPINGS, err))
			return -1;
		add_vfio_users(&f->problems, &problem, &s, &u->mappings);
	}
	if (!problem && (s.is_enabled || u->files.is_truncated))
		core_problem_add_device(&f->problems, f->device->address, REASON_VFIO_IN_USE,
			"find out which program uses it; it may run as another user",
			"device %s is in use by a program that could not be found",
			f->device->text);
	return 0;
}

/* Copies to nodes the addresses of those devices that have any, and counts them in *ret_n. 0, or -1
 * with err. */
static int keep_with_nodes(const struct uses *u, const struct pci_address *addresses, size_t n,
	struct pci_address *nodes, size_t *ret_n, struct core_error *err)
{
	CLEANUP(free_cleanup) bool *has = calloc(n + 1, sizeof(*has));
	size_t kept = 0;

	if (!has)
		return core_fail_memory(err);
	int error = native_nodes_have(u->sysfs, addresses, n, has);
	if (error)
		return core_fail(err, CORE_INTERNAL,
			"cannot find out which nodes below /dev hang on the devices: %s",
			strerror(error));
	for (size_t i = 0; i < n; i++) {
		if (has[i])
			nodes[kept++] = addresses[i];
	}
	*ret_n = kept;
	return 0;
}

/* A device without a driver has no nodes, and those of VFIO are looked for otherwise. */
static bool may_have_nodes(const struct uses *u, const struct device *d)
{
	return d->driver[0] && !d->is_bridge && !device_is_vfio(u->devices, d);
}

/* Looks for who has native nodes of the whole batch open, at the first call. */
static int ask_for_nodes(struct uses *u, struct core_error *err)
{
	CLEANUP(free_cleanup)
	struct pci_address *addresses = calloc(2 * u->n_batch + 1, sizeof(*addresses));
	struct use_answer answer = {0};
	size_t n = 0, kept = 0;

	if (u->has_nodes)
		return 0;
	if (!addresses)
		return core_fail_memory(err);
	for (size_t i = 0; i < u->n_batch; i++) {
		if (may_have_nodes(u, u->batch[i]))
			addresses[n++] = u->batch[i]->address;
	}
	if (keep_with_nodes(u, addresses, n, addresses + n, &kept, err))
		return -1;
	if (kept > 0 && u->look(u->arg, USE_LOOK_NODES, addresses + n, kept, &answer, err))
		return -1;
	u->nodes = answer.holders;
	u->has_nodes = true;
	return 0;
}

static bool holds_node_of(const struct holder *h, const struct device *d)
{
	return h->hold == HOLD_NODE && pci_address_equal(h->address, d->address);
}

/* Adds a problem with all processes that have a node of the device open. Whether there is one. */
static bool add_node_users(struct device_use *f, const struct holders *holders)
{
	struct core_problem *problem = NULL;
	bool found = false;

	for (size_t i = 0; i < holders->count; i++) {
		const struct holder *h = &holders->items[i];

		if (!holds_node_of(h, f->device))
			continue;
		if (!found)
			problem = core_problem_add_device(&f->problems, f->device->address,
				REASON_NODE_IN_USE,
				"stop the programs that have it open, or force NODE_IN_USE",
				"device %s is in use by %.15s (pid %d)", f->device->text,
				h->command, h->pid);
		found = true;
		if (problem)
			add_holder(problem, h);
	}
	return found;
}

static bool has_use(const struct device_use *f, enum core_reason reason)
{
	for (size_t i = 0; i < f->problems.count; i++) {
		if (f->problems.items[i].reason == reason)
			return true;
	}
	return false;
}

static int find_node_users(struct uses *u, struct device_use *f, struct core_error *err)
{
	if (!may_have_nodes(u, f->device))
		return 0;
	if (ask_for_nodes(u, err))
		return -1;
	if (!add_node_users(f, &u->nodes) && u->nodes.is_truncated)
		core_problem_add_device(&f->problems, f->device->address, REASON_NODE_IN_USE,
			"see that the privileged process may look into all others, or force NODE_IN_USE",
			"whether a program uses device %s could not be found out", f->device->text);
	return 0;
}

/* Whether the kernel itself uses one of the device's disks, or shows its console on it. */
static int find_kernel_uses(struct uses *u, struct device_use *f, struct core_error *err)
{
	const struct device *d = f->device;
	CLEANUP(answer_clear) struct use_answer answer = {0};

	if (!d->driver[0] || (!usage_has_disk(u->usage, d->address) &&
				     !native_nodes_have_console(u->sysfs, d->address)))
		return 0;
	if (u->look(u->arg, USE_LOOK_KERNEL, &d->address, 1, &answer, err))
		return -1;
	f->is_console = answer.console;
	if (answer.blind.error)
		core_problem_add_device(&f->problems, d->address, REASON_BLIND,
			BLIND_ACTION "; what it cannot see cannot be forced",
			"device %s carries a disk whose node %s vfiod cannot examine: %s", d->text,
			answer.blind.node, strerror(answer.blind.error));
	/* The disk's own users have usually been found by their names. */
	if (answer.claimed && !has_use(f, REASON_DISK_IN_USE))
		core_problem_add_device(&f->problems, d->address, REASON_DISK_IN_USE,
			"stop what is built upon it first, such as a ZFS pool: a disk that the host uses cannot be forced",
			"device %s carries a disk that the kernel has open for its own use",
			d->text);
	return 0;
}

/* What VFIO users have of the device, though it is on a native driver. */
static int find_carried_uses(struct uses *u, struct device_use *f, struct core_error *err)
{
	CLEANUP(carried_clear) struct carried carried = {0};
	int error = carried_read(u->sysfs, f->device->address, &carried);

	if (error)
		return core_fail(err, CORE_INTERNAL, "cannot find out what stands on device %s: %s",
			f->device->text, strerror(error));
	if (carried.count == 0)
		return 0;
	if (uses_ask(u, USE_LOOK_FILES, err))
		return -1;
	carried_check(&carried, &u->files, f->device->address, &f->problems);
	return 0;
}

static int find_host_uses(struct uses *u, struct device_use *f, struct core_error *err)
{
	if (!u->usage && usage_read(u->sysfs, &u->usage, err))
		return -1;
	usage_check_disk(u->usage, f->device->address, &f->problems);
	usage_check_network(u->usage, f->device->address, &f->problems);
	if (find_carried_uses(u, f, err) || find_node_users(u, f, err))
		return -1;
	return find_kernel_uses(u, f, err);
}

/* Whoever uses the device may be hidden. Nobody uses one without a driver. */
static void add_blindness(const struct uses *u, struct device_use *f)
{
	if (u->sysfs->sight == SIGHT_ALL || !f->device->driver[0])
		return;
	core_problem_add_device(&f->problems, f->device->address, REASON_BLIND,
		SIGHT_ACTION "; what it cannot see cannot be forced",
		"%s, so it cannot tell whether a program of the host uses device %s",
		sight_describe(u->sysfs->sight), f->device->text);
}

int uses_gather(struct uses *u, struct device_use *f, struct core_error *err)
{
	f->is_vfio = device_is_vfio(u->devices, f->device);
	if (f->device->is_bridge)
		return 0; /* what is behind one is of no matter: it is refused anyhow */
	add_blindness(u, f);
	f->num_vfs = device_num_vfs(u->devices, f->device);
	return f->is_vfio ? find_vfio_users(u, f, err) : find_host_uses(u, f, err);
}

int uses_find_process(struct uses *u, const struct device_use *f, bool *ret, struct core_error *err)
{
	CLEANUP(core_problems_clear) struct core_problems users = {0};
	struct core_problem *user = NULL;
	struct subject s;

	subject_of(u, f, &s);
	if (uses_ask(u, USE_LOOK_FILES, err) || uses_ask(u, USE_LOOK_MAPPINGS, err))
		return -1;
	add_vfio_users(&users, &user, &s, &u->files);
	add_vfio_users(&users, &user, &s, &u->mappings);
	*ret = core_problems_any(&users) || u->files.is_truncated;
	return 0;
}

bool uses_is_mere_count(const struct uses *u, const struct core_problems *problems)
{
	bool mere = !problems->is_incomplete && !u->files.is_truncated && !u->mappings.is_truncated;

	for (size_t i = 0; i < problems->count; i++)
		mere &= problems->items[i].reason == REASON_VFIO_IN_USE &&
			problems->items[i].n_holders == 0;
	return mere;
}

/* Adds those that hold the subject, or have a node of its device open. */
static void add_holders(
	struct core_problem *problem, const struct subject *s, const struct holders *holders)
{
	for (size_t i = 0; i < holders->count; i++) {
		const struct holder *h = &holders->items[i];

		if (h->hold == HOLD_NODE ? holds_node_of(h, s->device) : holder_holds(h, s))
			add_holder(problem, h);
	}
}

void uses_add_holders(struct uses *u, const struct device_use *f, struct core_problem *problem)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	CLEANUP(answer_clear) struct use_answer answer = {0};
	struct pci_address node;
	struct subject s;
	size_t n = 0;

	subject_of(u, f, &s);
	if (uses_ask(u, USE_LOOK_FILES, &ignored) == 0)
		add_holders(problem, &s, &u->files);
	if (problem->n_holders == 0 && s.is_enabled &&
		uses_ask(u, USE_LOOK_MAPPINGS, &ignored) == 0)
		add_holders(problem, &s, &u->mappings);
	if (keep_with_nodes(u, &f->device->address, 1, &node, &n, &ignored) == 0 && n > 0 &&
		u->look(u->arg, USE_LOOK_NODES, &node, n, &answer, &ignored) == 0)
		add_holders(problem, &s, &answer.holders);
}
