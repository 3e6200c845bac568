/* SPDX-License-Identifier: MIT */
/* Who and what uses devices. */
#include "core/use/users.h"
#include "core/base/util.h"
#include "core/use/disk_use.h"
#include "core/use/net_use.h"
#include "core/use/sight.h"

#include <stdio.h>
#include <string.h>

void uses_clear(struct uses *u)
{
	usage_free(u->usage);
	holders_clear(&u->files);
	holders_clear(&u->mappings);
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
	if (u->look(u->arg, look, (struct pci_address){0}, &answer, err))
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

static void holder_describe(const struct holder *h, struct core_holder *ret)
{
	*ret = (struct core_holder){.pid = h->pid};
	snprintf(ret->command, sizeof(ret->command), "%.15s", h->command);
	switch ((enum hold)h->hold) {
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

/* Whether the class of device has nodes that programs open: disks, InfiniBand, displays, sound,
 * accelerators, USB. */
static bool may_have_nodes(const struct device *d)
{
	uint32_t base = d->class >> 16;

	return base == 0x01 || base == 0x02 || base == 0x03 || base == 0x04 || base == 0x12 ||
	       d->class >> 8 == 0x0c03;
}

static void add_node_users(struct device_use *f, const struct holders *holders)
{
	if (holders->count == 0)
		return;
	const struct holder *first = &holders->items[0];
	struct core_problem *problem = core_problem_add_device(&f->problems, f->device->address,
		REASON_NODE_IN_USE, "stop the programs that have it open, or force NODE_IN_USE",
		"device %s is in use by %.15s (pid %d)", f->device->text, first->command,
		first->pid);
	for (size_t i = 0; problem && i < holders->count; i++)
		add_holder(problem, &holders->items[i]);
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
	CLEANUP(answer_clear) struct use_answer answer = {0};

	if (!f->device->driver[0] ||
		(!may_have_nodes(f->device) && !usage_has_disk(u->usage, f->device->address)) ||
		!nodes_any(u->sysfs->root_fd, f->device->address))
		return 0;
	if (u->look(u->arg, USE_LOOK_NODES, f->device->address, &answer, err))
		return -1;
	add_node_users(f, &answer.holders);
	if (answer.holders.count == 0 && answer.holders.is_truncated)
		core_problem_add_device(&f->problems, f->device->address, REASON_NODE_IN_USE,
			"see that the privileged process may look into all others, or force NODE_IN_USE",
			"whether a program uses device %s could not be found out", f->device->text);
	f->is_console = answer.console;
	if (answer.blind.error)
		core_problem_add_device(&f->problems, f->device->address, REASON_BLIND,
			BLIND_ACTION "; what it cannot see cannot be forced",
			"device %s carries a disk whose node %s vfiod cannot examine: %s",
			f->device->text, answer.blind.node, strerror(answer.blind.error));
	/* The disk's own users have usually been found by their names. */
	if (answer.claimed && !has_use(f, REASON_DISK_IN_USE))
		core_problem_add_device(&f->problems, f->device->address, REASON_DISK_IN_USE,
			"stop what is built upon it first, such as a ZFS pool: a disk that the host uses cannot be forced",
			"device %s carries a disk that the kernel has open for its own use",
			f->device->text);
	return 0;
}

static int find_host_uses(struct uses *u, struct device_use *f, struct core_error *err)
{
	if (!u->usage && usage_read(u->sysfs, &u->usage, err))
		return -1;
	usage_check_disk(u->usage, f->device->address, &f->problems);
	usage_check_network(u->usage, f->device->address, &f->problems);
	return find_node_users(u, f, err);
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

/* Adds those that hold the subject; of a device's nodes (no subject) all of them. */
static void add_holders(
	struct core_problem *problem, const struct subject *s, const struct holders *holders)
{
	for (size_t i = 0; i < holders->count; i++) {
		if (!s || holder_holds(&holders->items[i], s))
			add_holder(problem, &holders->items[i]);
	}
}

void uses_add_holders(struct uses *u, const struct device_use *f, struct core_problem *problem)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	CLEANUP(answer_clear) struct use_answer answer = {0};
	struct subject s;

	subject_of(u, f, &s);
	if (uses_ask(u, USE_LOOK_FILES, &ignored) == 0)
		add_holders(problem, &s, &u->files);
	if (problem->n_holders == 0 && s.is_enabled &&
		uses_ask(u, USE_LOOK_MAPPINGS, &ignored) == 0)
		add_holders(problem, &s, &u->mappings);
	if (nodes_any(u->sysfs->root_fd, f->device->address) &&
		u->look(u->arg, USE_LOOK_NODES, f->device->address, &answer, &ignored) == 0)
		add_holders(problem, NULL, &answer.holders);
}
