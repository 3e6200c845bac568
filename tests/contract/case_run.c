/* SPDX-License-Identifier: MIT */
/* Running a case. */
#include "core/base/clock.h"
#include "tests/contract/cases.h"
#include "tests/contract/face.h"
#include "tests/contract/host_step.h"
#include "tests/contract/match.h"

#include "core/base/util.h"

/* A case, or some of its steps, on its way. */
struct run {
	const json_t *steps, *expectations;
	const struct case_ground *ground;
	unsigned faces;
	struct face face;
};

static const char *root_of(const struct run *run)
{
	return run->ground->daemon ? run->ground->daemon->root : NULL;
}

/* By which faces to ask: all that there are and that the step offers; where a case is run by one
 * of them and a step has no such, by the other. */
static unsigned faces_of(const json_t *step, unsigned faces)
{
	unsigned offered = (json_is_object(json_object_get(step, "request")) ? CASE_REST : 0u) |
			   (json_is_object(json_object_get(step, "rpc")) ? CASE_RPC : 0u);

	return (offered & faces) ? offered & faces : offered;
}

/* The RPC's request: its own message, or the body that REST sent. */
static json_t *rpc_request(const json_t *step, const json_t *rpc)
{
	json_t *body = json_object_get(json_object_get(step, "request"), "body");
	json_t *request = json_copy((json_t *)rpc);

	if (body && !json_object_get(request, "message") && !json_object_get(request, "payload"))
		json_object_set(request, "message", body);
	return request;
}

static bool ask_rpc(
	struct face *face, const json_t *step, const json_t *expectation, struct why *why)
{
	const json_t *own = json_object_get(expectation, "rpc");
	json_t *request = rpc_request(step, json_object_get(step, "rpc"));
	struct why inner;
	bool ok = face_rpc(face, request, own ? own : json_object_get(expectation, "rest"), &inner);

	json_decref(request);
	return ok || why_not(why, "over RPC: %s", inner.text);
}

static bool run_all(struct run *run, struct why *why);

/* The steps between a request and its answer, over connections of their own. */
struct meanwhile {
	const struct run *outer;
	const json_t *steps, *expectations;
};

static bool run_meanwhile(void *arg, struct why *why)
{
	const struct meanwhile *m = arg;
	struct run run = {.steps = m->steps,
		.expectations = m->expectations,
		.ground = m->outer->ground,
		.faces = m->outer->faces};
	struct why inner;

	return run_all(&run, &inner) || why_not(why, "meanwhile, %s", inner.text);
}

static bool ask_faces(
	struct run *run, const json_t *step, const json_t *expectation, struct why *why)
{
	unsigned faces = faces_of(step, run->faces);

	if (faces & CASE_REST && !face_rest(&run->face, json_object_get(step, "request"),
					 json_object_get(expectation, "rest"), why))
		return false;
	if (faces & CASE_RPC && !ask_rpc(&run->face, step, expectation, why))
		return false;
	return faces || why_not(why, "the case asks for nothing");
}

static bool ask(struct run *run, const json_t *step, const json_t *expectation, struct why *why)
{
	struct meanwhile meanwhile = {
		run, json_object_get(step, "meanwhile"), json_object_get(expectation, "meanwhile")};

	if (!meanwhile.steps)
		return ask_faces(run, step, expectation, why);
	run->face.meanwhile = run_meanwhile;
	run->face.meanwhile_arg = &meanwhile;
	bool ok = ask_faces(run, step, expectation, why);
	run->face.meanwhile = NULL;
	run->face.meanwhile_arg = NULL;
	return ok;
}

/* What becomes so by and by, without anything to wait for: asks until it is so or time is over. */
static bool ask_until(
	struct run *run, const json_t *step, const json_t *expectation, struct why *why)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	struct tape *tape = run->ground->tape;
	int64_t until = now_ns() + 15 * NS_PER_S;
	size_t recorded = tape ? tape->count : 0;

	while (!ask(run, step, expectation, why)) {
		if (tape_is_replaying(tape) || now_ns() > until)
			return false;
		tape_cut(tape, recorded);
		nanosleep(&pause, NULL);
	}
	return true;
}

static bool run_step(struct run *run, size_t i, struct why *why)
{
	const json_t *step = json_array_get(run->steps, i);
	const json_t *expectation = json_array_get(run->expectations, i);

	if (host_step_is(step))
		return host_step_run(root_of(run), run->ground->tape, step,
			json_object_get(expectation, "is"), why);
	if (json_is_true(json_object_get(step, "wait")))
		return ask_until(run, step, expectation, why);
	return ask(run, step, expectation, why);
}

static bool run_all(struct run *run, struct why *why)
{
	size_t n = json_array_size(run->steps);
	bool ok = true;

	run->face.daemon = run->ground->daemon;
	run->face.tape = run->ground->tape;
	run->face.fd = -1;
	for (size_t i = 0; ok && i < n; i++) {
		struct why inner;

		ok = run_step(run, i, &inner);
		if (!ok && n > 1)
			why_not(why, "step %zu: %s", i + 1, inner.text);
		else if (!ok)
			*why = inner;
	}
	face_clear(&run->face);
	return ok;
}

/* How a daemon ended that does not come up: its exit status and what it said. */
static bool run_start(const struct contract_case *c, const struct case_ground *ground, int *status,
	struct bytes *said, struct why *why)
{
	struct daemon *d = daemon_start(ground->program, json_object_get(c->json, "start"), why);

	if (!d)
		return false;
	bool up = daemon_is_up(d);
	*status = up ? daemon_stop(d) : daemon_wait(d);
	bytes_add(said, d->said.data, d->said.len);
	daemon_free(d);
	if (up)
		return why_not(why, "it came up: %s", said->data);
	tape_record(ground->tape, *status, said, NULL);
	return true;
}

static bool check_start(const struct contract_case *c, const struct case_ground *ground,
	const json_t *expect, struct why *why)
{
	CLEANUP(bytes_clear) struct bytes said = {0};
	int status;

	if (tape_is_replaying(ground->tape)) {
		const struct tape_item *item = tape_play(ground->tape);
		status = item->number;
		bytes_add(&said, item->texts[0].data, item->texts[0].len);
	} else if (!run_start(c, ground, &status, &said, why)) {
		return false;
	}
	json_t *exit = json_integer(status), *text = json_stringn_nocheck(said.data, said.len);
	bool ok = match(json_object_get(expect, "exit"), exit, "exit status", why) &&
		  match(json_object_get(expect, "stderr"), text, "stderr", why);
	json_decref(exit);
	json_decref(text);
	return ok;
}

/* A case without steps is one. The caller lets go of it. */
static json_t *steps_of(const struct contract_case *c)
{
	json_t *steps = json_object_get(c->json, "steps");

	return steps ? json_incref(steps) : json_pack("[O]", c->json);
}

static json_t *expectations_of(const json_t *steps)
{
	json_t *list = json_array(), *step;
	size_t i;

	json_array_foreach(steps, i, step)
	{
		json_t *meanwhile = json_object_get(step, "meanwhile");

		json_array_append_new(list,
			json_pack("{sO* sO* sO* so*}", "rest", json_object_get(step, "expect"),
				"rpc", json_object_get(step, "expect_rpc"), "is",
				json_object_get(step, "is"), "meanwhile",
				meanwhile ? expectations_of(meanwhile) : NULL));
	}
	return list;
}

json_t *case_expectations(const struct contract_case *c)
{
	json_t *steps = steps_of(c), *list = expectations_of(steps);

	json_decref(steps);
	return list;
}

/* Whether every step finds a face to ask by and, where the face is asked for, one that offers it.
 */
bool case_can_run(const struct contract_case *c, unsigned faces, bool host)
{
	json_t *steps = steps_of(c), *step;
	bool ok = !json_object_get(c->json, "start"), by_face = false;
	size_t i;

	json_array_foreach(steps, i, step)
	{
		if (host_step_is(step)) {
			ok &= host;
			continue;
		}
		unsigned wanted = faces_of(step, c->faces);
		ok &= (wanted & faces) != 0;
		/* Over REST everything has to be; over RPC the odd question may be by REST. */
		if (c->faces == CASE_REST)
			ok &= wanted == CASE_REST;
		by_face |= (wanted & c->faces) != 0;
	}
	json_decref(steps);
	return ok && by_face;
}

bool case_run(const struct contract_case *c, const struct case_ground *ground,
	const json_t *expectations, struct why *why)
{
	if (json_object_get(c->json, "start"))
		return check_start(
			c, ground, json_object_get(json_array_get(expectations, 0), "rest"), why);
	json_t *steps = steps_of(c);
	struct run run = {.steps = steps,
		.expectations = expectations,
		.ground = ground,
		.faces = c->faces,
		.face.shared = json_is_true(json_object_get(c->json, "shared"))};
	bool ok = run_all(&run, why);

	json_decref(steps);
	return ok;
}
