/* SPDX-License-Identifier: MIT */
/* What the tests of changes share. */
#include "tests/core/change/changes.h"

#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>

const struct core_problem *find_problem(
	const struct core_error *err, const char *subject, enum core_reason reason)
{
	for (size_t i = 0; i < err->problems.count; i++) {
		const struct core_problem *p = &err->problems.items[i];

		if (strcmp(p->subject, subject) == 0 && p->reason == reason)
			return p;
	}
	return NULL;
}

static void add_sentence(void *arg, const char *sentence)
{
	struct report *r = arg;
	size_t n = strlen(r->text);

	snprintf(r->text + n, sizeof(r->text) - n, "%s\n", sentence);
	r->count++;
}

void recover(struct fixture *f, struct report *ret)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;

	*ret = (struct report){.text = ""};
	assert_int_equal(host_recover(f->host, add_sentence, ret, &err), 0);
}

struct ear ear = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, "", "", "", ""};

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

void ear_listen(struct fixture *f)
{
	host_listen(f->host, hear, &ear);
}

int ear_setup(void **state)
{
	fixture_setup(state);
	ear.count = 0;
	ear_listen(*state);
	return 0;
}

void ear_wait(int count)
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

void ear_assert_told(const char *address, enum device_state state, const char *driver)
{
	ear_wait(1);
	assert_string_equal(ear.address, address);
	assert_string_equal(device_state_name(ear.state), device_state_name(state));
	assert_string_equal(ear.driver, driver);
	assert_non_null(strstr(ear.sentence, address));
}

void ear_assert_over(struct fixture *f, int told)
{
	fixture_stop(f);
	assert_int_equal(ear.count, told);
	assert_int_equal(fixture_count_intents(f), 0);
	fixture_start(f);
	ear_listen(f);
	ear.count = 0;
}

/* Whether the change came as far as that write before its deadline, which passes then. */
static bool comes_to(struct fixture *f, unsigned write, change_fn *change, const char *addresses,
	const struct change_request *options, struct core_error *err)
{
	struct change_result result;

	assert_int_equal(change(f, addresses, options, &result, err), -1);
	assert_int_equal(err->code, CORE_DEADLINE);
	return fake_helper_writes(f->fake) >= write;
}

void block_at(struct fixture *f, unsigned write, enum fake_fault_kind kind, change_fn *change,
	const char *addresses, const struct change_request *options, const char *pending)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request soon = options ? *options : (struct change_request){0};
	int64_t ns = 200000000;

	/* A machine that is busy may need longer to come to that write. */
	do {
		ns *= 2;
		core_error_clear(&err);
		soon.deadline = now_ns() + ns;
		fake_helper_clear(f->fake);
		fake_helper_fail(f->fake, &(struct fake_fault){.at = write, .kind = kind});
	} while (!comes_to(f, write, change, addresses, &soon, &err));
	assert_non_null(strstr(err.message, "UNBIND_PENDING"));
	assert_int_equal(err.problems.count, 1);
	assert_string_equal(err.problems.items[0].subject, pending);
	assert_int_equal(err.problems.items[0].reason, REASON_UNBIND_PENDING);
	assert_true(err.problems.items[0].action[0] != '\0');
	assert_int_equal(fixture_state(f, pending), STATE_UNBIND_PENDING);
	assert_int_equal(ear.count, 0);
}
