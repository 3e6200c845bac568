/* SPDX-License-Identifier: MIT */
/* What keeps a device from being bound, used or given back. */
#include "core/host_internal.h"
#include "core/util.h"

#include <stdio.h>
#include <string.h>

bool host_can_force(enum core_reason reason)
{
	return reason == REASON_BOOT_DISPLAY || reason == REASON_DISK_IN_USE ||
	       reason == REASON_NIC_IN_USE;
}

static bool forced(const struct check *check, enum core_reason reason)
{
	return check->force & 1u << reason;
}

int check_open(struct check *check, struct host *host, struct device *const *devices, size_t n,
	int64_t deadline, struct core_error *err)
{
	bool native = false, vfio = false;

	check->host = host;
	for (size_t i = 0; i < n; i++) {
		vfio |= device_is_vfio(host->devices, devices[i]);
		/* By the name, which stays: a variant driver's folder may be gone by the time the
		 * device is checked. */
		native |= strcmp(devices[i]->driver, "vfio-pci") != 0;
	}
	if (native && usage_read(&host->sysfs, &check->usage, err))
		return -1;
	if (!vfio)
		return 0;
	struct hand_request request = {.op = HAND_HOLDERS};
	int rc = hand_call(host->hand, &request, deadline, &check->holders);
	if (rc == 0)
		rc = -check->holders.error; /* who cannot look must not say that nobody is there */
	if (rc < 0)
		return transaction_no_answer(err, rc, "finding out who uses VFIO devices");
	return 0;
}

void check_close(struct check *check)
{
	usage_free(check->usage);
	check->usage = NULL;
}

static void check_allowlists(
	const struct check *check, const struct device *d, struct core_problems *problems)
{
	bool ok = allowlist_allows(&check->host->allow, d->vendor, d->device) &&
		  (!check->allow || allowlist_allows(check->allow, d->vendor, d->device));

	if (!ok)
		core_problem_add_device(problems, d->address, REASON_NOT_ALLOWLISTED,
			"add its vendor:device to the allowlist",
			"device %s (%04x:%04x) not in allowlist", d->text, d->vendor, d->device);
}

/* What never changes, whoever uses the device. */
static void check_nature(const struct device *d, struct core_problems *problems)
{
	if (d->group < 0)
		problem_no_group(problems, d->address);
	if (d->is_bridge)
		core_problem_add_device(problems, d->address, REASON_IS_BRIDGE,
			"name the devices behind it instead",
			"device %s is a bridge (class %06x) and can never be passed through",
			d->text, d->class);
}

static void check_pending(
	const struct check *check, const struct device *d, struct core_problems *problems)
{
	if (hand_is_pending(check->host->lock_fd, d->address))
		core_problem_add_device(problems, d->address, REASON_UNBIND_PENDING,
			"end the process that has the device open; the write then completes by "
			"itself",
			"an earlier write to device %s has not returned yet", d->text);
}

static void check_host_use(
	const struct check *check, const struct device *d, struct core_problems *problems)
{
	uint32_t vfs = device_num_vfs(check->host->devices, d);

	if (d->boot_vga && !forced(check, REASON_BOOT_DISPLAY))
		core_problem_add_device(problems, d->address, REASON_BOOT_DISPLAY,
			"use another display for the console, or force BOOT_DISPLAY",
			"device %s is the display this host booted on", d->text);
	if (!forced(check, REASON_DISK_IN_USE))
		usage_check_disk(check->usage, d->address, problems);
	if (!forced(check, REASON_NIC_IN_USE))
		usage_check_network(check->usage, d->address, problems);
	if (vfs > 0)
		core_problem_add_device(problems, d->address, REASON_PF_HAS_VFS,
			"write 0 to its sriov_numvfs first",
			"device %s is a physical function with %u virtual functions enabled",
			d->text, vfs);
}

/* `enable` counts users of the device. It can be raised by a plain write too, so it is suspicion
 * enough to refuse but names nobody. */
static bool is_enabled(const struct check *check, const struct device *d)
{
	char text[16];

	return device_read(check->host->devices, d, "enable", text, sizeof(text)) > 0 &&
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
	}
}

static void check_vfio_user(
	const struct check *check, const struct device *d, struct core_problems *problems)
{
	char name[32];
	bool enabled = is_enabled(check, d);
	const struct hand_holder *first = NULL;
	struct core_problem *problem = NULL;

	device_vfio_name(check->host->devices, d, name, sizeof(name));
	int32_t vfio_id = name[0] ? (int32_t)strtol(name + 4, NULL, 10) : -1;
	for (uint32_t i = 0; i < check->holders.n_holders; i++) {
		const struct hand_holder *h = &check->holders.holders[i];
		struct core_holder holder;

		if (!holds(h, d, vfio_id, enabled))
			continue;
		if (!first) {
			first = h;
			problem = core_problem_add_device(problems, d->address, REASON_VFIO_IN_USE,
				"stop the virtual machine or program that uses it",
				"device %s is in use by %.15s (pid %d)", d->text, h->command,
				h->pid);
		}
		describe(h, &holder);
		if (problem)
			core_problem_add_holder(problem, &holder);
	}
	if (!first && (enabled || check->holders.truncated))
		core_problem_add_device(problems, d->address, REASON_VFIO_IN_USE,
			"find out which program uses it; it may run as another user",
			"device %s is in use by a program that could not be found", d->text);
}

void check_bind(
	const struct check *check, const struct device *device, struct core_problems *problems)
{
	check_allowlists(check, device, problems);
	check_nature(device, problems);
	check_pending(check, device, problems);
	/* What is behind a bridge is of no matter: it is refused anyhow. */
	if (!device->is_bridge && !device_is_vfio(check->host->devices, device))
		check_host_use(check, device, problems);
}

void check_available(
	const struct check *check, const struct device *device, struct core_problems *problems)
{
	check_bind(check, device, problems);
	if (device_is_vfio(check->host->devices, device))
		check_vfio_user(check, device, problems);
}

void check_unbind(
	const struct check *check, const struct device *device, struct core_problems *problems)
{
	check_pending(check, device, problems);
	if (device_is_vfio(check->host->devices, device))
		check_vfio_user(check, device, problems);
}

/* One entry of a request, parsed and looked up once. */
struct entry {
	const char *text;
	struct pci_address address;
	bool is_address;
	struct device *device; /* a reference; NULL when there is none */
};

static bool same_entry(const struct entry *a, const struct entry *b)
{
	if (a->is_address != b->is_address)
		return false;
	return a->is_address ? pci_address_equal(a->address, b->address)
			     : strcmp(a->text, b->text) == 0;
}

/* Fills in the entries, repeats dropped. Returns how many there are. */
static size_t read_entries(struct host *host, char *const *texts, size_t n, struct entry *entries)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct entry *e = &entries[count];
		size_t before = 0;

		*e = (struct entry){.text = texts[i]};
		e->is_address = pci_address_parse(texts[i], &e->address);
		while (before < count && !same_entry(&entries[before], e))
			before++;
		if (before < count)
			continue;
		if (e->is_address)
			e->device = devices_get(host->devices, e->address);
		count++;
	}
	return count;
}

static void check_entry(
	const struct check *check, const struct entry *e, struct core_problems *problems)
{
	if (!e->is_address)
		problem_invalid_address(problems, e->text);
	else if (!e->device)
		problem_absent(problems, e->address);
	else
		check_available(check, e->device, problems);
}

int host_check(struct host *host, char *const *texts, size_t n, const struct allowlist *allow,
	int64_t deadline, struct core_problems *problems, struct core_error *err)
{
	CLEANUP(check_close) struct check check = {.host = host, .allow = allow};
	CLEANUP(free_cleanup) struct entry *entries = calloc(n + 1, sizeof(*entries));
	struct device **devices = calloc(n + 1, sizeof(*devices));
	size_t found = 0;

	if (!entries || !devices) {
		free(devices);
		return core_fail_memory(err);
	}
	size_t count = read_entries(host, texts, n, entries);
	for (size_t i = 0; i < count; i++) {
		if (entries[i].device)
			devices[found++] = entries[i].device;
	}
	int result = check_open(&check, host, devices, found, deadline, err);
	for (size_t i = 0; result == 0 && i < count; i++)
		check_entry(&check, &entries[i], problems);
	device_list_free(devices, found);
	return result;
}
