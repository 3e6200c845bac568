/* SPDX-License-Identifier: MIT */
/* The process of the privileged helper: its children are bounded, and keep nothing of main's. */
#include "core/helper/blocked.h"
#include "tests/core/helper/ground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void blocked_commands_leave_room_for_looks_and_are_bounded(void **state)
{
	const struct helper_request get = ground_request(HELPER_OVERRIDE_GET, GPU, "");
	const struct helper_request look = ground_request(HELPER_HOLDERS, GPU, "");
	struct ground *g = *state;
	int near[200];

	size_t before = raw_idle_descriptors(g);
	ground_block(g, GPU_OVERRIDE);
	for (size_t i = 0; i < ARRAY_SIZE(near); i++) {
		/* The socket alone has not room for all. */
		if (i == HELPER_MAX_AT_WORK)
			raw_wait_until(g, raw_count_children, HELPER_MAX_AT_WORK);
		near[i] = raw_begin(g, CHANGE, &get);
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(raw_call(g, LOOK, &look), 0);
	raw_wait_until(g, raw_count_children, HELPER_MAX_AT_WORK);
	/* What only reads is ended with its caller, and the next has its place. */
	for (size_t i = 0; i < HELPER_MAX_AT_WORK; i++)
		close(near[i]);
	raw_wait_until(g, raw_count_descriptors, before + HELPER_MAX_AT_WORK);
	raw_wait_until(g, raw_count_children, HELPER_MAX_AT_WORK);
	for (size_t i = HELPER_MAX_AT_WORK; i < ARRAY_SIZE(near); i++)
		close(near[i]);
	raw_wait_until(g, raw_count_children, 0);
	raw_assert_serves(g);
	raw_wait_until(g, raw_count_descriptors, before);
}

/* Whether the child that was begun last waits for something. */
static bool last_child_sleeps(const struct ground *g)
{
	char path[64], state = 0;
	int pid = 0;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", g->pid, g->pid);
	CLEANUP(free_cleanup) char *children = sysfs_slurp(AT_FDCWD, path, 1 << 20, &len);
	for (char *save, *s = strtok_r(children, " ", &save); s; s = strtok_r(NULL, " ", &save))
		pid = atoi(s);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	CLEANUP(free_cleanup) char *stat = sysfs_slurp(AT_FDCWD, path, 4096, &len);
	return stat && sscanf(stat, "%*d (%*[^)]) %c", &state) == 1 && state == 'S';
}

/* Begins a bind of a new device, which blocks, and leaves it. */
static void abandon_bind(struct ground *g, unsigned i)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int64_t until = now_ns() + 20 * SECOND;
	char device[PCI_ADDRESS_SIZE];

	pci_address_format(
		(struct pci_address){1, (uint8_t)(i / 32), (uint8_t)(i % 32), 0}, device);
	tree_add_device(g->tree, &(struct tree_device){.address = device});
	const struct helper_request bind_it = ground_request(HELPER_BIND, device, "vfio-pci");
	CLEANUP(fd_cleanup) int near = raw_begin(g, CHANGE, &bind_it);
	assert_true(near >= 0);
	/* Left before it is past its last look at its caller, it would not be begun. */
	while (!blocked_is_locked(g->config.lock_fd, bind_it.address) || !last_child_sleeps(g)) {
		assert_true(now_ns() < until);
		nanosleep(&pause, NULL);
	}
}

static void writes_left_behind_take_no_place_and_are_bounded(void **state)
{
	const struct helper_request bind_it = ground_request(HELPER_BIND, FREE, "vfio-pci");
	const struct helper_request look = ground_request(HELPER_HOLDERS, FREE, "");
	struct ground *g = *state;
	char absolute[400];

	ground_block(g, BIND);
	for (unsigned i = 0; raw_count_children(g) < HELPER_MAX_ABANDONED; i++)
		abandon_bind(g, i);
	assert_int_equal(raw_call(g, CHANGE, &bind_it), HELPER_TOO_MANY);
	assert_int_equal(raw_call(g, LOOK, &look), 0);
	/* They go on by themselves, and then there is room again. */
	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(g->tree), BIND);
	CLEANUP(fd_cleanup) int fd = open(absolute, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	raw_wait_until(g, raw_count_children, 0);
	assert_int_equal(raw_call(g, CHANGE, &bind_it), 0);
}

static void a_command_that_nobody_waits_for_is_not_begun(void **state)
{
	const struct helper_request bind = ground_request(HELPER_BIND, FREE, "vfio-pci");
	struct ground *g = *state;

	raw_assert_serves(g);
	assert_int_equal(kill(g->pid, SIGSTOP), 0);
	close(raw_begin(g, CHANGE, &bind));
	assert_int_equal(kill(g->pid, SIGCONT), 0);
	raw_assert_serves(g);
	raw_wait_until(g, raw_count_children, 0);
	ground_assert_file(g, BIND, "");
	assert_int_equal(raw_call(g, CHANGE, &bind), 0);
	ground_assert_file(g, BIND, FREE);
}

static void set_limit(const struct ground *g, rlim_t n)
{
	struct rlimit limit;

	assert_int_equal(prlimit(g->pid, RLIMIT_NOFILE, NULL, &limit), 0);
	limit.rlim_cur = n;
	assert_int_equal(prlimit(g->pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

static mode_t node_mode(struct ground *g)
{
	struct stat status;
	char path[300];

	snprintf(path, sizeof(path), "%s/dev/vfio/9", tree_root(g->tree));
	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 07777;
}

/* A helper that can open nothing more can look at nothing, and must do nothing. */
static void a_helper_short_of_descriptors_gives_no_node_away(void **state)
{
	struct helper_request r = ground_request(HELPER_NODE_SET, FOREIGN, "");
	struct ground *g = *state;
	struct helper_reply reply;

	raw_stop(g);
	ground_allow_nvidia(g);
	raw_start(g);
	raw_assert_serves(g);
	r.access = (struct node_access){.has_mode = true, .mode = 0640};
	mode_t before = node_mode(g);
	assert_int_not_equal(before, 0640);
	raw_wait_until(g, raw_count_children, 0);
	for (rlim_t n = 3; n < 24; n++) {
		set_limit(g, n);
		CLEANUP(fd_cleanup) int near = raw_begin(g, CHANGE, &r);
		assert_int_not_equal(raw_receive(near, &reply), 0);
		assert_int_equal(node_mode(g), before);
	}
	set_limit(g, 1024);
	assert_int_equal(raw_call(g, CHANGE, &r), EPERM);
	raw_assert_serves(g);
}

/* Makes the privileged helper one whose fork fails: a user's processes are bounded, root's are not.
 */
static int allow_no_process(void *arg)
{
	const struct rlimit none = {0};

	(void)arg;
	return setrlimit(RLIMIT_NPROC, &none) < 0 || (getuid() == 0 && setuid(65533) < 0) ? -1 : 0;
}

static void a_fork_that_fails_is_an_answer(void **state)
{
	const struct helper_request look = ground_request(HELPER_HOLDERS, GPU, "");
	const struct helper_request bind_it = ground_request(HELPER_BIND, GPU, "vfio-pci");
	struct ground *g = *state;

	raw_stop(g);
	g->config.confine = allow_no_process;
	raw_start(g);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(raw_call(g, LOOK, &look), EAGAIN);
		assert_int_equal(raw_call(g, CHANGE, &bind_it), EAGAIN);
	}
	ground_assert_file(g, BIND, "");
}

static void a_helper_ignores_the_signals_meant_for_main(void **state)
{
	struct ground *g = *state;

	tree_unbind(g->tree, GPU);
	/* Its first answer says that it has come so far as to ignore them. */
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_GET, GPU, ""), 0);
	assert_int_equal(kill(helper_pid(g->helper), SIGTERM), 0);
	assert_int_equal(kill(helper_pid(g->helper), SIGINT), 0);
	assert_int_equal(ground_call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
}

static void assert_end_of_file(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(read(fd, &byte, 1), 0);
}

static void descriptors_of_main_are_not_inherited(void **state)
{
	struct ground *g = *state;
	int inherited[2];

	tree_unbind(g->tree, GPU);
	helper_free(STEAL(g->helper));
	/* Without close-on-exec, and a number that the privileged helper wants for itself among
	 * them. */
	assert_int_equal(pipe(inherited), 0);
	ground_restart(g);
	assert_int_equal(ground_call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
	close(inherited[1]);
	assert_end_of_file(inherited[0]);
	close(inherited[0]);
}

/* Whoever waits for the end of the daemon's log does not wait for a write left behind, whether it
 * was going to set something or to read what blocks as well. */
static void what_is_left_behind_lets_go_of_stdio(void **state)
{
	static const enum helper_op ops[] = {HELPER_OVERRIDE_SET, HELPER_OVERRIDE_GET};
	struct ground *g = *state;
	char absolute[400];

	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(g->tree), GPU_OVERRIDE);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		int log[2], saved = dup(STDERR_FILENO);

		helper_free(STEAL(g->helper));
		assert_int_equal(pipe2(log, O_CLOEXEC), 0);
		dup2(log[1], STDERR_FILENO);
		ground_restart(g);
		dup2(saved, STDERR_FILENO);
		close(saved);
		close(log[1]);
		ground_block(g, GPU_OVERRIDE);
		assert_int_equal(
			ground_call_until(g, ops[i], GPU, "vfio-pci", now_ns() + SECOND / 2),
			-ETIMEDOUT);
		helper_free(STEAL(g->helper));
		assert_end_of_file(log[0]);
		close(log[0]);
		/* Both ends at once, so that whichever blocks goes on. */
		int fd = open(absolute, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		assert_true(fd >= 0);
		assert_true(write(fd, "x\n", 2) == 2);
		close(fd);
		if (ops[i] == HELPER_OVERRIDE_SET)
			ground_unblock(g, GPU_OVERRIDE, GPU);
		ground_restart(g);
	}
}

int main(void)
{
#define RAW(f) cmocka_unit_test_setup_teardown(f, raw_setup, raw_teardown)
#define TEST(f) cmocka_unit_test_setup_teardown(f, ground_setup, ground_teardown)
	const struct CMUnitTest tests[] = {
		RAW(blocked_commands_leave_room_for_looks_and_are_bounded),
		RAW(writes_left_behind_take_no_place_and_are_bounded),
		RAW(a_command_that_nobody_waits_for_is_not_begun),
		RAW(a_helper_short_of_descriptors_gives_no_node_away),
		RAW(a_fork_that_fails_is_an_answer),
		TEST(a_helper_ignores_the_signals_meant_for_main),
		TEST(descriptors_of_main_are_not_inherited),
		TEST(what_is_left_behind_lets_go_of_stdio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
