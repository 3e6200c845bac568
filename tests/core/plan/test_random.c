/* SPDX-License-Identifier: MIT */
/* Plans by the thousand: what must hold whatever the host and the request are. */
#include "core/base/util.h"
#include "core/plan/plan.h"
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 10000, MAX_DEVICES = 5 };

static unsigned seed;

static unsigned draw(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static bool one_in(unsigned n)
{
	return draw(n) == 0;
}

struct world {
	struct device devices[MAX_DEVICES];
	struct facts facts;
	struct plan_request request;
	struct allowlist server, client;
	struct allowlist_entry nvidia;
};

static const char *pick_driver(bool is_vfio)
{
	static const char *const native[] = {"", "nvidia", "e1000e", "nvme"};
	static const char *const vfio[] = {"vfio-pci", "mlx5_vfio_pci"};

	return is_vfio ? vfio[draw(2)] : native[draw(4)];
}

static void draw_device(struct device *d, unsigned i, bool is_vfio)
{
	static const uint16_t vendors[] = {0x10de, 0x8086, 0x144d},
			      ids[] = {0x2204, 0x0b25, 0x37c8};

	*d = (struct device){.address = {draw(2) ? 0 : 0x10000, 1, (uint8_t)i, (uint8_t)draw(8)},
		.vendor = vendors[draw(3)],
		.device = ids[draw(3)],
		.is_bridge = one_in(8),
		.boot_vga = one_in(8),
		.group = one_in(8) ? -1 : (int32_t)draw(4)};
	pci_address_format(d->address, d->text);
	snprintf(d->driver, sizeof(d->driver), "%s", pick_driver(is_vfio));
	snprintf(d->direct_region, sizeof(d->direct_region), "%s",
		one_in(8) ? "0xe8000-0xe8fff" : "");
}

static void draw_uses(struct device_facts *f)
{
	static const enum core_reason reasons[] = {REASON_DISK_IN_USE, REASON_NIC_IN_USE,
		REASON_NODE_IN_USE, REASON_VFIO_IN_USE, REASON_BLIND};
	const struct core_holder qemu = {.pid = 7, .command = "qemu"};

	while (one_in(4)) {
		struct core_problem *p =
			core_problem_add_device(&f->use.problems, f->use.device->address,
				reasons[f->use.is_vfio ? 3 : draw(3)], "end it", "it is in use");
		if (one_in(2))
			core_problem_add_holder(p, &qemu);
	}
}

static void draw_facts(struct world *w, unsigned i)
{
	struct device_facts *f = &w->facts.devices[i];

	f->use.device = &w->devices[i];
	f->use.is_vfio = one_in(2);
	draw_device(&w->devices[i], i, f->use.is_vfio);
	f->display = one_in(8) ? DISPLAY_FRAME_BUFFER : DISPLAY_NONE;
	f->is_pending = one_in(10);
	f->is_asked = one_in(2);
	f->has_origin = one_in(2);
	f->origin = (struct device_origin){.address = f->use.device->address};
	snprintf(f->origin.driver, sizeof(f->origin.driver), "%s", pick_driver(false));
	snprintf(f->origin.override, sizeof(f->origin.override), "%s", one_in(2) ? "" : "kept");
	f->use.num_vfs = one_in(8) ? 1 + draw(7) : 0;
	draw_uses(f);
}

static void draw_world(struct world *w)
{
	*w = (struct world){.nvidia = {0x10de, -1}};
	w->facts.devices = calloc(MAX_DEVICES, sizeof(*w->facts.devices));
	w->facts.count = draw(MAX_DEVICES + 1);
	if (one_in(4))
		w->server = (struct allowlist){.entries = &w->nvidia, .count = 1};
	if (one_in(4))
		w->client = (struct allowlist){.entries = &w->nvidia, .count = 1};
	w->facts.allow = &w->server;
	w->facts.has_denylist = one_in(2);
	w->facts.interrupts_unsafe = one_in(4);
	for (unsigned i = 0; i < w->facts.count; i++)
		draw_facts(w, i);
	w->request = (struct plan_request){.goal = draw(3),
		.vfio_driver = "vfio-pci",
		.allow = one_in(2) ? &w->client : NULL,
		.force = one_in(3) ? UINT32_MAX : (uint32_t)draw(1u << REASON_COUNT),
		.leave_driverless = one_in(3)};
}

/* All there is of a world, to see whether it is still the same. The caller frees it. */
static char *dump(const struct world *w, size_t *ret_len)
{
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, ret_len);

	fwrite(w->devices, sizeof(w->devices), 1, out);
	fwrite(&w->request, sizeof(w->request), 1, out);
	for (size_t i = 0; i < w->facts.count; i++) {
		const struct device_facts *f = &w->facts.devices[i];
		fwrite(f, sizeof(*f), 1, out);
		if (f->use.problems.count > 0)
			fwrite(f->use.problems.items, sizeof(*f->use.problems.items),
				f->use.problems.count, out);
	}
	assert_int_equal(fclose(out), 0);
	return bytes;
}

static const struct device_facts *find(const struct world *w, const char *subject)
{
	for (size_t i = 0; i < w->facts.count; i++) {
		if (strcmp(w->devices[i].text, subject) == 0)
			return &w->facts.devices[i];
	}
	return NULL;
}

static bool has(const struct core_problems *refusals, const char *subject, enum core_reason reason)
{
	for (size_t i = 0; i < refusals->count; i++) {
		if (refusals->items[i].reason == reason &&
			strcmp(refusals->items[i].subject, subject) == 0)
			return true;
	}
	return false;
}

static void assert_refusals_are_whole(const struct world *w, const struct core_problems *refusals)
{
	for (size_t i = 0; i < refusals->count; i++) {
		const struct core_problem *p = &refusals->items[i];

		assert_true(p->reason < REASON_COUNT);
		assert_non_null(find(w, p->subject));
		assert_true(p->message[0] && p->action[0]);
		if (plan_can_force(p->reason))
			assert_false(w->request.force & 1u << p->reason);
	}
}

/* What a device is, no force changes. */
static void assert_nature_is_refused(const struct world *w, const struct core_problems *refusals)
{
	for (size_t i = 0; i < w->facts.count; i++) {
		const struct device_facts *f = &w->facts.devices[i];
		const struct device *d = f->use.device;
		bool takes = w->request.goal != PLAN_TO_ORIGIN;

		if (d->is_bridge && (takes || plan_needs(&w->request, f)))
			assert_true(has(refusals, d->text, REASON_IS_BRIDGE));
		if (f->is_pending)
			assert_true(has(refusals, d->text, REASON_UNBIND_PENDING));
		assert_int_equal(
			has(refusals, d->text, REASON_NO_IOMMU_GROUP), takes && d->group < 0);
		if (takes && d->vendor != 0x10de &&
			(w->server.count || (w->request.allow && w->client.count)))
			assert_true(has(refusals, d->text, REASON_NOT_ALLOWLISTED));
	}
}

/* The steps of one device, from *at on: override, unbind, bind or probe; the last override is the
 * one that was. */
static void assert_order(
	const struct world *w, const struct device_facts *f, const struct plan *plan, size_t *at)
{
	size_t first = *at, unbind = SIZE_MAX, bind = SIZE_MAX;

	for (; *at < plan->count; ++*at) {
		const struct plan_step *step = &plan->steps[*at];
		if (!pci_address_equal(step->address, f->use.device->address))
			break;
		if (step->action == PLAN_UNBIND) {
			assert_true(unbind == SIZE_MAX && bind == SIZE_MAX);
			assert_string_equal(step->name, f->use.device->driver);
			unbind = *at;
		}
		if (step->action == PLAN_BIND || step->action == PLAN_PROBE) {
			assert_true(bind == SIZE_MAX);
			bind = *at;
		}
	}
	assert_int_equal(*at > first, plan_needs(&w->request, f));
	if (*at == first)
		return;
	assert_false(f->use.device->is_bridge);
	assert_int_equal(unbind != SIZE_MAX, f->use.device->driver[0] != '\0');
	if (bind != SIZE_MAX)
		assert_int_equal(plan->steps[first].action, PLAN_OVERRIDE);
	if (w->request.goal == PLAN_TO_VFIO) {
		assert_string_equal(plan->steps[first].name, "vfio-pci");
		assert_string_equal(plan->steps[*at - 1].name, "vfio-pci");
		assert_int_equal(plan->steps[*at - 1].action, PLAN_BIND);
		return;
	}
	if (w->request.leave_driverless)
		assert_true(bind == SIZE_MAX);
	if (f->has_origin) {
		size_t last = *at - 1;

		while (last > first && plan->steps[last].action != PLAN_OVERRIDE)
			last--;
		assert_int_equal(plan->steps[last].action, PLAN_OVERRIDE);
		assert_string_equal(plan->steps[last].name, f->origin.override);
	}
}

static void assert_plan_holds(
	const struct world *w, const struct plan *plan, const struct core_problems *refusals)
{
	size_t at = 0;

	assert_refusals_are_whole(w, refusals);
	assert_nature_is_refused(w, refusals);
	if (refusals->count > 0) {
		assert_int_equal(plan->count, 0);
		return;
	}
	/* Device after device, in the order of the request. */
	for (size_t i = 0; i < w->facts.count; i++)
		assert_order(w, &w->facts.devices[i], plan, &at);
	assert_int_equal(at, plan->count);
}

static void assert_same(const struct plan *a, const struct plan *b,
	const struct core_problems *refused_a, const struct core_problems *refused_b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_true(pci_address_equal(a->steps[i].address, b->steps[i].address));
		assert_int_equal(a->steps[i].action, b->steps[i].action);
		assert_string_equal(a->steps[i].name, b->steps[i].name);
	}
	assert_int_equal(refused_a->count, refused_b->count);
	for (size_t i = 0; i < refused_a->count; i++) {
		assert_int_equal(refused_a->items[i].reason, refused_b->items[i].reason);
		assert_string_equal(refused_a->items[i].message, refused_b->items[i].message);
		assert_int_equal(refused_a->items[i].n_holders, refused_b->items[i].n_holders);
	}
}

/* Forcing everything leaves exactly those that no force passes. */
static void assert_force_takes_away_only_guards(
	const struct world *w, const struct core_problems *refusals)
{
	CLEANUP(core_problems_clear) struct core_problems forced = {0};
	CLEANUP(plan_clear) struct plan plan = {0};
	struct plan_request all = w->request;
	size_t expected = 0;

	all.force = UINT32_MAX;
	assert_int_equal(plan_make(&all, &w->facts, &plan, &forced), 0);
	for (size_t i = 0; i < refusals->count; i++)
		expected += !plan_can_force(refusals->items[i].reason);
	assert_int_equal(forced.count, expected);
}

static void what_must_hold_of_every_plan_does(void **state)
{
	unsigned planned = 0, refused = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		CLEANUP(core_problems_clear) struct core_problems refusals = {0}, again = {0};
		CLEANUP(plan_clear) struct plan plan = {0}, second = {0};
		struct world w;
		size_t len, len_after;

		seed = round;
		draw_world(&w);
		CLEANUP(free_cleanup) char *before = dump(&w, &len);
		assert_int_equal(plan_make(&w.request, &w.facts, &plan, &refusals), 0);
		assert_plan_holds(&w, &plan, &refusals);
		assert_force_takes_away_only_guards(&w, &refusals);
		/* A pure function: the same again, and nothing it was given is another. */
		assert_int_equal(plan_make(&w.request, &w.facts, &second, &again), 0);
		assert_same(&plan, &second, &refusals, &again);
		CLEANUP(free_cleanup) char *after = dump(&w, &len_after);
		assert_int_equal(len, len_after);
		assert_memory_equal(before, after, len);
		planned += plan.count > 0;
		refused += refusals.count > 0;
		facts_clear(&w.facts);
	}
	/* Both kinds have been seen often. */
	assert_true(planned > ROUNDS / 50);
	assert_true(refused > ROUNDS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_must_hold_of_every_plan_does)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
