/* SPDX-License-Identifier: MIT */
/* The locks that the helper's children take: who waits for whom, and who sees them. */
#include "core/helper/blocked.h"
#include "tests/core/helper/ground.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define UNBIND "sys/bus/pci/drivers/vfio-pci/unbind"

static void a_write_that_blocks_is_left_behind_and_shows_until_it_ends(void **state)
{
	struct ground *g = *state;

	tree_unbind(g->tree, GPU);
	ground_block(g, BIND);
	assert_int_equal(ground_call_until(g, HELPER_BIND, GPU, "vfio-pci", now_ns() + SECOND / 2),
		-ETIMEDOUT);
	assert_true(blocked_is_locked(g->config.lock_fd, ground_address(GPU)));
	/* That device is taken, others are not. */
	assert_int_equal(ground_call_until(g, HELPER_UNBIND, GPU, "nvidia", now_ns() + 20 * SECOND),
		-EINPROGRESS);
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_GET, GPU, ""), 0);
	assert_int_equal(ground_call(g, HELPER_UNBIND, "0000:01:00.1", "snd_hda_intel"), 0);
	assert_false(blocked_is_locked(g->config.lock_fd, ground_address("0000:01:00.1")));
	/* It outlives the daemon; the next one sees it. */
	helper_free(STEAL(g->helper));
	assert_true(blocked_is_locked(g->config.lock_fd, ground_address(GPU)));
	ground_restart(g);
	assert_int_equal(ground_call_until(g, HELPER_UNBIND, GPU, "nvidia", now_ns() + 20 * SECOND),
		-EINPROGRESS);
	ground_unblock(g, BIND, GPU);
	assert_false(blocked_is_locked(g->config.lock_fd, ground_address(GPU)));
	assert_int_equal(ground_call(g, HELPER_UNBIND, GPU, "nvidia"), 0);
}

struct asking {
	struct ground *g;
	atomic_bool stop;
	atomic_uint asked;
};

static void *ask(void *arg)
{
	struct asking *a = arg;

	while (!atomic_load(&a->stop)) {
		blocked_is_locked(a->g->config.lock_fd, (struct pci_address){0, 1, 0, 0});
		atomic_fetch_add(&a->asked, 1);
	}
	return NULL;
}

static void asking_does_not_get_in_a_writers_way(void **state)
{
	struct ground *g = *state;
	struct asking a = {.g = g};
	pthread_t threads[2];

	tree_unbind(g->tree, GPU);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &a), 0);
	for (int i = 0; i < 100 || atomic_load(&a.asked) < 1000; i++)
		assert_int_equal(ground_call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
	atomic_store(&a.stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

static void a_lock_that_is_no_file_of_ours_is_not_followed(void **state)
{
	struct ground *g = *state;
	char target[300];

	snprintf(target, sizeof(target), "%s/stolen", tree_state(g->tree));
	assert_int_equal(symlinkat(target, g->config.lock_fd, GPU), 0);
	assert_int_equal(ground_call(g, HELPER_BIND, GPU, "vfio-pci"), ELOOP);
	assert_int_equal(access(target, F_OK), -1);
	ground_assert_file(g, BIND, "");
}

static void nobody_is_pending_where_no_lock_is(void **state)
{
	struct ground *g = *state;

	assert_false(blocked_is_locked(g->config.lock_fd, ground_address(GPU)));
	assert_false(blocked_is_locked(-1, ground_address(GPU)));
	helper_free(NULL);
}

/* Whoever could put it there. */
static void a_lock_that_is_no_plain_file_keeps_nobody_waiting(void **state)
{
	struct ground *g = *state;

	assert_int_equal(mkfifoat(g->config.lock_fd, GPU, 0600), 0);
	assert_false(blocked_is_locked(g->config.lock_fd, ground_address(GPU)));
	assert_int_equal(ground_call(g, HELPER_BIND, GPU, "vfio-pci"), EINVAL);
	ground_assert_file(g, BIND, "");
}

static void a_lock_that_cannot_be_looked_at_may_be_held(void **state)
{
	struct rlimit before, none;
	struct ground *g = *state;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	bool pending = blocked_is_locked(g->config.lock_fd, ground_address(GPU));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(pending);
	assert_false(blocked_is_locked(g->config.lock_fd, ground_address(GPU)));
}

static int lock_byte(int fd, short type, off_t byte)
{
	struct flock lock = {.l_type = type, .l_start = byte, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* A device whose node is being set is no device with a write that does not return. */
static void the_setting_of_a_node_is_waited_for(void **state)
{
	struct ground *g = *state;
	struct helper_request request = ground_request(HELPER_UNBIND, FOREIGN, "vfio-pci");
	int fd = openat(g->config.lock_fd, FOREIGN, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(lock_byte(fd, F_WRLCK, 1), 0);
	assert_false(blocked_is_locked(g->config.lock_fd, request.address));
	assert_int_equal(
		helper_call(g->helper, &request, now_ns() + SECOND / 4, &g->reply), -ETIMEDOUT);
	ground_assert_file(g, UNBIND, "");
	assert_int_equal(lock_byte(fd, F_UNLCK, 1), 0);
	close(fd);
	while (blocked_is_locked(g->config.lock_fd, request.address))
		usleep(1000);
	/* Its caller had left before it had the lock. */
	ground_assert_file(g, UNBIND, "");
	assert_int_equal(ground_send(g, &request), 0);
	ground_assert_file(g, UNBIND, FOREIGN);
}

static void no_node_is_set_beside_a_write(void **state)
{
	struct ground *g = *state;
	struct helper_request request = ground_request(HELPER_NODE_SET, FOREIGN, "");
	int fd = openat(g->config.lock_fd, FOREIGN, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(lock_byte(fd, F_WRLCK, 0), 0);
	request.access = (struct node_access){.has_mode = true, .mode = 0640};
	assert_int_equal(
		helper_call(g->helper, &request, now_ns() + 20 * SECOND, &g->reply), -EINPROGRESS);
	close(fd);
	assert_int_equal(ground_send(g, &request), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ground_setup, ground_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_write_that_blocks_is_left_behind_and_shows_until_it_ends),
		TEST(asking_does_not_get_in_a_writers_way),
		TEST(a_lock_that_is_no_file_of_ours_is_not_followed),
		TEST(nobody_is_pending_where_no_lock_is),
		TEST(a_lock_that_is_no_plain_file_keeps_nobody_waiting),
		TEST(a_lock_that_cannot_be_looked_at_may_be_held),
		TEST(the_setting_of_a_node_is_waited_for),
		TEST(no_node_is_set_beside_a_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
