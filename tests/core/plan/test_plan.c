/* SPDX-License-Identifier: MIT */
/* Plans: every shape. */
#include "core/base/util.h"
#include "core/plan/plan.h"
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>

static const struct pci_address GPU = {0, 1, 0, 0};

/* Compares a plan with "action name|action name". */
static void assert_plan(struct plan *plan, const char *expected)
{
	char text[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < plan->count; i++) {
		assert_true(pci_address_equal(plan->steps[i].address, GPU));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s", i ? "|" : "",
			plan_step_name(&plan->steps[i]), plan->steps[i].name[0] ? " " : "",
			plan->steps[i].name);
	}
	assert_string_equal(text, expected);
	plan_clear(plan);
	assert_int_equal(plan->count, 0);
}

static void to_vfio_sets_the_override_before_it_unbinds(void **state)
{
	struct plan plan = {0};

	(void)state;
	assert_int_equal(plan_to_vfio(&plan, GPU, "nvidia", "vfio-pci"), 0);
	assert_plan(&plan, "set_override vfio-pci|unbind nvidia|bind vfio-pci");
}

static void to_vfio_unbinds_nothing_from_a_driverless_device(void **state)
{
	struct plan plan = {0};

	(void)state;
	assert_int_equal(plan_to_vfio(&plan, GPU, "", "mlx5_vfio_pci"), 0);
	assert_plan(&plan, "set_override mlx5_vfio_pci|bind mlx5_vfio_pci");
}

static void to_origin_goes_back_to_driver_and_override(void **state)
{
	static const struct {
		const char *now, *driver, *override, *plan;
	} rows[] = {
		{"vfio-pci", "nvidia", "", "clear_override|unbind vfio-pci|bind nvidia"},
		/* The one that it had by its override alone, perhaps. */
		{"vfio-pci", "nvidia", "nvidia", "set_override nvidia|unbind vfio-pci|bind nvidia"},
		/* An override for another driver than the one it had, as vfio-pci awaiting a
		 * reprobe. */
		{"vfio-pci", "nvidia", "vfio-pci",
			"clear_override|unbind vfio-pci|bind nvidia|set_override vfio-pci"},
		{"vfio-pci", "", "", "unbind vfio-pci|clear_override"},
		{"vfio-pci", "", "none", "unbind vfio-pci|set_override none"},
		/* A change that was cut off between the unbind and the bind. */
		{"", "nvidia", "", "clear_override|bind nvidia"},
		{"", "", "", "clear_override"},
		/* One that had not come beyond the override. */
		{"nvidia", "nvidia", "", "clear_override"},
		{"nvidia", "nvidia", "kept", "set_override kept"},
		/* Undoing an unbind. */
		{"nvidia", "vfio-pci", "vfio-pci",
			"set_override vfio-pci|unbind nvidia|bind vfio-pci"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct device_origin origin = {.address = GPU};
		struct plan plan = {0};

		strcpy(origin.driver, rows[i].driver);
		strcpy(origin.override, rows[i].override);
		assert_int_equal(plan_to_origin(&plan, rows[i].now, &origin), 0);
		assert_plan(&plan, rows[i].plan);
	}
}

static void to_native_leaves_the_choice_to_the_kernel(void **state)
{
	struct plan plan = {0};

	(void)state;
	assert_int_equal(plan_to_native(&plan, GPU, "vfio-pci"), 0);
	assert_plan(&plan, "clear_override|unbind vfio-pci|probe");
	assert_int_equal(plan_to_native(&plan, GPU, ""), 0);
	assert_plan(&plan, "clear_override|probe");
}

static void plans_of_several_devices_follow_each_other(void **state)
{
	const struct pci_address audio = {0, 1, 0, 1};
	struct plan plan = {0};

	(void)state;
	assert_int_equal(plan_to_vfio(&plan, GPU, "nvidia", "vfio-pci"), 0);
	assert_int_equal(plan_to_vfio(&plan, audio, "", "vfio-pci"), 0);
	assert_int_equal(plan.count, 5);
	for (size_t i = 0; i < plan.count; i++)
		assert_true(pci_address_equal(plan.steps[i].address, i < 3 ? GPU : audio));
	plan_clear(&plan);
	plan_clear(&plan);
}

/* One endpoint on its native driver, and everything in order. */
struct ground {
	struct device device;
	struct device_facts device_facts;
	struct allowlist server;
	struct facts facts;
	struct plan_request request;
};

static void good(struct ground *g, enum plan_goal goal)
{
	*g = (struct ground){
		.device = {.address = GPU,
			.text = "0000:01:00.0",
			.vendor = 0x10de,
			.device = 0x2204,
			.group = 1,
			.driver = "nvidia"},
		.request = {.goal = goal, .vfio_driver = "vfio-pci"},
	};
	g->device_facts.use.device = &g->device;
	g->facts = (struct facts){
		.allow = &g->server, .has_denylist = true, .devices = &g->device_facts, .count = 1};
	if (goal == PLAN_TO_ORIGIN) {
		strcpy(g->device.driver, "vfio-pci");
		g->device_facts.use.is_vfio = true;
	}
}

/* The refusals must be just these: "IS_BRIDGE|DISK_IN_USE". */
static void assert_judged(struct ground *g, const char *expected)
{
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};
	char text[512] = "";

	plan_judge(&g->request, &g->facts, &g->device_facts, &refusals);
	for (size_t i = 0; i < refusals.count; i++) {
		const struct core_problem *p = &refusals.items[i];
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "%s%s", i ? "|" : "",
			core_reason_name(p->reason));
		assert_string_equal(p->subject, "0000:01:00.0");
		assert_non_null(strstr(p->message, "0000:01:00.0"));
		assert_true(p->action[0] != '\0');
	}
	assert_string_equal(text, expected);
}

static void break_boot_display(struct ground *g)
{
	g->device.boot_vga = true;
}

static void break_console(struct ground *g)
{
	g->device_facts.use.is_console = true;
}

static void break_vfs(struct ground *g)
{
	g->device_facts.use.num_vfs = 2;
}

static void break_denylist(struct ground *g)
{
	g->device.vendor = 0x8086;
	g->device.device = 0x37c8;
}

static void break_interrupts(struct ground *g)
{
	g->facts.interrupts_unsafe = true;
}

static void break_region(struct ground *g)
{
	strcpy(g->device.direct_region, "0xe8000-0xe8fff");
}

static void break_boot_attribute(struct ground *g)
{
	g->device_facts.display = DISPLAY_BOOT;
}

static void break_frame_buffer(struct ground *g)
{
	g->device_facts.display = DISPLAY_FRAME_BUFFER;
}

static void break_unknown_display(struct ground *g)
{
	g->device_facts.display = DISPLAY_UNKNOWN;
}

static void use(struct ground *g, enum core_reason reason)
{
	const struct core_holder xorg = {.pid = 812, .command = "Xorg", .what = "/dev/dri/card0"};
	struct core_problem *p = core_problem_add_device(&g->device_facts.use.problems, GPU, reason,
		"end it", "device 0000:01:00.0 is in use");

	core_problem_set_resource(p, "card0");
	core_problem_add_holder(p, &xorg);
}

static void break_network(struct ground *g)
{
	use(g, REASON_NIC_IN_USE);
}

static void break_nodes(struct ground *g)
{
	use(g, REASON_NODE_IN_USE);
}

static void each_guard_stands_until_it_is_forced_by_its_name(void **state)
{
	static const struct {
		enum core_reason reason;
		void (*spoil)(struct ground *g);
	} rows[] = {
		{REASON_BOOT_DISPLAY, break_boot_display},
		{REASON_BOOT_DISPLAY, break_console},
		{REASON_BOOT_DISPLAY, break_boot_attribute},
		{REASON_BOOT_DISPLAY, break_frame_buffer},
		{REASON_BOOT_DISPLAY, break_unknown_display},
		{REASON_RESERVED_REGION, break_region},
		{REASON_PF_HAS_VFS, break_vfs},
		{REASON_KERNEL_DENYLIST, break_denylist},
		{REASON_NO_INTERRUPT_REMAPPING, break_interrupts},
		{REASON_NIC_IN_USE, break_network},
		{REASON_NODE_IN_USE, break_nodes},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (enum plan_goal goal = PLAN_TO_VFIO; goal <= PLAN_TO_USER; goal += 2) {
			struct ground g;

			good(&g, goal);
			assert_judged(&g, "");
			rows[i].spoil(&g);
			assert_judged(&g, core_reason_name(rows[i].reason));
			g.request.force = ~(1u << rows[i].reason);
			assert_judged(&g, core_reason_name(rows[i].reason));
			g.request.force = 1u << rows[i].reason;
			assert_judged(&g, "");
			core_problems_clear(&g.device_facts.use.problems);
		}
		assert_true(plan_can_force(rows[i].reason));
	}
}

/* The host would not live without it, or may not. */
static void a_disk_in_use_or_unseen_is_never_forced(void **state)
{
	static const enum core_reason never[] = {REASON_DISK_IN_USE, REASON_BLIND};
	struct ground g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		for (enum plan_goal goal = PLAN_TO_VFIO; goal <= PLAN_TO_USER; goal += 2) {
			good(&g, goal);
			use(&g, never[i]);
			g.request.force = UINT32_MAX;
			assert_judged(&g, core_reason_name(never[i]));
			core_problems_clear(&g.device_facts.use.problems);
		}
		assert_true(plan_is_use(never[i]));
	}
	/* A request that names it, as requests did, is one all the same. */
	assert_true(plan_may_name(REASON_DISK_IN_USE));
	assert_true(plan_may_name(REASON_NIC_IN_USE));
	assert_false(plan_may_name(REASON_IS_BRIDGE));
	assert_false(plan_may_name(REASON_BLIND));
}

/* The server's own word on what may be forced. */
static void what_the_server_does_not_let_be_forced_is_not(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};
	struct ground g;

	(void)state;
	good(&g, PLAN_TO_VFIO);
	core_problem_add_device(&g.device_facts.use.problems, GPU, REASON_NIC_IN_USE,
		"take it down, or force NIC_IN_USE", "device 0000:01:00.0 is up");
	break_nodes(&g);
	g.facts.deny_force = 1u << REASON_NIC_IN_USE;
	assert_judged(&g, "NIC_IN_USE|NODE_IN_USE");
	g.request.force = 1u << REASON_NIC_IN_USE | 1u << REASON_NODE_IN_USE;
	assert_judged(&g, "NIC_IN_USE");
	plan_judge(&g.request, &g.facts, &g.device_facts, &refusals);
	assert_string_equal(refusals.items[0].action,
		"take it down; this server does not let NIC_IN_USE be forced (its --allow-force)");
	/* Nor is anybody told to force it. */
	core_problems_clear(&refusals);
	g.request.force = 0;
	plan_judge(&g.request, &g.facts, &g.device_facts, &refusals);
	assert_string_equal(refusals.items[0].action, "take it down");
	core_problems_clear(&g.device_facts.use.problems);
}

static void a_vfio_user_stands_against_unbind_until_it_is_forced(void **state)
{
	struct ground g;

	(void)state;
	good(&g, PLAN_TO_ORIGIN);
	assert_judged(&g, "");
	use(&g, REASON_VFIO_IN_USE);
	assert_judged(&g, "VFIO_IN_USE");
	g.request.force = 1u << REASON_VFIO_IN_USE;
	assert_judged(&g, "");
	/* Whoever asks for what is bound already disturbs nobody. */
	g.request = (struct plan_request){.goal = PLAN_TO_VFIO, .vfio_driver = "vfio-pci"};
	assert_judged(&g, "");
	core_problems_clear(&g.device_facts.use.problems);
}

static void a_refusal_keeps_who_and_what_stands_in_the_way(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};
	struct ground g;

	(void)state;
	good(&g, PLAN_TO_VFIO);
	use(&g, REASON_NODE_IN_USE);
	plan_judge(&g.request, &g.facts, &g.device_facts, &refusals);
	assert_string_equal(refusals.items[0].resource, "card0");
	assert_int_equal(refusals.items[0].n_holders, 1);
	assert_int_equal(refusals.items[0].holders[0].pid, 812);
	/* A copy, not the fact itself. */
	assert_ptr_not_equal(
		refusals.items[0].holders, g.device_facts.use.problems.items[0].holders);
	core_problems_clear(&g.device_facts.use.problems);
}

/* Lack of memory must not read as "nothing stands in the way". */
static void a_use_that_was_lost_is_no_permission(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};
	CLEANUP(plan_clear) struct plan plan = {0};
	struct ground g;

	(void)state;
	good(&g, PLAN_TO_VFIO);
	g.device_facts.use.problems.is_incomplete = true;
	assert_int_equal(plan_make(&g.request, &g.facts, &plan, &refusals), 0);
	assert_true(core_problems_any(&refusals));
	assert_int_equal(plan.count, 0);
}

static void no_force_changes_what_a_device_is(void **state)
{
	static const enum core_reason never[] = {REASON_IS_BRIDGE, REASON_NO_IOMMU_GROUP,
		REASON_DISK_IN_USE, REASON_NOT_ALLOWLISTED, REASON_UNBIND_PENDING,
		REASON_INVALID_ADDRESS, REASON_DEVICE_NOT_FOUND, REASON_PERMISSION,
		REASON_KERNEL_REFUSED, REASON_BLIND, REASON_GROUP_BLOCKED};
	struct allowlist_entry intel = {0x8086, -1};
	struct ground g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_false(plan_can_force(never[i]));
	good(&g, PLAN_TO_VFIO);
	g.request.force = UINT32_MAX;
	g.device.is_bridge = true;
	g.device.group = -1;
	g.device_facts.is_pending = true;
	g.server = (struct allowlist){.entries = &intel, .count = 1};
	use(&g, REASON_NIC_IN_USE);
	assert_judged(&g, "NOT_ALLOWLISTED|NO_IOMMU_GROUP|IS_BRIDGE|UNBIND_PENDING");
	core_problems_clear(&g.device_facts.use.problems);
	/* Nor may one be given back: it is not to be touched at all. */
	good(&g, PLAN_TO_ORIGIN);
	g.request.force = UINT32_MAX;
	g.device.is_bridge = true;
	assert_judged(&g, "IS_BRIDGE");
	/* One that needs nothing is left as it is. */
	good(&g, PLAN_TO_ORIGIN);
	g.device.is_bridge = true;
	g.device_facts.use.is_vfio = false;
	assert_judged(&g, "");
}

/* A virtual function that was asked for, and its physical one, which whole_group added. */
static void nobody_is_told_to_remove_what_they_asked_for(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};
	struct device vf = {.address = {0, 1, 0, 1}, .text = "0000:01:00.1", .group = 1};
	struct device_facts facts[2];
	struct ground g;

	(void)state;
	good(&g, PLAN_TO_VFIO);
	break_vfs(&g);
	vf.is_virtual = true;
	vf.physfn = GPU;
	facts[0] = (struct device_facts){.use.device = &vf, .is_asked = true};
	facts[1] = g.device_facts;
	g.facts.devices = facts;
	g.facts.count = 2;
	plan_judge(&g.request, &g.facts, &facts[1], &refusals);
	assert_int_equal(refusals.items[0].reason, REASON_PF_HAS_VFS);
	assert_non_null(strstr(refusals.items[0].message, "can never"));
	assert_null(strstr(refusals.items[0].action, "sriov_numvfs"));
	/* Who asked for the physical function, or for neither, may well remove them. */
	core_problems_clear(&refusals);
	facts[1].is_asked = true;
	plan_judge(&g.request, &g.facts, &facts[1], &refusals);
	assert_string_equal(refusals.items[0].action, "write 0 to its sriov_numvfs first");
	core_problems_clear(&refusals);
	facts[0].is_asked = facts[1].is_asked = false;
	plan_judge(&g.request, &g.facts, &facts[1], &refusals);
	assert_string_equal(refusals.items[0].action, "write 0 to its sriov_numvfs first");
}

/* What the privileged helper would not write to is not planned. */
static void a_driver_with_an_odd_name_is_refused_at_once(void **state)
{
	struct ground g;

	(void)state;
	good(&g, PLAN_TO_VFIO);
	strcpy(g.device.driver, "TBSECP3 driver");
	assert_judged(&g, "");
	strcpy(g.device.driver, "\xc3\xa9");
	assert_judged(&g, "DRIVER_UNAVAILABLE");
	good(&g, PLAN_TO_ORIGIN);
	g.device_facts.has_origin = true;
	strcpy(g.device_facts.origin.driver, "\xc3\xa9");
	assert_judged(&g, "DRIVER_UNAVAILABLE");
}

static void what_helps_a_device_without_a_group_depends_on_the_iommu(void **state)
{
	static const struct {
		enum iommu_state iommu;
		uint16_t vendor;
		const char *action;
	} rows[] = {
		{IOMMU_IS_OFF, 0x8086, "enable the IOMMU"},
		{IOMMU_IS_ON, 0x8086, "leave it to the host"},
		{IOMMU_IS_ON_WITHOUT_IGFX, 0x8086, "igfx_off"},
		{IOMMU_IS_ON_WITHOUT_IGFX, 0x10de, "leave it to the host"},
	};
	struct ground g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(core_problems_clear) struct core_problems refusals = {0};

		good(&g, PLAN_TO_VFIO);
		g.device.group = -1;
		g.device.class = 0x030000;
		g.device.vendor = rows[i].vendor;
		g.facts.iommu = rows[i].iommu;
		plan_judge(&g.request, &g.facts, &g.device_facts, &refusals);
		assert_non_null(strstr(refusals.items[0].action, rows[i].action));
	}
}

static void the_sentence_of_a_bridge_is_true(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};
	struct ground g;

	(void)state;
	good(&g, PLAN_TO_VFIO);
	g.device.is_bridge = true;
	g.device.class = 0x060100;
	plan_judge(&g.request, &g.facts, &g.device_facts, &refusals);
	assert_string_equal(refusals.items[0].message,
		"device 0000:01:00.0 is the ISA bridge (class 060100), which the host itself needs: it can never be passed through");
	assert_null(strstr(refusals.items[0].action, "behind it"));
}

static void giving_back_asks_neither_allowlist_nor_group(void **state)
{
	struct allowlist_entry intel = {0x8086, -1};
	struct ground g;

	(void)state;
	good(&g, PLAN_TO_ORIGIN);
	g.server = (struct allowlist){.entries = &intel, .count = 1};
	g.device.group = -1;
	g.device.boot_vga = true;
	g.facts.interrupts_unsafe = true;
	assert_judged(&g, "");
	g.device_facts.is_pending = true;
	assert_judged(&g, "UNBIND_PENDING");
}

/* Its virtual functions would go with it, under whoever has them. */
static void a_physical_function_is_not_taken_from_vfio_either(void **state)
{
	struct ground g;

	(void)state;
	good(&g, PLAN_TO_ORIGIN);
	g.device_facts.use.num_vfs = 3;
	assert_judged(&g, "PF_HAS_VFS");
	g.request.force = 1u << REASON_PF_HAS_VFS;
	assert_judged(&g, "");
	/* What is bound already stays so. */
	g.request = (struct plan_request){.goal = PLAN_TO_VFIO, .vfio_driver = "vfio-pci"};
	assert_judged(&g, "");
}

static void what_is_on_its_own_driver_cannot_be_left_without_one(void **state)
{
	struct ground g;

	(void)state;
	good(&g, PLAN_TO_ORIGIN);
	g.device_facts.use.is_vfio = false;
	strcpy(g.device.driver, "nvidia");
	assert_judged(&g, "");
	g.request.leave_driverless = true;
	assert_judged(&g, "NOT_BOUND_TO_VFIO");
	/* What has none already is as it was asked for. */
	g.device.driver[0] = '\0';
	assert_judged(&g, "");
	strcpy(g.device.driver, "vfio-pci");
	g.device_facts.use.is_vfio = true;
	assert_judged(&g, "");
}

static void the_words_for_force_are_the_reasons(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASON_COUNT; i++)
		assert_int_equal(
			plan_can_force(i), strstr(plan_forceable(), core_reason_name(i)) != NULL);
}

/* What is left driverless, ours or another's, and what has lost its driver. */
static void unbind_has_a_shape_for_each_origin(void **state)
{
	static const struct {
		const char *driver;
		bool is_vfio, has_origin, free;
		const char *plan;
	} rows[] = {
		{"vfio-pci", true, true, false,
			"clear_override|unbind vfio-pci|bind nvidia|set_override kept"},
		{"vfio-pci", true, true, true, "unbind vfio-pci|set_override kept"},
		{"vfio-pci", true, false, false, "clear_override|unbind vfio-pci|probe"},
		{"vfio-pci", true, false, true, "unbind vfio-pci|clear_override"},
		/* Ours, and another tool has left it without a driver. */
		{"", false, true, false, "clear_override|bind nvidia|set_override kept"},
		{"", false, true, true, "set_override kept"},
		/* docs/operations.md, "Unbind": what is on no VFIO driver is left as it is. */
		{"", false, false, false, ""},
		{"nvidia", false, true, false, ""},
		{"nvidia", false, true, true, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct plan plan = {0};
		struct ground g;

		good(&g, PLAN_TO_ORIGIN);
		strcpy(g.device.driver, rows[i].driver);
		g.device_facts.use.is_vfio = rows[i].is_vfio;
		g.device_facts.has_origin = rows[i].has_origin;
		g.device_facts.origin = (struct device_origin){
			.address = GPU, .driver = "nvidia", .override = "kept"};
		g.request.leave_driverless = rows[i].free;
		assert_int_equal(plan_steps(&g.request, &g.device_facts, &plan), 0);
		assert_plan(&plan, rows[i].plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_vfio_sets_the_override_before_it_unbinds),
		cmocka_unit_test(to_vfio_unbinds_nothing_from_a_driverless_device),
		cmocka_unit_test(to_origin_goes_back_to_driver_and_override),
		cmocka_unit_test(to_native_leaves_the_choice_to_the_kernel),
		cmocka_unit_test(plans_of_several_devices_follow_each_other),
		cmocka_unit_test(each_guard_stands_until_it_is_forced_by_its_name),
		cmocka_unit_test(a_disk_in_use_or_unseen_is_never_forced),
		cmocka_unit_test(what_the_server_does_not_let_be_forced_is_not),
		cmocka_unit_test(a_vfio_user_stands_against_unbind_until_it_is_forced),
		cmocka_unit_test(a_refusal_keeps_who_and_what_stands_in_the_way),
		cmocka_unit_test(a_use_that_was_lost_is_no_permission),
		cmocka_unit_test(no_force_changes_what_a_device_is),
		cmocka_unit_test(nobody_is_told_to_remove_what_they_asked_for),
		cmocka_unit_test(a_driver_with_an_odd_name_is_refused_at_once),
		cmocka_unit_test(what_helps_a_device_without_a_group_depends_on_the_iommu),
		cmocka_unit_test(the_sentence_of_a_bridge_is_true),
		cmocka_unit_test(giving_back_asks_neither_allowlist_nor_group),
		cmocka_unit_test(a_physical_function_is_not_taken_from_vfio_either),
		cmocka_unit_test(the_words_for_force_are_the_reasons),
		cmocka_unit_test(what_is_on_its_own_driver_cannot_be_left_without_one),
		cmocka_unit_test(unbind_has_a_shape_for_each_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
