/* SPDX-License-Identifier: MIT */
/* Writes that do not return in time, and what becomes of their changes when they do. */
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/engine.h"
#include "tests/core/fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char GPU[] = "0000:01:00.0", AUDIO[] = "0000:01:00.1", NIC[] = "0000:02:00.0",
		  FOREIGN[] = "0000:06:00.0";

/* What the engine's thread told. */
struct ear {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int count;
	enum device_state state;
	char address[PCI_ADDRESS_SIZE], driver[64], original_driver[64], sentence[640];
};

static struct ear ear = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, "", "", "", ""};

static void hear(void *arg, const struct pending_outcome *o)
{
	struct ear *e = arg;

	pthread_mutex_lock(&e->mutex);
	e->count++;
	e->state = o->state;
	pci_address_format(o->before->address, e->address);
	snprintf(e->driver, sizeof(e->driver), "%s", o->driver);
	snprintf(e->original_driver, sizeof(e->original_driver), "%s", o->original_driver);
	snprintf(e->sentence, sizeof(e->sentence), "%s", o->sentence);
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->mutex);
}

static void listen_to(struct fixture *f)
{
	host_listen(f->host, hear, &ear);
}

static int setup(void **state)
{
	fixture_setup(state);
	ear.count = 0;
	listen_to(*state);
	return 0;
}

/* Waits until so many outcomes have been told; the last is in ear. */
static void wait_told(int count)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	pthread_mutex_lock(&ear.mutex);
	while (ear.count < count && pthread_cond_timedwait(&ear.changed, &ear.mutex, &until) == 0)
		continue;
	int now = ear.count;
	pthread_mutex_unlock(&ear.mutex);
	assert_int_equal(now, count);
}

static void assert_told(const char *address, enum device_state state, const char *driver)
{
	wait_told(1);
	assert_string_equal(ear.address, address);
	assert_string_equal(device_state_name(ear.state), device_state_name(state));
	assert_string_equal(ear.driver, driver);
	assert_non_null(strstr(ear.sentence, address));
}

/* Ends the host, its threads with it: what was told was told once, and nothing is left over. */
static void assert_over(struct fixture *f, int told)
{
	fixture_stop(f);
	assert_int_equal(ear.count, told);
	assert_int_equal(fixture_count_intents(f), 0);
	fixture_start(f);
	listen_to(f);
	ear.count = 0;
}

typedef int change_fn(struct fixture *f, const char *addresses,
	const struct change_request *options, struct change_result *result, struct core_error *err);

/* A change whose write of this number does not return; the write's device is pending then. */
static void block_at(struct fixture *f, unsigned write, enum fake_fault_kind kind,
	change_fn *change, const char *addresses, const struct change_request *options,
	const char *pending)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request soon = options ? *options : (struct change_request){0};
	struct change_result result;

	soon.deadline = now_ns() + 400000000;
	fake_helper_clear(f->fake);
	fake_helper_fail(f->fake, &(struct fake_fault){.at = write, .kind = kind});
	assert_int_equal(change(f, addresses, &soon, &result, &err), -1);
	assert_int_equal(err.code, CORE_DEADLINE);
	assert_non_null(strstr(err.message, "UNBIND_PENDING"));
	assert_int_equal(err.problems.count, 1);
	assert_string_equal(err.problems.items[0].subject, pending);
	assert_int_equal(err.problems.items[0].reason, REASON_UNBIND_PENDING);
	assert_true(err.problems.items[0].action[0] != '\0');
	assert_int_equal(fixture_state(f, pending), STATE_UNBIND_PENDING);
	assert_int_equal(ear.count, 0);
}

static void a_bind_of_one_device_is_finished(void **state)
{
	struct fixture *f = *state;

	for (unsigned write = 1; write <= 3; write++) {
		block_at(f, write, FAKE_BLOCK, fixture_bind, GPU, NULL, GPU);
		fake_helper_release(f->fake);
		assert_told(GPU, STATE_VFIO, "vfio-pci");
		assert_string_equal(ear.original_driver, "nvidia");
		assert_over(f, 1);
		fixture_assert_override(f, GPU, "vfio-pci");
		fixture_must_unbind(f, GPU);
		fixture_assert_driver(f, GPU, "nvidia");
		fixture_assert_override(f, GPU, "");
	}
}

/* It came to nothing in the kernel: then the rest is done all the same. */
static void a_bind_whose_write_had_no_effect_is_finished(void **state)
{
	struct fixture *f = *state;

	block_at(f, 2, FAKE_HANG, fixture_bind, GPU, NULL, GPU);
	fake_helper_release(f->fake);
	assert_told(GPU, STATE_VFIO, "vfio-pci");
	assert_over(f, 1);
}

static void an_unbind_of_one_device_is_finished(void **state)
{
	struct fixture *f = *state;

	tree_set_override(f->tree, GPU, "kept");
	for (unsigned write = 1; write <= 4; write++) {
		fixture_must_bind(f, GPU);
		block_at(f, write, FAKE_BLOCK, fixture_unbind, GPU, NULL, GPU);
		fake_helper_release(f->fake);
		assert_told(GPU, STATE_HOST, "nvidia");
		assert_string_equal(ear.original_driver, "");
		assert_over(f, 1);
		fixture_assert_override(f, GPU, "kept");
		CLEANUP(device_cleanup) struct device *d = fixture_device(f, GPU);
		struct device_origin origin;
		assert_false(host_origin(f->host, d, &origin));
	}
}

static void an_unbind_of_what_another_tool_bound_is_finished(void **state)
{
	struct fixture *f = *state;

	for (unsigned write = 1; write <= 3; write++) {
		block_at(f, write, FAKE_BLOCK, fixture_unbind, FOREIGN, NULL, FOREIGN);
		fake_helper_release(f->fake);
		assert_told(FOREIGN, STATE_HOST, "nvme");
		assert_over(f, 1);
		fixture_assert_override(f, FOREIGN, "");
		tree_unbind(f->tree, FOREIGN);
		tree_set_override(f->tree, FOREIGN, "vfio-pci");
		tree_bind(f->tree, FOREIGN, "vfio-pci");
	}
}

static void what_is_to_be_left_without_a_driver_is(void **state)
{
	const struct change_request free = {.leave_driverless = true};
	const char *const devices[] = {GPU, FOREIGN};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i++) {
		const char *address = devices[i / 2];

		fixture_must_bind(f, address);
		block_at(f, i % 2 + 1, FAKE_BLOCK, fixture_unbind, address, &free, address);
		fake_helper_release(f->fake);
		assert_told(address, STATE_DRIVERLESS, "");
		assert_over(f, 1);
		fixture_assert_driver(f, address, "");
		fixture_assert_override(f, address, "");
		tree_bind(f->tree, address, i / 2 ? "vfio-pci" : "nvidia");
	}
}

static void one_of_a_batch_is_brought_back_as_the_others_were(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	for (unsigned write = 1; write <= 6; write++) {
		const char *blocked = write <= 3 ? GPU : NIC;

		block_at(f, write, FAKE_BLOCK, fixture_bind, "0000:01:00.0 0000:02:00.0", NULL,
			blocked);
		fixture_assert_driver(f, write <= 3 ? NIC : GPU, write <= 3 ? "e1000e" : "nvidia");
		fixture_assert_override(f, write <= 3 ? NIC : GPU, "");
		fake_helper_release(f->fake);
		assert_told(blocked, STATE_HOST, write <= 3 ? "nvidia" : "e1000e");
		assert_over(f, 1);
		CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
		assert_string_equal(before, after);
	}
}

static void one_of_an_unbound_batch_is_ours_again(void **state)
{
	struct fixture *f = *state;

	fixture_must_bind(f, "0000:01:00.0 0000:02:00.0");
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	for (unsigned write = 1; write <= 6; write++) {
		block_at(f, write, FAKE_BLOCK, fixture_unbind, "0000:01:00.0 0000:02:00.0", NULL,
			write <= 3 ? GPU : NIC);
		fake_helper_release(f->fake);
		assert_told(write <= 3 ? GPU : NIC, STATE_VFIO, "vfio-pci");
		assert_over(f, 1);
		CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
		assert_string_equal(before, after);
	}
	fixture_must_unbind(f, "0000:01:00.0 0000:02:00.0");
	fixture_assert_driver(f, NIC, "e1000e");
}

static void who_is_in_the_way_is_named(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request soon = {
		.deadline = now_ns() + 400000000, .force = 1u << REASON_VFIO_IN_USE};
	struct holder qemu = {.pid = 4242, .id = 1, .hold = HOLD_GROUP, .command = "qemu"};
	struct change_result result;
	struct fixture *f = *state;

	fixture_must_bind(f, GPU);
	fake_helper_clear(f->fake);
	fake_helper_set_holders(f->fake, &qemu, 1, 0);
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 2, .kind = FAKE_BLOCK});
	assert_int_equal(fixture_unbind(f, GPU, &soon, &result, &err), -1);
	assert_int_equal(err.code, CORE_DEADLINE);
	assert_non_null(strstr(err.message, "qemu (pid 4242)"));
	assert_int_equal(err.problems.items[0].n_holders, 1);
	assert_int_equal(err.problems.items[0].holders[0].pid, 4242);
	fake_helper_set_holders(f->fake, NULL, 0, 0);
	fake_helper_release(f->fake);
	assert_told(GPU, STATE_HOST, "nvidia");
}

static void a_pending_device_is_refused_and_others_are_not(void **state)
{
	struct fixture *f = *state;

	block_at(f, 2, FAKE_BLOCK, fixture_bind, GPU, NULL, GPU);
	fake_helper_clear(f->fake);
	static const uint32_t forces[] = {0, UINT32_MAX};
	for (size_t i = 0; i < 4; i++) {
		CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
		const struct change_request options = {.force = forces[i / 2]};
		struct change_result result;

		assert_int_equal(
			(i % 2 ? fixture_bind : fixture_unbind)(f, GPU, &options, &result, &err),
			-1);
		assert_int_equal(err.code, CORE_PRECONDITION);
		assert_int_equal(err.problems.items[0].reason, REASON_UNBIND_PENDING);
	}
	/* Not even of the same group. */
	fixture_must_bind(f, NIC);
	fixture_must_bind(f, AUDIO);
	fixture_must_unbind(f, AUDIO);
	fixture_must_unbind(f, NIC);
	fake_helper_release(f->fake);
	assert_told(GPU, STATE_VFIO, "vfio-pci");
}

/* The daemon ends and a new one starts while a write of the old one's helper has not returned. */
static int restart_blocked(struct fixture *f, const char *address)
{
	fixture_stop(f);
	assert_true(fixture_count_intents(f) > 0);
	int lock = fixture_block(f, address);
	fixture_start(f);
	listen_to(f);
	return lock;
}

struct report {
	int count;
	char text[1024];
};

static void note(void *arg, const char *sentence)
{
	struct report *r = arg;

	r->count++;
	snprintf(r->text, sizeof(r->text), "%s", sentence);
}

static void recover(struct fixture *f, const char *words)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct report report = {0};

	assert_int_equal(host_recover(f->host, note, &report, &err), 0);
	assert_int_equal(report.count, 1);
	assert_non_null(strstr(report.text, words));
}

static void a_restart_does_not_forget_a_change_to_finish(void **state)
{
	struct fixture *f = *state;

	block_at(f, 2, FAKE_HANG, fixture_bind, GPU, NULL, GPU);
	int lock = restart_blocked(f, GPU);
	recover(f, "UNBIND_PENDING");
	assert_int_equal(fixture_state(f, GPU), STATE_UNBIND_PENDING);
	assert_int_equal(ear.count, 0);
	/* And once more. */
	fixture_stop(f);
	assert_int_equal(fixture_count_intents(f), 1);
	fixture_start(f);
	listen_to(f);
	recover(f, "UNBIND_PENDING");
	close(lock);
	assert_told(GPU, STATE_VFIO, "vfio-pci");
	assert_over(f, 1);
	fixture_must_unbind(f, GPU);
	fixture_assert_driver(f, GPU, "nvidia");
}

static void a_restart_does_not_forget_a_change_to_undo(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	block_at(f, 2, FAKE_HANG, fixture_bind, "0000:01:00.0 0000:02:00.0", NULL, GPU);
	int lock = restart_blocked(f, GPU);
	recover(f, "UNBIND_PENDING");
	tree_unbind(f->tree, GPU);
	close(lock);
	assert_told(GPU, STATE_HOST, "nvidia");
	assert_over(f, 1);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
}

static void a_write_that_returned_while_no_daemon_ran_is_seen_at_the_next_start(void **state)
{
	struct fixture *f = *state;

	for (int batch = 0; batch < 2; batch++) {
		block_at(f, 2, FAKE_BLOCK, fixture_bind, batch ? "0000:01:00.0 0000:02:00.0" : GPU,
			NULL, GPU);
		fixture_stop(f); /* at which the stand-in's writes return */
		assert_int_equal(fixture_count_intents(f), 1);
		fixture_start(f);
		listen_to(f);
		recover(f, batch ? "it is back on nvidia" : "returned since");
		fixture_assert_driver(f, GPU, batch ? "nvidia" : "vfio-pci");
		assert_over(f, batch ? 0 : 1);
		fixture_must_unbind(f, GPU);
		fixture_assert_driver(f, GPU, "nvidia");
	}
}

static void a_device_that_left_meanwhile_took_its_change_along(void **state)
{
	static const struct tree_device nic = {.address = "0000:02:00.0",
		.vendor = 0x8086,
		.device = 0x10d3,
		.group = 2,
		.driver = "e1000e"};
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++) {
		bool unbind = i % 2, replaced = i / 2;
		struct device_origin origin;

		if (unbind)
			fixture_must_bind(f, NIC);
		block_at(f, 2, FAKE_HANG, unbind ? fixture_unbind : fixture_bind, NIC, NULL, NIC);
		tree_remove_device(f->tree, NIC);
		if (replaced) {
			struct tree_device other = nic;
			other.vendor = 0x15b3;
			tree_add_device(f->tree, &other);
		}
		fake_helper_release(f->fake);
		assert_told(NIC, STATE_GONE, "");
		assert_over(f, 1);
		if (replaced)
			tree_remove_device(f->tree, NIC);
		/* The same card again is a new one. */
		tree_add_device(f->tree, &nic);
		CLEANUP(device_cleanup) struct device *d = fixture_device(f, NIC);
		assert_false(host_origin(f->host, d, &origin));
	}
}

static void a_guard_that_came_meanwhile_stops_and_undoes_it(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	block_at(f, 1, FAKE_BLOCK, fixture_bind, NIC, NULL, NIC);
	tree_add_net(f->tree,
		&(struct tree_net){
			.name = "eth7", .address = NIC, .up = true, .default_route = true});
	fake_helper_release(f->fake);
	assert_told(NIC, STATE_HOST, "e1000e");
	assert_over(f, 1);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
}

/* A bind whose unbind was waited for, and that can then be neither finished nor undone. */
static void make_stuck(struct fixture *f)
{
	block_at(f, 2, FAKE_BLOCK, fixture_bind, GPU, NULL, GPU);
	fake_helper_clear(f->fake);
	fake_helper_fail(f->fake,
		&(struct fake_fault){.at = 1, .count = 1000, .kind = FAKE_ERRNO, .error = 5});
	fake_helper_release(f->fake);
	assert_told(GPU, STATE_DRIVERLESS, "");
}

static void what_can_be_neither_finished_nor_undone_is_told_and_kept(void **state)
{
	struct fixture *f = *state;

	make_stuck(f);
	assert_non_null(strstr(ear.sentence, "could not be brought back"));
	fixture_stop(f);
	assert_int_equal(ear.count, 1);
	assert_int_equal(fixture_count_intents(f), 1);
	fixture_start(f);
	/* What failed once is not finished behind anybody's back later. */
	recover(f, "it is back on nvidia");
	fixture_assert_driver(f, GPU, "nvidia");
}

/* The one who binds it again must not be told that it never had a driver. */
static void the_driver_of_a_stuck_device_is_remembered(void **state)
{
	struct fixture *f = *state;

	make_stuck(f);
	fake_helper_clear(f->fake);
	fixture_must_bind(f, GPU);
	fixture_must_unbind(f, GPU);
	fixture_assert_driver(f, GPU, "nvidia");
}

static void *open_gate(void *arg)
{
	pthread_barrier_wait(arg);
	return NULL;
}

static void at_gate(void *arg)
{
	open_gate(arg);
}

/* A write that finishes a change may block as well: it is waited for in turn. */
static void a_write_of_the_end_that_blocks_is_waited_for_too(void **state)
{
	struct fixture *f = *state;
	pthread_barrier_t gate;

	pthread_barrier_init(&gate, NULL, 2);
	block_at(f, 2, FAKE_BLOCK, fixture_bind, GPU, NULL, GPU);
	fake_helper_clear(f->fake);
	/* Override and bind are left of it. */
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 2, .kind = FAKE_BLOCK});
	fake_helper_after(f->fake, 2, at_gate, &gate);
	fake_helper_release(f->fake);
	pthread_barrier_wait(&gate);
	/* The thread is in that write now: it cannot be ended at once, and says so. */
	assert_false(host_quiesce(f->host, now_ns() + 1000000));
	assert_int_equal(ear.count, 0);
	assert_int_equal(fixture_state(f, GPU), STATE_UNBIND_PENDING);
	/* When it has given that up it can. */
	assert_true(host_quiesce(f->host, fixture_deadline()));
	fixture_stop(f);
	assert_int_equal(ear.count, 0);
	assert_int_equal(fixture_count_intents(f), 1);
	fixture_start(f);
	listen_to(f);
	recover(f, "returned since");
	assert_told(GPU, STATE_VFIO, "vfio-pci");
	assert_over(f, 1);
	pthread_barrier_destroy(&gate);
}

static void a_write_of_the_end_that_is_late_is_followed_to_its_end(void **state)
{
	struct fixture *f = *state;
	pthread_barrier_t gate;

	pthread_barrier_init(&gate, NULL, 2);
	block_at(f, 2, FAKE_BLOCK, fixture_bind, GPU, NULL, GPU);
	fake_helper_clear(f->fake);
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 2, .kind = FAKE_BLOCK});
	fake_helper_after(f->fake, 2, at_gate, &gate);
	fake_helper_release(f->fake);
	pthread_barrier_wait(&gate);
	/* Longer than the thread waits for its own writes; nothing tells of its giving up. */
	int64_t until = now_ns() + 2500000000;
	while (now_ns() < until)
		assert_int_equal(fixture_state(f, GPU), STATE_UNBIND_PENDING);
	fake_helper_release(f->fake);
	assert_told(GPU, STATE_VFIO, "vfio-pci");
	assert_over(f, 1);
	pthread_barrier_destroy(&gate);
}

static void threads_end_at_once_while_a_write_is_waited_for(void **state)
{
	struct fixture *f = *state;

	block_at(f, 2, FAKE_HANG, fixture_bind, GPU, NULL, GPU);
	assert_true(host_quiesce(f->host, fixture_deadline()));
	assert_true(host_quiesce(f->host, fixture_deadline()));
	fake_helper_release(f->fake);
	fixture_stop(f);
	assert_int_equal(ear.count, 0);
	assert_int_equal(fixture_count_intents(f), 1);
	fixture_start(f);
	listen_to(f);
	recover(f, "returned since");
	fixture_assert_driver(f, GPU, "vfio-pci");
}

static void several_are_waited_for_each_by_itself(void **state)
{
	struct fixture *f = *state;
	char driver[64];

	block_at(f, 2, FAKE_HANG, fixture_bind, GPU, NULL, GPU);
	int lock = fixture_block(f, "0000:08:00.0");
	block_at(f, 1, FAKE_HANG, fixture_bind, NIC, NULL, NIC);
	close(lock);
	fixture_stop(f);
	assert_int_equal(fixture_count_intents(f), 2);
	int first = fixture_block(f, GPU), second = fixture_block(f, NIC);
	fixture_start(f);
	listen_to(f);
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct report report = {0};
	assert_int_equal(host_recover(f->host, note, &report, &err), 0);
	assert_int_equal(report.count, 2);
	close(second);
	assert_told(NIC, STATE_VFIO, "vfio-pci");
	tree_driver(f->tree, GPU, driver, sizeof(driver));
	assert_string_equal(driver, "nvidia");
	assert_int_equal(fixture_state(f, GPU), STATE_UNBIND_PENDING);
	close(first);
	wait_told(2);
	assert_string_equal(ear.address, GPU);
	assert_over(f, 2);
}

static void the_wish_for_its_nodes_comes_true_when_it_is_finished(void **state)
{
	const struct change_request wish = {.access = {.has_mode = true, .mode = 0660}};
	struct fixture *f = *state;
	char path[300];

	block_at(f, 3, FAKE_BLOCK, fixture_bind, GPU, &wish, GPU);
	fake_helper_release(f->fake);
	assert_told(GPU, STATE_VFIO, "vfio-pci");
	snprintf(path, sizeof(path), "%s/dev/vfio/1", tree_root(f->tree));
	/* The keeper tells nobody: looked at until it is so. */
	for (int64_t until = fixture_deadline();;) {
		struct stat status;

		assert_int_equal(stat(path, &status), 0);
		if ((status.st_mode & 0777) == 0660)
			break;
		assert_true(now_ns() < until);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_bind_of_one_device_is_finished),
		TEST(a_bind_whose_write_had_no_effect_is_finished),
		TEST(an_unbind_of_one_device_is_finished),
		TEST(an_unbind_of_what_another_tool_bound_is_finished),
		TEST(what_is_to_be_left_without_a_driver_is),
		TEST(one_of_a_batch_is_brought_back_as_the_others_were),
		TEST(one_of_an_unbound_batch_is_ours_again),
		TEST(who_is_in_the_way_is_named),
		TEST(a_pending_device_is_refused_and_others_are_not),
		TEST(a_restart_does_not_forget_a_change_to_finish),
		TEST(a_restart_does_not_forget_a_change_to_undo),
		TEST(a_write_that_returned_while_no_daemon_ran_is_seen_at_the_next_start),
		TEST(a_device_that_left_meanwhile_took_its_change_along),
		TEST(a_guard_that_came_meanwhile_stops_and_undoes_it),
		TEST(what_can_be_neither_finished_nor_undone_is_told_and_kept),
		TEST(the_driver_of_a_stuck_device_is_remembered),
		TEST(a_write_of_the_end_that_blocks_is_waited_for_too),
		TEST(a_write_of_the_end_that_is_late_is_followed_to_its_end),
		TEST(threads_end_at_once_while_a_write_is_waited_for),
		TEST(several_are_waited_for_each_by_itself),
		TEST(the_wish_for_its_nodes_comes_true_when_it_is_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
