/* SPDX-License-Identifier: MIT */
/* Which event leads from which phase to which: docs/architecture.md, "The life of a change". */
#include "core/base/util.h"
#include "core/change/lifecycle.h"
#include "tests/core/test.h"

/* The phase of a change of n devices after the event. */
static enum intent_phase after(enum intent_phase phase, enum change_event event, size_t n)
{
	CLEANUP(free_cleanup) struct intent *intent = intent_new(CHANGE_BIND, n);

	intent->n_devices = n;
	intent->phase = phase;
	lifecycle_turn(intent, event);
	return intent->phase;
}

static void every_phase_has_a_next_one_for_every_event(void **state)
{
	static const struct {
		enum intent_phase phase, done, failed, blocked, blocked_of_several, found;
	} rows[] = {
		{CHANGE_MAKING, CHANGE_ENDED, CHANGE_ROLLING_BACK, CHANGE_FINISHING,
			CHANGE_ROLLING_BACK, CHANGE_ROLLING_BACK},
		{CHANGE_FINISHING, CHANGE_ENDED, CHANGE_ROLLING_BACK, CHANGE_FINISHING,
			CHANGE_FINISHING, CHANGE_FINISHING},
		{CHANGE_ROLLING_BACK, CHANGE_ENDED, CHANGE_ROLLING_BACK, CHANGE_ROLLING_BACK,
			CHANGE_ROLLING_BACK, CHANGE_ROLLING_BACK},
		/* Its records could not be written. */
		{CHANGE_ENDED, CHANGE_ENDED, CHANGE_ROLLING_BACK, CHANGE_ROLLING_BACK,
			CHANGE_ROLLING_BACK, CHANGE_ENDED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(after(rows[i].phase, CHANGE_DONE, 1), rows[i].done);
		assert_int_equal(after(rows[i].phase, CHANGE_FAILED, 1), rows[i].failed);
		assert_int_equal(after(rows[i].phase, CHANGE_BLOCKED, 1), rows[i].blocked);
		assert_int_equal(
			after(rows[i].phase, CHANGE_BLOCKED, 2), rows[i].blocked_of_several);
		assert_int_equal(after(rows[i].phase, CHANGE_FOUND, 1), rows[i].found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_phase_has_a_next_one_for_every_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
