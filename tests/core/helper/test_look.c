/* SPDX-License-Identifier: MIT */
/* Whom the privileged helper finds. */
#include "tests/core/helper/ground.h"

#include <string.h>
#include <time.h>

/* Nothing tells when a second is over but the clock. */
static void wait_until_not_fresh(void)
{
	const struct timespec more_than_a_second = {.tv_sec = 1, .tv_nsec = 100 * NS_PER_MS};

	nanosleep(&more_than_a_second, NULL);
}

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

/* The nodes of many devices in one look; who has one of two of them is told for both. */
static void one_look_serves_many_devices(void **state)
{
	static const char *const texts[] = {SPARE, GPU, "0000:02:00.0"};
	struct helper_request look = {.op = HELPER_NODE_HOLDERS, .n_addresses = ARRAY_SIZE(texts)};
	struct pci_address addresses[ARRAY_SIZE(texts)];
	CLEANUP(holders_clear) struct holders found = {0};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		addresses[i] = ground_address(texts[i]);
	tree_add_node(g->tree, &(struct tree_node){GPU, "drm/card0", "226:0", "dri/card0"});
	tree_add_node(g->tree, &(struct tree_node){SPARE, "nvme/nvme1", "242:1", "nvme1"});
	tree_add_node(g->tree, &(struct tree_node){NIC, "ptp/ptp0", "248:0", "ptp0"});
	ground_open_file(g, 78, "Xorg", "/dev/dri/card0");
	ground_open_file(g, 79, "nvme", "/dev/nvme1");
	ground_open_file(g, 80, "ptp4l", "/dev/ptp0");
	assert_int_equal(helper_call_look(g->helper, &look, addresses, now_ns() + 20 * SECOND,
				 &g->reply, &found),
		0);
	assert_int_equal(found.count, 2);
	for (size_t i = 0; i < found.count; i++)
		assert_true(pci_address_equal(found.items[i].address,
			ground_address(found.items[i].pid == 78 ? GPU : SPARE)));
}

/* More than one message may name, with the one that counts at the end. */
static void no_number_of_devices_is_too_large(void **state)
{
	enum { MANY = 2 * HELPER_MAX_DEVICES + 1 };
	struct helper_request look = {.op = HELPER_NODE_HOLDERS, .n_addresses = MANY};
	CLEANUP(free_cleanup) struct pci_address *addresses = calloc(MANY, sizeof(*addresses));
	CLEANUP(holders_clear) struct holders found = {0};
	struct ground *g = *state;

	addresses[MANY - 1] = ground_address(GPU);
	tree_add_node(g->tree, &(struct tree_node){GPU, "drm/card0", "226:0", "dri/card0"});
	ground_open_file(g, 78, "Xorg", "/dev/dri/card0");
	assert_int_equal(helper_call_look(g->helper, &look, addresses, now_ns() + 20 * SECOND,
				 &g->reply, &found),
		0);
	assert_int_equal(found.count, 1);
}

static size_t look_in_batch(struct ground *g, const char *device, uint32_t batch)
{
	struct helper_request look = ground_request(HELPER_NODE_HOLDERS, device, "");

	look.batch = batch;
	assert_int_equal(ground_send(g, &look), 0);
	return g->reply.n_holders;
}

/* The looks of one change share what was seen a moment ago, and no others do. */
static void looks_of_one_change_share_a_search(void **state)
{
	struct ground *g = *state;

	tree_add_node(g->tree, &(struct tree_node){GPU, "drm/card0", "226:0", "dri/card0"});
	tree_add_node(g->tree, &(struct tree_node){SPARE, "nvme/nvme1", "242:1", "nvme1"});
	ground_open_file(g, 79, "nvme", "/dev/nvme1");
	assert_int_equal(look_in_batch(g, GPU, 7), 0);
	ground_open_file(g, 78, "Xorg", "/dev/dri/card0");
	assert_int_equal(look_in_batch(g, SPARE, 7), 1); /* seen by the look at the GPU */
	assert_int_equal(g->reply.holders[0].pid, 79);
	assert_int_equal(look_in_batch(g, GPU, 7), 0);
	assert_int_equal(look_in_batch(g, GPU, 8), 1);
	assert_int_equal(look_in_batch(g, GPU, 0), 1);
	wait_until_not_fresh();
	assert_int_equal(look_in_batch(g, GPU, 8), 1);
	tree_remove(g->tree, "proc/78/fd/3");
	wait_until_not_fresh();
	assert_int_equal(look_in_batch(g, GPU, 8), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ground_setup, ground_teardown)
	const struct CMUnitTest tests[] = {
		TEST(holders_of_a_devices_other_nodes_are_found),
		TEST(holders_are_found_below_the_root),
		TEST(one_look_serves_many_devices),
		TEST(no_number_of_devices_is_too_large),
		TEST(looks_of_one_change_share_a_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
