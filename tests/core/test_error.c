/* SPDX-License-Identifier: MIT */
/* Errors and problems. */
#include "core/base/util.h"
#include "core/error.h"
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>

static void every_reason_has_a_name_that_leads_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const char *name = core_reason_name(i);

		assert_true(strlen(name) > 3);
		assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(name));
		assert_int_equal(core_reason_parse(name), i);
	}
	assert_int_equal(core_reason_parse("is_bridge"), REASON_COUNT);
	assert_int_equal(core_reason_parse(""), REASON_COUNT);
}

static void the_first_problem_is_the_error(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct core_problems list = {0};
	struct pci_address address = {0, 1, 0, 0};

	(void)state;
	core_problem_add_device(&list, address, REASON_DEVICE_NOT_FOUND, "look", "no %s", "device");
	core_problem_add(&list, "x", REASON_INVALID_ADDRESS, "", "bad");
	assert_int_equal(core_fail_problems(&err, &list), -1);
	assert_int_equal(err.code, CORE_NOT_FOUND);
	assert_string_equal(err.message, "no device");
	assert_int_equal(err.problems.count, 2);
	assert_string_equal(err.problems.items[0].subject, "0000:01:00.0");
	assert_string_equal(err.problems.items[0].action, "look");
	assert_string_equal(err.problems.items[1].subject, "x");
	assert_int_equal(list.count, 0);
	assert_null(list.items);
}

static void long_texts_are_cut_and_stay_text(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	char big[4096];

	(void)state;
	/* Two bytes a character, so that some cut falls into the middle of one. */
	for (size_t i = 0; i + 2 < sizeof(big); i += 2)
		memcpy(big + i, "\xc3\xa9", 3);
	core_problem_add(&err.problems, big + 2, REASON_INVALID_ADDRESS, "", "x%s", big);
	core_fail(&err, CORE_INVALID, "%s", big);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	assert_int_equal(err.message[sizeof(err.message) - 2], '?');
	assert_int_equal(strlen(err.problems.items[0].subject), 63);
	assert_int_equal(err.problems.items[0].subject[62], '?');
}

static void holders_belong_to_their_problem(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct core_holder holder = {.pid = 7, .command = "qemu", .what = "/dev/vfio/1"};
	struct core_problem *p =
		core_problem_add(&err.problems, "x", REASON_VFIO_IN_USE, "", "in use");

	(void)state;
	for (holder.pid = 1; holder.pid <= 100; holder.pid++)
		assert_int_equal(core_problem_add_holder(p, &holder), 0);
	assert_int_equal(p->n_holders, 100);
	assert_int_equal(p->holders[99].pid, 100);
	assert_string_equal(p->holders[99].command, "qemu");
}

/* Nobody may take a list that lost a refusal for one that has none. */
static void a_list_that_lost_a_problem_is_an_error(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct core_problems list = {.is_incomplete = true};

	(void)state;
	assert_true(core_problems_any(&list));
	core_problem_add(&list, "x", REASON_IS_BRIDGE, "", "bridge");
	assert_int_equal(core_fail_problems(&err, &list), -1);
	assert_int_equal(err.code, CORE_INTERNAL);
	assert_string_equal(err.message, "out of memory");
	assert_false(core_problems_any(&list));
}

static void clearing_twice_is_fine(void **state)
{
	struct core_error err = CORE_ERROR_INIT;

	(void)state;
	core_problem_add(&err.problems, "x", REASON_IS_BRIDGE, "", "bridge");
	core_error_clear(&err);
	core_error_clear(&err);
	assert_int_equal(err.code, CORE_OK);
	assert_int_equal(err.problems.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_name_that_leads_back),
		cmocka_unit_test(the_first_problem_is_the_error),
		cmocka_unit_test(long_texts_are_cut_and_stay_text),
		cmocka_unit_test(holders_belong_to_their_problem),
		cmocka_unit_test(a_list_that_lost_a_problem_is_an_error),
		cmocka_unit_test(clearing_twice_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
