/* SPDX-License-Identifier: MIT */
/* Plans: every shape. */
#include "core/plan.h"
#include "core/util.h"
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
		{"vfio-pci", "nvidia", "",
			"set_override nvidia|unbind vfio-pci|bind nvidia|clear_override"},
		{"vfio-pci", "nvidia", "nvidia",
			"set_override nvidia|unbind vfio-pci|bind nvidia|set_override nvidia"},
		/* An override for another driver than the one it had, as vfio-pci awaiting a
		 * reprobe. */
		{"vfio-pci", "nvidia", "vfio-pci",
			"set_override nvidia|unbind vfio-pci|bind nvidia|set_override vfio-pci"},
		{"vfio-pci", "", "", "unbind vfio-pci|clear_override"},
		{"vfio-pci", "", "none", "unbind vfio-pci|set_override none"},
		/* A change that was cut off between the unbind and the bind. */
		{"", "nvidia", "", "set_override nvidia|bind nvidia|clear_override"},
		{"", "", "", "clear_override"},
		/* One that had not come beyond the override. */
		{"nvidia", "nvidia", "", "clear_override"},
		{"nvidia", "nvidia", "kept", "set_override kept"},
		/* Undoing an unbind. */
		{"nvidia", "vfio-pci", "vfio-pci",
			"set_override vfio-pci|unbind nvidia|bind vfio-pci|set_override vfio-pci"},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_vfio_sets_the_override_before_it_unbinds),
		cmocka_unit_test(to_vfio_unbinds_nothing_from_a_driverless_device),
		cmocka_unit_test(to_origin_goes_back_to_driver_and_override),
		cmocka_unit_test(to_native_leaves_the_choice_to_the_kernel),
		cmocka_unit_test(plans_of_several_devices_follow_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
