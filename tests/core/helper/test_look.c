/* SPDX-License-Identifier: MIT */
/* Whom the privileged helper finds. */
#include "tests/core/helper/ground.h"

#include <string.h>

static void holders_of_a_devices_other_nodes_are_found(void **state)
{
	struct ground *g = *state;

	tree_add_node(g->tree, &(struct tree_node){GPU, "drm/card0", "226:0", "dri/card0"});
	ground_open_file(g, 78, "Xorg", "/dev/dri/card0");
	ground_open_file(g, 79, "other", "/dev/dri/card1");
	ground_open_file(g, 80, "evil\x1b[2J", "/dev/dri/card0");
	ground_open_file(g, 81, "Xorg", "/dev/dri/card0 (deleted)");
	assert_int_equal(ground_call(g, HELPER_NODE_HOLDERS, GPU, ""), 0);
	assert_int_equal(g->reply.n_holders, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(g->reply.holders[i].pid == 78 || g->reply.holders[i].pid == 80);
		assert_int_equal(g->reply.holders[i].hold, HOLD_NODE);
		assert_string_equal(g->reply.holders[i].node, "/dev/dri/card0");
		assert_null(strchr(g->reply.holders[i].command, '\x1b'));
	}
}

static void holders_are_found_below_the_root(void **state)
{
	struct ground *g = *state;

	ground_open_file(g, 77, "qemu", "/dev/vfio/9");
	assert_int_equal(ground_call(g, HELPER_HOLDERS, GPU, ""), 0);
	assert_int_equal(g->reply.n_holders, 1);
	assert_int_equal(g->reply.holders[0].pid, 77);
	assert_int_equal(g->reply.holders[0].id, 9);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ground_setup, ground_teardown)
	const struct CMUnitTest tests[] = {
		TEST(holders_of_a_devices_other_nodes_are_found),
		TEST(holders_are_found_below_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
