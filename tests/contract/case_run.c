/* SPDX-License-Identifier: MIT */
/* Running a case. */
#include "tests/contract/cases.h"
#include "tests/contract/face.h"
#include "tests/contract/match.h"

#include "core/util.h"

/* The RPC's request: its own message, or the body that REST sent. */
static json_t *rpc_request(const json_t *step, const json_t *rpc)
{
	json_t *body = json_object_get(json_object_get(step, "request"), "body");
	json_t *request = json_copy((json_t *)rpc);

	if (body && !json_object_get(request, "message") && !json_object_get(request, "payload"))
		json_object_set(request, "message", body);
	return request;
}

static bool run_rpc(
	struct face *face, const json_t *step, const json_t *expectation, struct why *why)
{
	const json_t *own = json_object_get(expectation, "rpc");
	json_t *request = rpc_request(step, json_object_get(step, "rpc"));
	struct why inner;
	bool ok = face_rpc(face, request, own ? own : json_object_get(expectation, "rest"), &inner);

	json_decref(request);
	return ok || why_not(why, "over RPC: %s", inner.text);
}

static bool run_step(
	struct face *face, const json_t *step, const json_t *expectation, struct why *why)
{
	const json_t *request = json_object_get(step, "request");

	if (json_is_object(request) &&
		!face_rest(face, request, json_object_get(expectation, "rest"), why))
		return false;
	if (json_is_object(json_object_get(step, "rpc")))
		return run_rpc(face, step, expectation, why);
	return json_is_object(request) || why_not(why, "the case asks for nothing");
}

static bool run_start(const struct contract_case *c, const json_t *expect, struct why *why)
{
	struct daemon *d = daemon_start(c->program, json_object_get(c->json, "start"), why);

	if (!d)
		return false;
	bool up = daemon_is_up(d);
	json_t *exit = json_integer(up ? daemon_stop(d) : daemon_wait(d));
	json_t *said = json_stringn_nocheck(d->said.data, d->said.len);
	bool ok = up ? why_not(why, "it came up: %s", d->said.data)
		     : match(json_object_get(expect, "exit"), exit, "exit status", why) &&
				  match(json_object_get(expect, "stderr"), said, "stderr", why);
	json_decref(exit);
	json_decref(said);
	daemon_free(d);
	return ok;
}

static bool run_steps(const struct contract_case *c, const json_t *expectations, struct why *why)
{
	const json_t *steps = json_object_get(c->json, "steps");
	size_t n = steps ? json_array_size(steps) : 1;
	struct face face = {.daemon = *c->daemon,
		.fd = -1,
		.shared = json_is_true(json_object_get(c->json, "shared"))};
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++) {
		struct why inner;

		ok = run_step(&face, steps ? json_array_get(steps, i) : c->json,
			json_array_get(expectations, i), &inner);
		if (!ok && steps)
			why_not(why, "step %zu: %s", i + 1, inner.text);
		else if (!ok)
			*why = inner;
	}
	face_clear(&face);
	return ok;
}

static json_t *expectation_of(const json_t *step)
{
	json_t *rest = json_object_get(step, "expect"), *rpc = json_object_get(step, "expect_rpc");

	return json_pack("{sO* sO*}", "rest", rest, "rpc", rpc);
}

json_t *case_expectations(const struct contract_case *c)
{
	const json_t *steps = json_object_get(c->json, "steps");
	json_t *list = json_array(), *step;
	size_t i;

	if (!steps)
		json_array_append_new(list, expectation_of(c->json));
	json_array_foreach(steps, i, step)
	{
		json_array_append_new(list, expectation_of(step));
	}
	return list;
}

bool case_run(const struct contract_case *c, const json_t *expectations, struct why *why)
{
	if (json_object_get(c->json, "start"))
		return run_start(c, json_object_get(json_array_get(expectations, 0), "rest"), why);
	return run_steps(c, expectations, why);
}
