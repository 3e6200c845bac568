/* SPDX-License-Identifier: MIT */
/* The cases as tests. */
#include "tests/contract/suite.h"
#include "tests/contract/contract_only.h"
#include "tests/contract/mutate.h"

#include "core/base/util.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

/* The cases of one variant that share a daemon, or one by one those that have their own. */
struct group {
	const struct suite *suite;
	const json_t *operations;
	const json_t *how; /* to start the daemon */
	bool shares;
	struct daemon *daemon; /* the shared one */
	struct CMUnitTest *tests;
	struct test *items;
	size_t count;
};

struct test {
	struct group *group;
	struct contract_case *c;
};

/* cmocka gives a group's set-up no argument. */
static struct group *current;

static struct daemon *start(const struct group *g, struct why *why)
{
	const struct suite *s = g->suite;
	struct daemon *d = s->program ? daemon_start(s->program, g->how, why)
				      : daemon_attach(s->rest, s->rpc, s->host, why);

	if (!d || !s->program || daemon_is_up(d))
		return d;
	why_not(why, "it did not come up: %s", d->said.data);
	daemon_free(d);
	return NULL;
}

static bool make_fresh(const struct suite *suite, struct why *why)
{
	/* NOLINTNEXTLINE(cert-env33-c): the command is the user's own */
	int status = suite->program ? 0 : system(suite->fresh);

	return status == 0 || why_not(why, "%s ended with status %d", suite->fresh,
				      WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* A daemon that has lived through a case ends well. */
static bool run_alone(
	const struct test *t, struct tape *tape, const json_t *expectations, struct why *why)
{
	struct daemon *d = make_fresh(t->group->suite, why) ? start(t->group, why) : NULL;
	struct case_ground ground = {.daemon = d, .tape = tape};

	if (!d)
		return false;
	bool ok = case_run(t->c, &ground, expectations, why);
	int status = daemon_stop(d);
	if (ok && status != 0)
		ok = why_not(why, "exit status %d after SIGTERM; it said: %.1500s", status,
			d->said.data);
	daemon_free(d);
	return ok;
}

static bool run(
	const struct test *t, struct tape *tape, const json_t *expectations, struct why *why)
{
	struct case_ground ground = {
		.program = t->group->suite->program, .daemon = t->group->daemon, .tape = tape};

	if (t->c->own_host)
		return run_alone(t, tape, expectations, why);
	return case_run(t->c, &ground, expectations, why);
}

static json_t *expectations_of(const struct test *t)
{
	json_t *list = case_expectations(t->c);

	if (!t->group->suite->program && !t->group->suite->extras)
		contract_only(t->group->operations, t->c, list);
	return list;
}

static void run_case(void **state)
{
	const struct test *t = *state;
	json_t *expectations = expectations_of(t);
	struct why why;
	bool ok = run(t, NULL, expectations, &why);

	json_decref(expectations);
	if (!ok)
		fail_msg("%s\n  proves: %s", why.text,
			json_string_value(json_object_get(t->c->json, "spec")));
}

/* What is wrong is held against what was said to the right one. */
static size_t count_mutants(const struct test *t, struct tape *tape, const json_t *expectations,
	char *survivors, size_t size)
{
	struct case_ground ground = {.tape = tape};
	json_t *mutant;
	char path[256];
	size_t n = 0;
	struct why why;

	while ((mutant = mutate(expectations, n, path, sizeof(path)))) {
		size_t len = strlen(survivors);

		tape_rewind(tape);
		if (case_run(t->c, &ground, mutant, &why))
			snprintf(survivors + len, size - len, "\n  %s", path);
		json_decref(mutant);
		n++;
	}
	return n;
}

static void run_mutants(void **state)
{
	const struct test *t = *state;
	json_t *expectations = expectations_of(t);
	struct tape tape = {0};
	char survivors[2048] = "";
	struct why why;
	size_t n = 0;
	bool ok = run(t, &tape, expectations, &why);

	if (ok)
		n = count_mutants(t, &tape, expectations, survivors, sizeof(survivors));
	tape_clear(&tape);
	json_decref(expectations);
	if (!ok)
		fail_msg("with the right expectations: %s", why.text);
	if (n == 0 || survivors[0])
		fail_msg("of %zu wrong expectations it notices all but:%s", n, survivors);
}

static int start_shared(void **state)
{
	struct why why;

	(void)state;
	current->daemon = start(current, &why);
	if (current->daemon)
		return 0;
	print_error("%s\n", why.text);
	return -1;
}

static int free_shared(void **state)
{
	(void)state;
	daemon_free(current->daemon);
	current->daemon = NULL;
	return 0;
}

/* The last test of a variant: the daemon has lived through all the others. */
static void end_shared(void **state)
{
	const struct test *t = *state;
	struct daemon *d = t->group->daemon;
	int status = daemon_stop(d);

	if (status != 0)
		fail_msg("exit status %d after SIGTERM; it said: %s", status, d->said.data);
}

static void add(
	struct group *g, const char *name, CMUnitTestFunction function, struct contract_case *c)
{
	g->items[g->count] = (struct test){.group = g, .c = c};
	g->tests[g->count] = (struct CMUnitTest){
		.name = name, .test_func = function, .initial_state = &g->items[g->count]};
	g->count++;
}

static bool same_variant(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static int run_group(struct group *g, const char *name)
{
	char end[192];

	snprintf(end, sizeof(end), "%s: ends with status 0 on SIGTERM", name);
	if (g->count > 0 && g->shares && g->suite->program)
		add(g, end, end_shared, NULL);
	current = g;
	int failed = g->count == 0 ? 0
				   : _cmocka_run_group_tests(name, g->tests, g->count,
					     g->shares ? start_shared : NULL,
					     g->shares ? free_shared : NULL);
	current = NULL;
	return failed != 0;
}

/* The cases of a variant that share a daemon, or those that do not. */
static int run_variant(
	const struct suite *suite, struct cases *cases, const char *variant, bool own_host)
{
	struct group g = {.suite = suite,
		.operations = cases->operations,
		.how = variant ? json_object_get(cases->variants, variant) : NULL,
		.shares = variant && !own_host,
		.tests = calloc(cases->count + 1, sizeof(*g.tests)),
		.items = calloc(cases->count + 1, sizeof(*g.items))};
	char name[128];

	if (!g.tests || !g.items)
		abort();
	for (size_t i = 0; i < cases->count; i++) {
		struct contract_case *c = &cases->items[i];

		if (same_variant(c->variant, variant) && c->own_host == own_host)
			add(&g, c->name, suite->mutants ? run_mutants : run_case, c);
	}
	snprintf(name, sizeof(name), "variant %s%s", variant ? variant : "of each case's own",
		own_host ? ", each on a fresh host" : "");
	int failed = run_group(&g, name);
	free(g.tests);
	free(g.items);
	return failed;
}

/* Why a server that runs already cannot be held to a case. */
enum reason { FITS, NEEDS_VARIANT, NEEDS_FRESH, NEEDS_FACE, REASONS };

static enum reason why_left_out(
	const struct suite *suite, const struct contract_case *c, unsigned faces)
{
	if (!c->variant || strcmp(c->variant, suite->variant) != 0)
		return NEEDS_VARIANT;
	if (c->own_host && !suite->fresh)
		return NEEDS_FRESH;
	return case_can_run(c, faces, suite->host != NULL) ? FITS : NEEDS_FACE;
}

static void leave_out(const struct suite *suite, struct cases *cases)
{
	static const char *const needs[REASONS] = {
		[NEEDS_VARIANT] = "a server that is started in another way (--variant)",
		[NEEDS_FRESH] = "a fresh server on a fresh host (--fresh)",
		[NEEDS_FACE] = "a face or a host that was not named (--rest, --rpc, --host)",
	};
	unsigned faces = (suite->rest ? CASE_REST : 0u) | (suite->rpc ? CASE_RPC : 0u);
	size_t counts[REASONS] = {0};
	size_t all = cases->count;

	cases->count = 0;
	for (size_t i = 0; i < all; i++) {
		enum reason reason = why_left_out(suite, &cases->items[i], faces);

		counts[reason]++;
		if (reason != FITS)
			continue;
		cases->items[i].faces &= faces;
		cases->items[cases->count++] = cases->items[i];
	}
	printf("%zu cases to run, %zu left out\n", cases->count, all - cases->count);
	for (size_t r = NEEDS_VARIANT; r < REASONS; r++) {
		if (counts[r] > 0)
			printf("  %zu need %s\n", counts[r], needs[r]);
	}
}

/* Every variant has cases, or it would be started for nothing. */
int suite_run(const struct suite *suite, struct cases *cases)
{
	const char *variant;
	json_t *how;
	int failed;

	if (!suite->program)
		leave_out(suite, cases);
	failed = run_variant(suite, cases, NULL, false);
	json_object_foreach(cases->variants, variant, how)
	{
		failed += run_variant(suite, cases, variant, false);
		failed += run_variant(suite, cases, variant, true);
	}
	return failed;
}
