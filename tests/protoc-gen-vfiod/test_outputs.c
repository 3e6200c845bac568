/* SPDX-License-Identifier: MIT */
/* What the plugin makes of good/good.proto, which has a bit of everything. */
#include "tests/protoc-gen-vfiod/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct run run;
	json_t *document;
};

static int group_setup(void **state)
{
	static struct fixture fixture;
	char *text;

	run_protoc(&fixture.run, "good", "version=1.2,detail=t.Inner", "good.proto");
	assert_string_equal(fixture.run.errors, "");
	assert_int_equal(fixture.run.status, 0);
	text = run_read(&fixture.run, "openapi.json");
	fixture.document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	assert_non_null(fixture.document);
	*state = &fixture;
	return 0;
}

static int group_teardown(void **state)
{
	struct fixture *fixture = *state;

	json_decref(fixture->document);
	run_clean(&fixture->run);
	return 0;
}

static void assert_output_has(void **state, const char *name, const char *text)
{
	struct fixture *fixture = *state;
	char *output = run_read(&fixture->run, name);

	if (!strstr(output, text))
		fail_msg("%s lacks: %s", name, text);
	free(output);
}

static void methods_are_sorted(void **state)
{
	assert_output_has(state, "methods.gen.c",
		"#include \"good.pb-c.h\"\n"
		"\n"
		"const struct rpc_method rpc_methods[] = {\n"
		"\t{\"t.Things/Find\", &t__things__descriptor, 1, false},\n"
		"\t{\"t.Things/Nothing\", &t__things__descriptor, 2, false},\n"
		"\t{\"t.Things/Store\", &t__things__descriptor, 0, true},\n"
		"\t{\"t.Wire/Labels\", &t__wire__descriptor, 0, true},\n"
		"};\n"
		"\n"
		"const size_t rpc_method_count = 4;\n");
}

static void routes_are_sorted(void **state)
{
	assert_output_has(state, "routes.gen.c",
		"const struct rest_route rest_routes[] = {\n"
		"\t{\"GET\", \"/nothing\", &rpc_methods[1], false, NULL},\n"
		"\t{\"GET\", \"/things\", &rpc_methods[0], false, \"things\"},\n"
		"\t{\"POST\", \"/things\", &rpc_methods[2], true, NULL},\n"
		"};\n"
		"\n"
		"const size_t rest_route_count = 3;\n");
}

/* Takes out what breaks a long literal into lines. */
static void join_lines(char *text)
{
	static const char seam[] = "\"\n\t\"";

	while ((text = strstr(text, seam)))
		memmove(text, text + strlen(seam), strlen(text + strlen(seam)) + 1);
}

/* Quotes, "?" (trigraphs) and bytes over 127 must reach the C compiler whole. */
static void document_is_escaped(void **state)
{
	struct fixture *fixture = *state;
	char *source = run_read(&fixture->run, "openapi.gen.c");

	join_lines(source);
	assert_non_null(strstr(source, "{\\\"openapi\\\":\\\"3.1.0\\\","));
	assert_non_null(strstr(source, "^[a-z\\?\\?]+$"));
	assert_non_null(strstr(source, "\\342\\200\\234all of it\\342\\200\\235."));
	free(source);
}

static void info_is_from_service(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;

	run_assert_text(document, "info|version", "1.2");
	run_assert_text(document, "info|description", "Keeps things.\n\nAt length.");
	run_assert_json(document, "tags",
		"[{\"name\":\"things\",\"description\":\"Keeps things.\"},"
		"{\"name\":\"other\",\"description\":\"Keeps things.\"},"
		"{\"name\":\"daemon\",\"description\":\"The daemon itself.\"}]");
}

/* The fixture sets its options one field at a time: they arrive in as many parts. */
static void post_has_body(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;
	json_t *post = run_at(document, "paths|/things|post");

	run_assert_text(post, "operationId", "storeThing");
	run_assert_text(post, "summary", "Store a thing");
	run_assert_text(post, "description", "The rest of the comment.");
	run_assert_json(post, "requestBody",
		"{\"required\":true,\"content\":{\"application/json\":"
		"{\"schema\":{\"$ref\":\"#/components/schemas/StoreRequest\"}}}}");
	run_assert_text(post, "responses|200|content|application/json|schema|$ref",
		"#/components/schemas/Thing");
	assert_null(json_object_get(post, "parameters"));
}

static void get_has_parameters(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;
	json_t *get = run_at(document, "paths|/things|get");

	assert_null(json_object_get(get, "requestBody"));
	run_assert_json(get, "parameters",
		"[{\"name\":\"kinds\",\"in\":\"query\",\"description\":\"Kinds to find.\","
		"\"schema\":{\"type\":\"array\","
		"\"items\":{\"$ref\":\"#/components/schemas/ThingKind\"}}},"
		"{\"name\":\"name\",\"in\":\"query\",\"required\":true,"
		"\"schema\":{\"type\":\"string\",\"pattern\":\"^[a-z??]+$\"},\"example\":\"a\"}]");
	assert_null(json_object_get(run_at(document, "paths|/nothing|get"), "parameters"));
}

static void response_body_is_the_answer(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;

	run_assert_json(document, "paths|/things|get|responses|200",
		"{\"description\":\"What was found: “all of it”.\",\"content\":"
		"{\"application/json\":{\"schema\":{\"type\":\"array\","
		"\"items\":{\"$ref\":\"#/components/schemas/Thing\"}}}}}");
	assert_null(json_object_get(run_at(document, "components|schemas"), "FindResponse"));
	assert_null(json_object_get(run_at(document, "components|schemas"), "FindRequest"));
}

static void scalars_follow_the_json_mapping(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;
	json_t *thing = run_at(document, "components|schemas|Thing|properties");

	run_assert_json(thing, "i32", "{\"type\":\"integer\",\"format\":\"int32\"}");
	run_assert_json(thing, "u32", "{\"type\":\"integer\",\"format\":\"uint32\",\"minimum\":0}");
	run_assert_json(thing, "i64", "{\"type\":\"string\",\"format\":\"int64\"}");
	run_assert_json(thing, "u64", "{\"type\":\"string\",\"format\":\"uint64\"}");
	run_assert_json(thing, "ratio", "{\"type\":\"number\",\"format\":\"double\"}");
	run_assert_json(thing, "part", "{\"type\":\"number\",\"format\":\"float\"}");
	run_assert_json(thing, "flag", "{\"type\":\"boolean\"}");
	run_assert_json(thing, "raw", "{\"type\":\"string\",\"contentEncoding\":\"base64\"}");
	run_assert_json(thing, "kind", "{\"$ref\":\"#/components/schemas/ThingKind\"}");
	run_assert_json(thing, "inners",
		"{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Inner\"}}");
}

static void enums_are_text(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;

	run_assert_json(document, "components|schemas|ThingKind",
		"{\"type\":\"string\","
		"\"description\":\"How big.\\n\\n- `KIND_UNKNOWN`: Nobody knows.\","
		"\"enum\":[\"KIND_UNKNOWN\",\"KIND_BIG\"]}");
}

/* An answer prints every field that cannot be absent; a request needs what its rules say. */
static void required_differs_by_side(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;
	json_t *schemas = run_at(document, "components|schemas");

	run_assert_json(schemas, "Thing|required",
		"[\"i32\",\"u32\",\"i64\",\"u64\",\"ratio\",\"part\",\"flag\",\"raw\",\"kind\","
		"\"inners\",\"shown\",\"sure\"]");
	run_assert_json(schemas, "StoreRequest|required", "[\"names\"]");
	run_assert_json(schemas, "StoreRequest|additionalProperties", "false");
	run_assert_json(schemas, "Inner|required", "[\"text\"]");
	assert_null(json_object_get(run_at(schemas, "Thing"), "additionalProperties"));
	assert_null(json_object_get(run_at(schemas, "Inner"), "additionalProperties"));
}

static void rules_and_oneofs_are_told(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;
	json_t *schemas = run_at(document, "components|schemas");

	run_assert_json(schemas, "StoreRequest|properties|names",
		"{\"type\":\"array\",\"items\":{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"},"
		"\"minItems\":1,\"maxItems\":3,\"description\":\"Names of it.\","
		"\"examples\":[[\"a\"]]}");
	run_assert_text(
		schemas, "Thing|description", "A thing.\n\nAt most one of `left`, `right` is set.");
}

/* An example is what the daemon would print: absent fields get their example or default. */
static void answer_example_is_completed(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;

	run_assert_json(document,
		"paths|/things|post|responses|200|content|application/json|example",
		"{\"i32\":0,\"u32\":0,\"i64\":\"0\",\"u64\":\"0\",\"ratio\":0,\"part\":0,"
		"\"flag\":false,\"raw\":\"\",\"kind\":\"KIND_BIG\","
		"\"inner\":{\"text\":\"\",\"flag\":false},\"inners\":[],\"shown\":\"as shown\","
		"\"sure\":{\"text\":\"\",\"flag\":false}}");
}

static void unreached_types_stay_out(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;
	json_t *schemas = run_at(document, "components|schemas");

	assert_null(json_object_get(schemas, "LabelsRequest"));
	assert_null(json_object_get(schemas, "Tree"));
	assert_int_equal(json_object_size(schemas), 6);
}

static void failures_fit_the_operation(void **state)
{
	json_t *document = ((struct fixture *)*state)->document;
	json_t *change = run_at(document, "paths|/things|post|responses");
	json_t *read = run_at(document, "paths|/things|get|responses");

	run_assert_text(change, "409|$ref", "#/components/responses/Conflict");
	run_assert_text(change, "413|$ref", "#/components/responses/ContentTooLarge");
	assert_null(json_object_get(read, "409"));
	assert_null(json_object_get(read, "413"));
	run_assert_text(read, "504|$ref", "#/components/responses/GatewayTimeout");
	run_assert_json(document, "components|schemas|Error|properties|details|items",
		"{\"$ref\":\"#/components/schemas/Inner\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_are_sorted),
		cmocka_unit_test(routes_are_sorted),
		cmocka_unit_test(document_is_escaped),
		cmocka_unit_test(info_is_from_service),
		cmocka_unit_test(post_has_body),
		cmocka_unit_test(get_has_parameters),
		cmocka_unit_test(response_body_is_the_answer),
		cmocka_unit_test(scalars_follow_the_json_mapping),
		cmocka_unit_test(enums_are_text),
		cmocka_unit_test(required_differs_by_side),
		cmocka_unit_test(rules_and_oneofs_are_told),
		cmocka_unit_test(answer_example_is_completed),
		cmocka_unit_test(unreached_types_stay_out),
		cmocka_unit_test(failures_fit_the_operation),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
