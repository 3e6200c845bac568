/* SPDX-License-Identifier: MIT */
/* What the plugin refuses, with file, line and sentence. */
#include "tests/protoc-gen-vfiod/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct refusal {
	const char *file; /* in bad/ */
	const char *expected;
};

static const struct refusal refusals[] = {
	{"recursive.proto",
		"recursive.proto:13: t.Node.children makes the request of t.S/M recursive, and unpacking it could exhaust the stack\n"},
	{"mutual.proto",
		"mutual.proto:23: t.B.a makes the request of t.S/M recursive, and unpacking it could exhaust the stack\n"},
	{"streaming.proto",
		"streaming.proto:7: t.S/In streams: a call has one request and one reply\n"
		"streaming.proto:8: t.S/Out streams: a call has one request and one reply\n"},
	{"same_route.proto",
		"same_route.proto:18: POST /x is also the route of t.S/A (same_route.proto:12)\n"
		"same_route.proto:24: POST /x/ is also the route of t.S/A (same_route.proto:12)\n"
		"same_route.proto:24: POST /x/ is also the route of t.S/B (same_route.proto:18)\n"},
	{"path_variable.proto",
		"path_variable.proto:12: path /x/{text} of t.S/A has variables; a path is literal\n"
		"path_variable.proto:18: path /x/** of t.S/B has variables; a path is literal\n"},
	{"path_text.proto",
		"path_text.proto:12: path \"x\" of t.S/A must begin with / and consist of letters, digits, and / - . _ ~\n"
		"path_text.proto:18: path \"/x y\" of t.S/B must begin with / and consist of letters, digits, and / - . _ ~\n"
		"path_text.proto:24: path \"/x?y=%z\" of t.S/C must begin with / and consist of letters, digits, and / - . _ ~\n"},
	{"body.proto", "body.proto:12: body \"text\" of t.S/A is neither \"*\" nor empty\n"
		       "body.proto:18: t.S/B is a GET with a body\n"},
	{"no_verb.proto", "no_verb.proto:12: the http rule of t.S/A names no verb and path\n"},
	{"response_body.proto",
		"response_body.proto:12: response_body \"texts\" of t.S/A is no field of t.Out\n"},
	{"same_id.proto",
		"same_id.proto:18: operation id same is also that of t.S/A (same_id.proto:12)\n"},
	{"no_operation.proto",
		"no_operation.proto:12: t.S/A has HTTP but no rpc.v1.operation with id and tag\n"
		"no_operation.proto:17: t.S/B has HTTP but no rpc.v1.operation with id and tag\n"
		"no_operation.proto:23: id and tag of t.S/C must consist of letters, digits and _ (a tag also of -)\n"},
	{"comment.proto",
		"comment.proto:11: t.S/A has HTTP but no comment to describe it\n"
		"comment.proto:18: the comment of t.S/B must begin with a summary of one line and a blank line\n"},
	{"builtin.proto",
		"builtin.proto:12: path /healthz of t.S/A is one that the daemon serves itself\n"
		"builtin.proto:18: operation id getOpenAPI of t.S/B is one of the daemon's own\n"},
	{"map.proto",
		"map.proto:23: t.Inner.labels is a map, which the REST face does not carry: use a repeated message\n"
		"map.proto:27: t.Out.inners is a map, which the REST face does not carry: use a repeated message\n"},
	{"group.proto", "group.proto:19: t.In.inner is a group, which has no JSON form\n"},
	{"well_known.proto",
		"well_known.proto:19: t.S/B has HTTP and a google.protobuf type, whose own JSON form the REST face does not write\n"
		"well_known.proto:26: t.In.when is a message, which the query string of t.S/B cannot carry\n"
		"well_known.proto:26: t.In.when is a google.protobuf.Timestamp, whose own JSON form the REST face does not write\n"},
	{"query.proto",
		"query.proto:19: t.In.inner is a message, which the query string of t.S/A cannot carry\n"
		"query.proto:20: t.In.inners is a message, which the query string of t.S/A cannot carry\n"},
	{"schema_name.proto",
		"schema_name.proto:24: t.InInner would be schema InInner, as t.In.Inner (schema_name.proto:19) is\n"
		"schema_name.proto:30: t.Error would be schema Error, which is the shape of errors\n"},
	{"example.proto",
		"example.proto:25: example of t.In.text is not JSON: invalid token near 'bare'\n"
		"example.proto:12: request_example of t.S/A is not JSON: unexpected token near end of file\n"
		"example.proto:12: response_example of t.S/A: t.Out has no field texts\n"
		"example.proto:18: request_example of t.S/B: a t.In must be an object\n"
		"example.proto:18: response_example of t.S/B: items must be an array\n"},
	{"not_utf8.proto", "not_utf8.proto:12: the comment or an option here is not UTF-8\n"},
};

/* protoc puts the plugin's name before its error; before that it may warn on its own account. */
static void assert_refused(const struct run *run, const char *expected)
{
	const char *start = strstr(run->errors, "--vfiod_out: ");

	assert_int_equal(run->status, 1);
	if (!start)
		fail_msg("protoc said: %s", run->errors);
	assert_string_equal(start + strlen("--vfiod_out: "), expected);
}

static void refuses(void **state)
{
	const struct refusal *refusal = *state;
	struct run run;

	run_protoc(&run, "bad", "", refusal->file);
	run_clean(&run);
	assert_refused(&run, refusal->expected);
}

/* A project's own, fuller google/api/http.proto can say what ours cannot. */
static void refuses_unknown_rules(void **state)
{
	struct run run;

	(void)state;
	run_protoc(&run, "foreign", "", "unknown_rule.proto");
	run_clean(&run);
	assert_refused(&run,
		"unknown_rule.proto:12: the http rule of t.S/A sets field 11 of google.api.HttpRule, which is not supported\n");
}

static void refuses_parameters(void **state)
{
	struct run run;

	(void)state;
	run_protoc(&run, "good", "versio=1,version,detail=t.No", "good.proto");
	run_clean(&run);
	assert_refused(&run,
		"unknown parameter \"versio\": known are version=TEXT and detail=MESSAGE\n"
		"unknown parameter \"version\": known are version=TEXT and detail=MESSAGE\n"
		"parameter detail names no message: t.No\n");
}

static void refuses_other_input(void **state)
{
	static const char *const inputs[] = {"", "hello\n", "\x0a\x7f"};
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		run_plugin(&run, inputs[i]);
		assert_int_equal(run.status, 1);
		assert_non_null(strstr(run.errors, "standard input is no CodeGeneratorRequest"));
	}
}

int main(void)
{
	enum { COUNT = sizeof(refusals) / sizeof(refusals[0]) };
	struct CMUnitTest tests[COUNT + 3] = {
		cmocka_unit_test(refuses_unknown_rules),
		cmocka_unit_test(refuses_parameters),
		cmocka_unit_test(refuses_other_input),
	};

	for (size_t i = 0; i < COUNT; i++)
		tests[i + 3] = (struct CMUnitTest){
			.name = refusals[i].file,
			.test_func = refuses,
			.initial_state = (void *)&refusals[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
