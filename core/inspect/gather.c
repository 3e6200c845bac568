/* SPDX-License-Identifier: MIT */
/* Reads what a plan is made from. */
#include "core/inspect/gather.h"

#include "core/base/util.h"
#include "core/engine.h"
#include "core/helper/blocked.h"
#include "core/helper/helper.h"
#include "core/inspect/state.h"
#include "core/pci/interrupts.h"
#include "core/record/records.h"

#include <stdio.h>
#include <string.h>

/* A look for main: what takes rights is asked of the privileged helper. */
struct gathering {
	struct host *host;
	int64_t deadline;
	uint32_t batch; /* of the change that looks again */
	struct uses uses;
};

static void gathering_close(struct gathering *g)
{
	uses_clear(&g->uses);
}

static int gathering_ask(void *arg, enum use_look look, const struct pci_address *addresses,
	size_t n, struct use_answer *ret, struct core_error *err)
{
	const struct gathering *g = arg;
	const struct helper_request request = {
		.op = HELPER_LOOK + (uint32_t)look, .n_addresses = (uint32_t)n, .batch = g->batch};
	struct helper_reply reply;

	*ret = (struct use_answer){0};
	int rc = helper_call_look(
		g->host->helper, &request, addresses, g->deadline, &reply, &ret->holders);
	if (rc == 0)
		rc = -reply.error;
	if (rc < 0)
		return helper_no_answer(err, rc, "finding out who uses the devices");
	ret->claimed = reply.claimed;
	ret->console = reply.console;
	ret->blind = reply.blind;
	return 0;
}

/* Who has a node or a VFIO file open is left out. */
static int gathering_glance(void *arg, enum use_look look, const struct pci_address *addresses,
	size_t n, struct use_answer *ret, struct core_error *err)
{
	(void)arg, (void)look, (void)addresses, (void)n, (void)err;
	*ret = (struct use_answer){0};
	return 0;
}

/* batch: all devices that are to be looked at. */
static void gathering_open(struct gathering *g, struct host *host,
	const struct device *const *batch, size_t n, int64_t deadline)
{
	*g = (struct gathering){
		.host = host,
		.deadline = deadline,
		.uses = {.sysfs = &host->sysfs,
			.devices = host->devices,
			.look = gathering_ask,
			.arg = g,
			.batch = batch,
			.n_batch = n},
	};
}

/* Whether an unbind of another tool waits for the device's user. A use count alone may be left by
 * its last driver; where an unbind waits, somebody holds the device. */
static int find_leaving(struct gathering *g, struct device_facts *f, struct core_error *err)
{
	bool has_user;

	switch (device_leaving(g->host, f->use.device)) {
	case LEAVING_NOT:
		return 0;
	case LEAVING_BY_COUNT:
		break;
	case LEAVING:
		f->is_pending = true;
		return 0;
	}
	if (uses_find_process(&g->uses, &f->use, &has_user, err))
		return -1;
	f->is_pending |= has_user;
	return 0;
}

static int gather_device(
	struct gathering *g, const struct device *d, struct device_facts *f, struct core_error *err)
{
	*f = (struct device_facts){
		.use = {.device = d},
		.display = display_of(g->host->devices, d),
		.is_pending = blocked_has(g->host->blocked, d->address),
	};
	f->has_origin = origins_find(g->host->origins, d, &f->origin);
	f->use.idle_use_count = f->has_origin ? f->origin.idle_use_count : 0;
	return find_leaving(g, f, err) ? -1 : uses_gather(&g->uses, &f->use, err);
}

static void gather_host(struct host *host, struct facts *facts)
{
	char text[8] = "";

	facts->allow = &host->allow;
	facts->deny_force = host->deny_force;
	facts->iommu = iommu_read(&host->sysfs);
	facts->interrupts_unsafe = interrupts_read(&host->sysfs) == INTERRUPTS_UNSAFE;
	sysfs_read(host->sysfs.root_fd, "sys/module/vfio_pci/parameters/disable_denylist", text,
		sizeof(text));
	facts->has_denylist = text[0] != 'Y';
}

static int gather_all(struct gathering *g, struct device *const *devices, size_t n,
	struct facts *ret, struct core_error *err)
{
	CLEANUP(facts_clear)
	struct facts facts = {.devices = calloc(n + 1, sizeof(*facts.devices))};

	if (!facts.devices)
		return core_fail_memory(err);
	gather_host(g->host, &facts);
	for (; facts.count < n; facts.count++) {
		struct device_facts *f = &facts.devices[facts.count];

		if (gather_device(g, devices[facts.count], f, err)) {
			core_problems_clear(&f->use.problems);
			return -1;
		}
	}
	*ret = facts;
	facts = (struct facts){0};
	return 0;
}

int facts_gather(struct host *host, struct device *const *devices, size_t n, uint32_t batch,
	int64_t deadline, struct facts *ret, struct core_error *err)
{
	CLEANUP(gathering_close) struct gathering g;

	gathering_open(&g, host, (const struct device *const *)devices, n, deadline);
	g.batch = batch;
	return gather_all(&g, devices, n, ret, err);
}

int facts_glance(struct host *host, struct device *const *devices, size_t n, struct facts *ret,
	struct core_error *err)
{
	CLEANUP(gathering_close) struct gathering g;

	gathering_open(&g, host, (const struct device *const *)devices, n, 0);
	g.uses.look = gathering_glance;
	return gather_all(&g, devices, n, ret, err);
}

void facts_add_holders(struct host *host, const struct device *device, int64_t deadline,
	struct core_problem *problem)
{
	CLEANUP(gathering_close) struct gathering g;
	struct device_use use = {.device = device};
	struct device_origin origin;

	gathering_open(&g, host, &device, 1, deadline);
	if (origins_find(host->origins, device, &origin))
		use.idle_use_count = origin.idle_use_count;
	uses_add_holders(&g.uses, &use, problem);
}
