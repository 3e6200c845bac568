/* SPDX-License-Identifier: MIT */
/* Bind and unbind when the kernel does not do as it is told: all or nothing. */
#include "tests/core/change/changes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What the kernel answers to these writes: no match, no device, no IOMMU, taken, deferred, not
 * loaded, not allowed; and what any write may come to. */
static const int errnos[] = {
	ENODEV, EINVAL, EBUSY, EAGAIN, ENOENT, EACCES, EPERM, EROFS, EIO, ENOMEM, ENXIO, ERANGE};

static void overridden(struct fixture *f)
{
	tree_set_override(f->tree, "0000:01:00.1", "snd_hda_intel");
	tree_set_override(f->tree, "0000:08:00.0", "none");
}

static void cards_bound(struct fixture *f)
{
	overridden(f);
	fixture_must_bind(f, CARDS);
}

static void driver_lost(struct fixture *f)
{
	cards_bound(f);
	tree_unbind(f->tree, "0000:01:00.0");
	tree_unbind(f->tree, "0000:01:00.1");
}

/* Every shape a plan can have. */
static const struct shape {
	const char *name, *addresses;
	change_fn *change;
	void (*prepare)(struct fixture *f);
	bool leave_driverless;
	unsigned writes;
} shapes[] = {
	{"bind", "0000:01:00.0", fixture_bind, NULL, false, 3},
	{"bind, overridden", "0000:01:00.1", fixture_bind, overridden, false, 3},
	{"bind, driverless", "0000:08:00.0", fixture_bind, NULL, false, 2},
	{"bind, driverless and overridden", "0000:08:00.0", fixture_bind, overridden, false, 2},
	{"bind several", CARDS, fixture_bind, overridden, false, 8},
	{"unbind", "0000:01:00.0", fixture_unbind, cards_bound, false, 3},
	{"unbind, overridden", "0000:01:00.1", fixture_unbind, cards_bound, false, 3},
	{"unbind to no driver", "0000:08:00.0", fixture_unbind, cards_bound, false, 2},
	{"unbind several", CARDS, fixture_unbind, cards_bound, false, 8},
	{"unbind another tool's", "0000:06:00.0", fixture_unbind, NULL, false, 3},
	{"leave driverless", "0000:01:00.1", fixture_unbind, cards_bound, true, 2},
	{"leave another tool's driverless", "0000:06:00.0", fixture_unbind, NULL, true, 2},
	{"leave several driverless", "0000:01:00.0 0000:06:00.0", fixture_unbind, cards_bound, true,
		4},
	{"bind what lost its driver", "0000:01:00.0", fixture_bind, driver_lost, false, 2},
};

static void begin_shape(const struct shape *s, struct fixture *f)
{
	if (s->prepare)
		s->prepare(f);
	fake_helper_clear(f->fake);
}

static int run_shape(const struct shape *s, struct fixture *f, bool dry,
	struct change_result *result, struct core_error *err)
{
	const struct change_request options = {
		.leave_driverless = s->leave_driverless, .dry_run = dry};

	return s->change(f, s->addresses, &options, result, err);
}

/* The writes that a dry run names, as the privileged helper's log has them. */
static void write_plan(const struct plan *plan, char *text, size_t size)
{
	static const char *const verbs[] = {"override", "unbind", "bind", "probe"};

	text[0] = '\0';
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];
		const char *name = step->action == PLAN_UNBIND ? "" : step->name;
		char address[PCI_ADDRESS_SIZE];
		size_t n = strlen(text);

		pci_address_format(step->address, address);
		snprintf(text + n, size - n, "%s %s%s%s\n", verbs[step->action], address,
			name[0] ? " " : "", name);
	}
}

/* A dry run has the very steps that are made, and leaves everything as it is. */
static void each_shape_does_what_its_dry_run_says(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
		struct change_result result;
		char text[1024];

		fixture_setup(state);
		struct fixture *f = *state;
		begin_shape(&shapes[i], f);
		CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
		assert_int_equal(run_shape(&shapes[i], f, true, &result, &err), 0);
		assert_int_equal(result.plan.count, shapes[i].writes);
		write_plan(&result.plan, text, sizeof(text));
		change_result_clear(&result);
		CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
		assert_string_equal(before, after);
		assert_int_equal(run_shape(&shapes[i], f, false, &result, &err), 0);
		change_result_clear(&result);
		fixture_assert_log(f, text);
		fixture_teardown(state);
	}
}

static void assert_nothing_changed(
	struct fixture *f, const char *before, const struct core_error *err, const char *where)
{
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);

	if (strcmp(before, after) != 0)
		fail_msg("%s:\n%s\nwas\n%s", where, after, before);
	assert_non_null(strstr(err->message, "nothing was changed"));
	assert_int_equal(err->problems.count, 1);
	assert_true(err->problems.items[0].message[0] && err->problems.items[0].action[0]);
	assert_true(err->code == CORE_ABORTED || err->code == CORE_PERMISSION ||
		    err->code == CORE_PRECONDITION);
}

/* Fails each write of the shape in turn, by every errno, and looks at what is left each time. */
static void fail_each_write(const struct shape *s, struct fixture *f, enum fake_fault_kind kind)
{
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	char where[128];

	for (unsigned k = 1; k <= s->writes; k++) {
		for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
			CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
			struct change_result result;

			fake_helper_clear(f->fake);
			fake_helper_fail(f->fake,
				&(struct fake_fault){.at = k, .kind = kind, .error = errnos[i]});
			snprintf(where, sizeof(where), "%s, write %u, errno %d", s->name, k,
				errnos[i]);
			if (run_shape(s, f, false, &result, &err) == 0)
				fail_msg("%s: success", where);
			assert_nothing_changed(f, before, &err, where);
		}
	}
	/* Nothing of all that is in the way of the change itself. */
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	fake_helper_clear(f->fake);
	if (run_shape(s, f, false, &result, &err))
		fail_msg("%s: %s", s->name, err.message);
	change_result_clear(&result);
	assert_int_equal(fake_helper_writes(f->fake), s->writes);
}

static void a_change_that_fails_anywhere_changes_nothing(void **state)
{
	static const enum fake_fault_kind kinds[] = {FAKE_ERRNO, FAKE_DONE_ERRNO};

	for (size_t i = 0; i < ARRAY_SIZE(shapes) * ARRAY_SIZE(kinds); i++) {
		const struct shape *s = &shapes[i / ARRAY_SIZE(kinds)];

		fixture_setup(state);
		begin_shape(s, *state);
		fail_each_write(s, *state, kinds[i % ARRAY_SIZE(kinds)]);
		fixture_stop(*state);
		assert_int_equal(fixture_count_intents(*state), 0);
		fixture_teardown(state);
	}
}

/* The line of that number, from 1, of the privileged helper's log. */
static bool was_probe(struct fixture *f, unsigned line)
{
	CLEANUP(free_cleanup) char *log = fake_helper_log(f->fake);
	const char *at = log;

	while (--line > 0)
		at = strchr(at, '\n') + 1;
	return strncmp(at, "probe", 5) == 0;
}

static char *snapshot_when_done(const struct shape *s)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	void *state;

	fixture_setup(&state);
	begin_shape(s, state);
	assert_int_equal(run_shape(s, state, false, &result, &err), 0);
	change_result_clear(&result);
	char *done = tree_snapshot(((struct fixture *)state)->tree);
	fixture_teardown(&state);
	return done;
}

static void lie_at(const struct shape *s, struct fixture *f, unsigned write, const char *done)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(free_cleanup) char *before = NULL;
	struct change_result result;

	begin_shape(s, f);
	before = tree_snapshot(f->tree);
	fake_helper_fail(f->fake, &(struct fake_fault){.at = write, .kind = FAKE_LIE});
	int rc = run_shape(s, f, false, &result, &err);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	if (rc) {
		assert_nothing_changed(f, before, &err, s->name);
		return;
	}
	change_result_clear(&result);
	/* No lie where things were so already; and a probe finds what it finds. */
	if (!was_probe(f, write))
		assert_string_equal(after, done);
}

static void a_kernel_that_reports_success_is_not_believed(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		CLEANUP(free_cleanup) char *done = snapshot_when_done(&shapes[i]);

		for (unsigned write = 1; write <= shapes[i].writes; write++) {
			fixture_setup(state);
			lie_at(&shapes[i], *state, write, done);
			fixture_teardown(state);
		}
	}
}

/* Every device that is not as it was is named; returns how many those are. */
static unsigned assert_changes_are_named(
	const char *before, const char *after, const struct core_error *err)
{
	unsigned n = 0;

	while (*before) {
		size_t len = strstr(before, " node=") - before;
		char address[PCI_ADDRESS_SIZE];

		if (strncmp(before, after, len) != 0) {
			snprintf(address, sizeof(address), "%.*s", (int)strcspn(before, " "),
				before);
			if (!find_problem(err, address, REASON_UNDO_FAILED))
				fail_msg("not named: %.*s, was %.*s", (int)strcspn(after, "\n"),
					after, (int)len, before);
			n++;
		}
		before = strchr(before, '\n') + 1;
		after = strchr(after, '\n') + 1;
	}
	return n;
}

static void fail_twice(const struct shape *s, struct fixture *f, unsigned first, unsigned second)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	struct change_result result;

	fake_helper_clear(f->fake);
	fake_helper_fail(
		f->fake, &(struct fake_fault){.at = first, .kind = FAKE_ERRNO, .error = EIO});
	fake_helper_fail(
		f->fake, &(struct fake_fault){.at = second, .kind = FAKE_ERRNO, .error = EINVAL});
	assert_int_equal(run_shape(s, f, false, &result, &err), -1);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	unsigned changed = assert_changes_are_named(before, after, &err);
	unsigned undo_failed = 0;
	for (size_t i = 0; i < err.problems.count; i++)
		undo_failed += err.problems.items[i].reason == REASON_UNDO_FAILED;
	/* The second struck one device's rollback, and no other's. */
	assert_int_equal(undo_failed, 1);
	assert_true(changed <= 1);
	assert_int_equal(err.problems.count, 2);
	assert_non_null(strstr(err.message, "not everything could be undone"));
}

/* The drivers that the devices began with are to be had by binding them again and giving them back:
 * an unbind alone leaves what is on no VFIO driver. */
static void assert_drivers_are_to_be_had(const struct shape *s, struct fixture *f)
{
	static const char *const home[][2] = {{"0000:01:00.0", "nvidia"},
		{"0000:01:00.1", "snd_hda_intel"}, {"0000:08:00.0", ""}};

	fake_helper_clear(f->fake);
	fixture_must_bind(f, s->addresses);
	fixture_must_unbind(f, s->addresses);
	for (size_t i = 0; i < ARRAY_SIZE(home); i++) {
		if (strstr(s->addresses, home[i][0]))
			fixture_assert_driver(f, home[i][0], home[i][1]);
	}
}

static unsigned count_writes(const struct shape *s, struct fixture *f, unsigned first)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;

	fake_helper_clear(f->fake);
	fake_helper_fail(
		f->fake, &(struct fake_fault){.at = first, .kind = FAKE_ERRNO, .error = EIO});
	assert_int_equal(run_shape(s, f, false, &result, &err), -1);
	return fake_helper_writes(f->fake);
}

static void a_rollback_that_fails_too_names_what_is_left(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *s = &shapes[i];

		for (unsigned first = 1; first <= s->writes; first++) {
			fixture_setup(state);
			begin_shape(s, *state);
			unsigned all = count_writes(s, *state, first);
			assert_true(all > first);
			for (unsigned second = first + 1; second <= all; second++) {
				fail_twice(s, *state, first, second);
				if (s->change == fixture_bind)
					assert_drivers_are_to_be_had(s, *state);
				fixture_teardown(state);
				fixture_setup(state);
				begin_shape(s, *state);
			}
			fixture_teardown(state);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shape_does_what_its_dry_run_says),
		cmocka_unit_test(a_change_that_fails_anywhere_changes_nothing),
		cmocka_unit_test(a_kernel_that_reports_success_is_not_believed),
		cmocka_unit_test(a_rollback_that_fails_too_names_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
