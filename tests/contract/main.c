/* SPDX-License-Identifier: MIT */
/*
 * Holds a vfiod against the contract: every case of a folder, each a test of its own.
 *
 * Usage: contract_test VFIOD CASES [--mutants]
 * With --mutants each value that a case expects is made wrong in turn, and the case has to notice.
 */
#include "tests/contract/cases.h"
#include "tests/contract/mutate.h"

#include "core/util.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The cases of one variant, and the daemon they share. */
struct group {
	const char *variant; /* NULL: each case has its own */
	const char *program;
	const json_t *how; /* to start it */
	struct daemon *daemon;
	struct CMUnitTest *tests;
	size_t count;
};

/* cmocka gives a group's set-up no argument. */
static struct group *current;

static void run_case(void **state)
{
	const struct contract_case *c = *state;
	json_t *expectations = case_expectations(c);
	struct why why;
	bool ok = case_run(c, expectations, &why);

	json_decref(expectations);
	if (!ok)
		fail_msg("%s\n  proves: %s", why.text,
			json_string_value(json_object_get(c->json, "spec")));
}

static void run_mutants(void **state)
{
	const struct contract_case *c = *state;
	json_t *expectations = case_expectations(c), *mutant;
	char path[256], survivors[2048] = "";
	size_t n = 0;
	struct why why;

	while ((mutant = mutate(expectations, n, path, sizeof(path)))) {
		size_t len = strlen(survivors);

		if (case_run(c, mutant, &why))
			snprintf(survivors + len, sizeof(survivors) - len, "\n  %s", path);
		json_decref(mutant);
		n++;
	}
	json_decref(expectations);
	if (n == 0 || survivors[0])
		fail_msg("of %zu wrong expectations it notices all but:%s", n, survivors);
}

static int start_daemon(void **state)
{
	struct why why = {"it did not come up"};

	(void)state;
	current->daemon = daemon_start(current->program, current->how, &why);
	if (current->daemon && daemon_is_up(current->daemon))
		return 0;
	print_error("variant %s: %s\n%s", current->variant, why.text,
		current->daemon ? current->daemon->said.data : "");
	return -1;
}

static int free_daemon(void **state)
{
	(void)state;
	daemon_free(current->daemon);
	current->daemon = NULL;
	return 0;
}

/* The last test of a variant: the daemon has lived through all the others. */
static void end_daemon(void **state)
{
	struct daemon *d = current->daemon;

	(void)state;
	int status = daemon_stop(d);
	if (status != 0)
		fail_msg("exit status %d after SIGTERM; it said: %s", status, d->said.data);
}

static void add_test(struct group *group, const char *name, CMUnitTestFunction run, void *state)
{
	group->tests = reallocarray(group->tests, group->count + 1, sizeof(*group->tests));
	if (!group->tests)
		abort();
	group->tests[group->count++] =
		(struct CMUnitTest){.name = name, .test_func = run, .initial_state = state};
}

static bool same_variant(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static int run_group(struct cases *cases, const char *program, const char *variant, bool mutants)
{
	struct group group = {.variant = variant, .program = program};
	char name[128], end[160];

	for (size_t i = 0; i < cases->count; i++) {
		struct contract_case *c = &cases->items[i];

		if (!same_variant(c->variant, variant))
			continue;
		c->program = program;
		c->daemon = &group.daemon;
		add_test(&group, c->name, mutants ? run_mutants : run_case, c);
	}
	snprintf(name, sizeof(name), "variant %s", variant ? variant : "of each case's own");
	snprintf(end, sizeof(end), "%s: ends with status 0 on SIGTERM", name);
	group.how = variant ? json_object_get(cases->variants, variant) : NULL;
	if (variant)
		add_test(&group, end, end_daemon, NULL);
	current = &group;
	int failed = _cmocka_run_group_tests(name, group.tests, group.count,
		variant ? start_daemon : NULL, variant ? free_daemon : NULL);
	current = NULL;
	free(group.tests);
	return failed;
}

/* Every variant has cases, or it would be started for nothing. */
static int run_all(struct cases *cases, const char *program, bool mutants)
{
	const char *variant;
	json_t *how;
	int failed = run_group(cases, program, NULL, mutants);

	json_object_foreach(cases->variants, variant, how)
	{
		failed += run_group(cases, program, variant, mutants) != 0;
	}
	return failed;
}

int main(int argc, char **argv)
{
	bool mutants = argc == 4 && strcmp(argv[3], "--mutants") == 0;
	struct cases cases;
	struct why why;
	int failed = 1;

	if (argc != 3 && !mutants) {
		fprintf(stderr, "Usage: contract_test VFIOD CASES [--mutants]\n");
		return 2;
	}
	if (cases_load(argv[2], &cases, &why))
		failed = run_all(&cases, argv[1], mutants);
	else
		fprintf(stderr, "%s\n", why.text);
	cases_clear(&cases);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
