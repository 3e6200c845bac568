/* SPDX-License-Identifier: MIT */
/* JSON and query strings as messages, and messages as JSON. */
#include "google/api/http.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "rest/query.h"
#include "rest/transcode.h"
#include "rpc/v1/rpc.pb-c.h"
#include "vfio/v1/device_service.pb-c.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESSES vfio__v1__bind_devices_request__descriptor
#define INFO vfio__v1__get_device_info_request__descriptor
#define LIST vfio__v1__list_devices_request__descriptor
#define NUMBERS google__protobuf__uninterpreted_option__descriptor

/* What a message of the type becomes when json is read and written again; the caller frees it. */
static char *round_trip(const ProtobufCMessageDescriptor *type, const char *json)
{
	struct fault fault = {""};
	struct rest_json out = {0};
	ProtobufCMessage *message;

	if (rest_transcode_read(type, json, strlen(json), &message, &fault) != 0)
		fail_msg("%s: %s", json, fault.text);
	assert_int_equal(rest_transcode_write(&out, message), 0);
	protobuf_c_message_free_unpacked(message, NULL);
	rest_json_raw(&out, "", 1);
	assert_false(out.failed);
	return out.data;
}

static void expect_round_trip(
	const ProtobufCMessageDescriptor *type, const char *json, const char *want)
{
	char *got = round_trip(type, json);

	assert_string_equal(got, want);
	free(got);
}

static void expect_refusal(
	const ProtobufCMessageDescriptor *type, const char *json, const char *want)
{
	struct fault fault = {""};
	ProtobufCMessage *message = NULL;

	if (rest_transcode_read(type, json, strlen(json), &message, &fault) != -EINVAL)
		fail_msg("accepted: %s", json);
	assert_null(message);
	if (!strstr(fault.text, want))
		fail_msg("%s: \"%s\" has no \"%s\"", json, fault.text, want);
}

static void test_names_in_both_spellings(void **state)
{
	const char *want =
		"{\"pci_addresses\":[\"0000:01:00.0\"],\"whole_group\":true,\"all_functions\":false,\"dry_run\":false,\"force\":[],\"node_owner\":\"\",\"node_mode\":\"\"}";

	(void)state;
	expect_round_trip(
		&ADDRESSES, "{\"pci_addresses\":[\"0000:01:00.0\"],\"whole_group\":true}", want);
	expect_round_trip(&ADDRESSES,
		" {\"pciAddresses\" : [\"0000:01:00.0\"] ,\n\t\"wholeGroup\":true} \n", want);
	expect_round_trip(&ADDRESSES, "{\"pci_addresses\":null,\"force\":null,\"dry_run\":null}",
		"{\"pci_addresses\":[],\"whole_group\":false,\"all_functions\":false,\"dry_run\":false,\"force\":[],\"node_owner\":\"\",\"node_mode\":\"\"}");
	expect_round_trip(&INFO, "{}", "{\"pci_address\":\"\"}");
}

static void test_strings(void **state)
{
	(void)state;
	expect_round_trip(&INFO, "{\"pci_address\":\"\\u00e9\\\"\\\\\\/\\n\\u0001\\ud83d\\ude00\"}",
		"{\"pci_address\":\"é\\\"\\\\/\\n\\u0001😀\"}");
	expect_refusal(&INFO, "{\"pci_address\":\"\\u0000\"}", "line 1");
	expect_refusal(&INFO, "{\"pci_address\":\"\\ud83d\"}", "line 1");
	expect_refusal(&INFO, "{\"pci_address\":\"\xff\"}", "line 1");
	expect_refusal(&INFO, "{\"pci_address\":\"\xed\xa0\x80\"}", "line 1");
}

static void test_wrong_types_name_the_field(void **state)
{
	(void)state;
	expect_refusal(&ADDRESSES, "{\"pci_addresses\":[\"a\",\"b\",3]}",
		"pci_addresses[2]: expected string, got number");
	expect_refusal(&ADDRESSES, "{\"pci_addresses\":[null]}",
		"pci_addresses[0]: expected string, got null");
	expect_refusal(
		&ADDRESSES, "{\"pciAddresses\":\"a\"}", "pciAddresses: expected array, got string");
	expect_refusal(
		&ADDRESSES, "{\"dry_run\":\"true\"}", "dry_run: expected boolean, got string");
	expect_refusal(&ADDRESSES, "{\"dry_run\":1}", "dry_run: expected boolean, got number");
	expect_refusal(&INFO, "{\"pci_address\":{}}", "pci_address: expected string, got object");
	expect_refusal(&vfio__v1__check_iommu_groups_response__descriptor,
		"{\"groups\":[{},{\"blockers\":[{\"driver\":[]}]}]}",
		"groups[1].blockers[0].driver: expected string, got array");
	expect_refusal(&vfio__v1__device__descriptor, "{\"sriov\":[]}",
		"sriov: expected object, got array");
}

static void test_unknown_and_repeated_names(void **state)
{
	(void)state;
	expect_refusal(&INFO, "{\"foo\":1}", "unknown field: foo");
	expect_refusal(&INFO, "{\"pci_addres\":null}", "unknown field: pci_addres");
	expect_refusal(&INFO, "{\"Pci_Address\":\"\"}", "unknown field: Pci_Address");
	expect_refusal(
		&vfio__v1__device__descriptor, "{\"sriov\":{\"x\":1}}", "unknown field: sriov.x");
	expect_refusal(&INFO, "{\"pci_address\":\"\",\"pci_address\":\"\"}", "pci_address");
	expect_refusal(
		&INFO, "{\"pci_address\":null,\"pciAddress\":\"\"}", "duplicate field: pciAddress");
	expect_refusal(
		&INFO, "{\"pciAddress\":null,\"pci_address\":\"\"}", "duplicate field: pciAddress");
}

static void test_syntax_errors_have_line_and_column(void **state)
{
	(void)state;
	expect_refusal(&INFO, "{\n \"pci_address\": }", "line 2, column 17");
	expect_refusal(&INFO, "{} {}", "line 1");
	expect_refusal(&INFO, "{\"pci_address\":\"a\",}", "line 1");
	expect_refusal(&INFO, "{/**/}", "line 1");
	expect_refusal(&INFO, "\xef\xbb\xbf{}", "line 1");
	expect_refusal(&INFO, "", "empty body");
	expect_refusal(&INFO, "   ", "line 1");
	expect_refusal(&INFO, "[]", "expected a JSON object, got array");
	expect_refusal(&INFO, "null", "expected a JSON object, got null");
	expect_refusal(&INFO, "7", "expected a JSON object, got number");
}

static void test_embedded_nul_is_refused(void **state)
{
	static const char json[] = "{\"pci_address\":\"a\0b\"}";
	struct fault fault = {""};
	ProtobufCMessage *message = NULL;

	(void)state;
	assert_int_equal(
		rest_transcode_read(&INFO, json, sizeof(json) - 1, &message, &fault), -EINVAL);
	assert_non_null(strstr(fault.text, "line 1"));
}

static void test_depth_is_bounded(void **state)
{
	char json[2 * REST_DEPTH_MAX + 64] = "{\"pci_address\":";
	size_t len = strlen(json);

	(void)state;
	/* Within bounds the type is what is wrong. */
	memset(json + len, '[', REST_DEPTH_MAX - 1);
	memset(json + len + REST_DEPTH_MAX - 1, ']', REST_DEPTH_MAX - 1);
	json[len + 2 * (REST_DEPTH_MAX - 1)] = '}';
	expect_refusal(&INFO, json, "expected string, got array");
	memset(json + len, '[', REST_DEPTH_MAX);
	expect_refusal(&INFO, json, "more than 32 levels");
	/* Brackets in strings do not count, escaped quotes do not end them. */
	expect_round_trip(&INFO,
		"{\"pci_address\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}",
		"{\"pci_address\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}");
}

static void expect_number(const char *json, const char *want)
{
	char *got = round_trip(&NUMBERS, json);

	if (!strstr(got, want))
		fail_msg("%s became %s, without %s", json, got, want);
	free(got);
}

static void test_integers(void **state)
{
	(void)state;
	expect_round_trip(&LIST, "{\"page_size\":2147483647}",
		"{\"page_size\":2147483647,\"page_token\":\"\",\"id\":\"\",\"class\":\"\",\"driver\":\"\",\"iommu_group\":\"\"}");
	expect_number("{\"positive_int_value\":\"18446744073709551615\"}",
		"\"positive_int_value\":\"18446744073709551615\"");
	expect_number("{\"positive_int_value\":9223372036854775807}",
		"\"positive_int_value\":\"9223372036854775807\"");
	expect_number("{\"negative_int_value\":-9223372036854775808}",
		"\"negative_int_value\":\"-9223372036854775808\"");
	expect_number("{\"negative_int_value\":\"-9223372036854775808\"}",
		"\"negative_int_value\":\"-9223372036854775808\"");
	expect_number("{\"positive_int_value\":1e3}", "\"positive_int_value\":\"1000\"");
	expect_refusal(&LIST, "{\"page_size\":2147483648}", "page_size: number is out of range");
	expect_refusal(&LIST, "{\"page_size\":-2147483649}", "page_size: number is out of range");
	expect_refusal(&LIST, "{\"page_size\":1.5}", "page_size: number is out of range or not");
	expect_refusal(&LIST, "{\"page_size\":1e300}", "page_size: number is out of range");
	expect_refusal(&LIST, "{\"page_size\":\"0x10\"}", "page_size: expected integer, got");
	expect_refusal(&LIST, "{\"page_size\":\" 1\"}", "page_size: expected integer");
	expect_refusal(&LIST, "{\"page_size\":\"+1\"}", "page_size: expected integer");
	expect_refusal(&LIST, "{\"page_size\":\"01\"}", "page_size: expected integer");
	expect_refusal(&LIST, "{\"page_size\":\"\"}", "page_size: expected integer");
	expect_refusal(&LIST, "{\"page_size\":true}", "page_size: expected integer, got boolean");
	expect_refusal(&NUMBERS, "{\"positive_int_value\":-1}", "positive_int_value");
	expect_refusal(&NUMBERS, "{\"positive_int_value\":\"18446744073709551616\"}",
		"positive_int_value");
	expect_refusal(
		&NUMBERS, "{\"negative_int_value\":\"9223372036854775808\"}", "negative_int_value");
	expect_refusal(&NUMBERS, "{\"positive_int_value\":18446744073709551616}", "line 1");
}

static void test_reals(void **state)
{
	(void)state;
	expect_number("{\"double_value\":0.1}", "\"double_value\":0.1");
	expect_number("{\"double_value\":1e308}", "\"double_value\":1e+308");
	expect_number("{\"double_value\":5e-324}", "\"double_value\":4.94065645841247e-324");
	expect_number("{\"double_value\":3}", "\"double_value\":3");
	expect_number("{\"double_value\":\"NaN\"}", "\"double_value\":\"NaN\"");
	expect_number("{\"double_value\":\"-Infinity\"}", "\"double_value\":\"-Infinity\"");
	expect_number("{\"double_value\":\"2.5\"}", "\"double_value\":2.5");
	expect_refusal(&NUMBERS, "{\"double_value\":\"inf\"}", "double_value: expected number");
	expect_refusal(&NUMBERS, "{\"double_value\":\"0x1p3\"}", "double_value: expected number");
	expect_refusal(&NUMBERS, "{\"double_value\":\" 1\"}", "double_value: expected number");
	expect_refusal(&NUMBERS, "{\"double_value\":\"\"}", "double_value: expected number");
	expect_refusal(&NUMBERS, "{\"double_value\":1e999}", "line 1");
}

static void test_bytes(void **state)
{
	(void)state;
	expect_number("{\"string_value\":\"\"}", "\"string_value\":\"\"");
	expect_number("{\"string_value\":\"AP8=\"}", "\"string_value\":\"AP8=\"");
	expect_number("{\"string_value\":\"AP8\"}", "\"string_value\":\"AP8=\"");
	expect_number("{\"string_value\":\"_-_-\"}", "\"string_value\":\"/+/+\"");
	expect_number("{\"string_value\":\"Zm9vYmE=\"}", "\"string_value\":\"Zm9vYmE=\"");
	expect_refusal(&NUMBERS, "{\"string_value\":\"A\"}", "string_value: expected base64");
	expect_refusal(&NUMBERS, "{\"string_value\":\"AP8==\"}", "string_value: expected base64");
	expect_refusal(&NUMBERS, "{\"string_value\":\"A P8\"}", "string_value: expected base64");
	expect_refusal(&NUMBERS, "{\"string_value\":5}",
		"string_value: expected base64 string, got number");
}

static void test_enums(void **state)
{
	const ProtobufCMessageDescriptor *type = &vfio__v1__host_check__descriptor;
	const char *rest = ",\"message\":\"\",\"action\":\"\"}";
	char want[128];

	(void)state;
	snprintf(want, sizeof(want), "{\"name\":\"\",\"verdict\":\"WARN\"%s", rest);
	expect_round_trip(type, "{\"verdict\":\"WARN\"}", want);
	expect_round_trip(type, "{\"verdict\":2}", want);
	snprintf(want, sizeof(want), "{\"name\":\"\",\"verdict\":\"UNKNOWN\"%s", rest);
	expect_round_trip(type, "{}", want);
	snprintf(want, sizeof(want), "{\"name\":\"\",\"verdict\":77%s", rest);
	expect_round_trip(type, "{\"verdict\":77}", want);
	expect_refusal(
		type, "{\"verdict\":\"MAYBE\"}", "verdict: expected enum name, got \"MAYBE\"");
	expect_refusal(type, "{\"verdict\":true}", "verdict: expected enum name, got boolean");
}

static void test_nested_messages(void **state)
{
	(void)state;
	expect_round_trip(&vfio__v1__device_problem__descriptor,
		"{\"pciAddress\":\"x\",\"holders\":[{\"pid\":7},{\"command\":\"qemu\"}]}",
		"{\"pci_address\":\"x\",\"reason\":\"\",\"message\":\"\",\"action\":\"\",\"holders\":[{\"pid\":7,\"command\":\"\",\"what\":\"\"},{\"pid\":0,\"command\":\"qemu\",\"what\":\"\"}],\"resource\":\"\"}");
	/* An unset message is left out, an empty one is not. */
	expect_round_trip(&google__protobuf__method_options__descriptor, "{}",
		"{\"uninterpreted_option\":[]}");
	expect_round_trip(&vfio__v1__get_host_request__descriptor, "{}", "{}");
	expect_round_trip(&google__protobuf__field_descriptor_proto__descriptor,
		"{\"options\":{\"packed\":false}}",
		"{\"options\":{\"packed\":false,\"uninterpreted_option\":[]}}");
}

static void test_oneof(void **state)
{
	const ProtobufCMessageDescriptor *type = &google__api__http_rule__descriptor;

	(void)state;
	expect_round_trip(type, "{\"post\":\"/x\"}",
		"{\"post\":\"/x\",\"body\":\"\",\"response_body\":\"\"}");
	expect_round_trip(type, "{\"get\":\"\",\"put\":null}",
		"{\"get\":\"\",\"body\":\"\",\"response_body\":\"\"}");
	expect_round_trip(type, "{}", "{\"body\":\"\",\"response_body\":\"\"}");
	expect_refusal(type, "{\"get\":\"/a\",\"post\":\"/b\"}",
		"post: excludes another field that is set too");
}

static void test_maps_are_refused(void **state)
{
	Rpc__V1__Request request = RPC__V1__REQUEST__INIT;
	struct rest_json out = {0};

	(void)state;
	expect_refusal(&rpc__v1__request__descriptor, "{\"metadata\":{\"a\":\"b\"}}",
		"metadata: maps are not supported");
	assert_int_equal(rest_transcode_write(&out, &request.base), -EINVAL);
	rest_json_clear(&out);
}

static void test_response_body(void **state)
{
	Vfio__V1__CheckIommuGroupsResponse response = VFIO__V1__CHECK_IOMMU_GROUPS_RESPONSE__INIT;
	Vfio__V1__IommuGroup group = VFIO__V1__IOMMU_GROUP__INIT, *groups[] = {&group};
	struct rest_json out = {0};

	(void)state;
	group.id = (char *)"12";
	response.groups = groups;
	assert_int_equal(rest_transcode_write_field(&out, &response.base, "groups"), 0);
	response.n_groups = 1;
	assert_int_equal(rest_transcode_write_field(&out, &response.base, "groups"), 0);
	assert_int_equal(rest_transcode_write_field(&out, &response.base, "nothing"), -EINVAL);
	rest_json_raw(&out, "", 1);
	assert_string_equal(out.data,
		"[][{\"id\":\"12\",\"devices\":[],\"viable\":false,\"blockers\":[],\"bridges\":[],\"type\":\"\",\"other_members\":[],\"direct_region\":\"\"}]");
	rest_json_clear(&out);
}

static void test_text_that_is_not_utf8_is_mended(void **state)
{
	Vfio__V1__Holder holder = VFIO__V1__HOLDER__INIT;
	struct rest_json out = {0};

	(void)state;
	holder.command = (char *)"a\xff\xc3(\xc3\xa9\xe2\x82";
	assert_int_equal(rest_transcode_write(&out, &holder.base), 0);
	rest_json_raw(&out, "", 1);
	assert_string_equal(out.data,
		"{\"pid\":0,\"command\":\"a\xef\xbf\xbd\xef\xbf\xbd(é\xef\xbf\xbd\xef\xbf\xbd\",\"what\":\"\"}");
	rest_json_clear(&out);
}

static void test_floats_are_shortest(void **state)
{
	static const struct {
		float value;
		const char *text;
	} cases[] = {{0.1f, "0.1"}, {16777216.0f, "16777216"}, {1.17549435e-38f, "1.1754944e-38"},
		{-0.0f, "-0"}, {INFINITY, "\"Infinity\""}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rest_json out = {0};

		rest_json_float(&out, cases[i].value);
		rest_json_raw(&out, "", 1);
		assert_string_equal(out.data, cases[i].text);
		rest_json_clear(&out);
	}
}

static Vfio__V1__ListDevicesRequest *query(const char *text)
{
	struct fault fault = {""};
	ProtobufCMessage *message;

	if (rest_query_read(&LIST, text, strlen(text), &message, &fault) != 0)
		fail_msg("%s: %s", text, fault.text);
	return (Vfio__V1__ListDevicesRequest *)message;
}

static void test_query_sets_fields(void **state)
{
	Vfio__V1__ListDevicesRequest *list =
		query("page_size=10&id=10de%3A*&&pageToken=a+b%2Bc&api_key=s&driver=&class=0300");

	(void)state;
	assert_int_equal(list->page_size, 10);
	assert_string_equal(list->id, "10de:*");
	assert_string_equal(list->page_token, "a b+c");
	assert_string_equal(list->driver, "");
	assert_string_equal(list->class_, "0300");
	protobuf_c_message_free_unpacked(&list->base, NULL);
	list = query("");
	assert_int_equal(list->page_size, 0);
	protobuf_c_message_free_unpacked(&list->base, NULL);
}

static void test_query_repeated_field(void **state)
{
	static const char text[] = "force=A&pci_addresses=x&force=B&dry_run=true";
	struct fault fault;
	Vfio__V1__BindDevicesRequest *bind;
	ProtobufCMessage *message;

	(void)state;
	assert_int_equal(rest_query_read(&ADDRESSES, text, strlen(text), &message, &fault), 0);
	bind = (Vfio__V1__BindDevicesRequest *)message;
	assert_int_equal(bind->n_force, 2);
	assert_string_equal(bind->force[1], "B");
	assert_int_equal(bind->n_pci_addresses, 1);
	assert_true(bind->dry_run);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void test_query_refusals(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{"foo=1", "unknown parameter: foo"},
		{"page_size=1&page_size=2", "parameter page_size: given twice"},
		{"page_size=1&pageSize=2", "parameter pageSize: given twice"},
		{"page_size=ten", "page_size: expected integer, got \"ten\""},
		{"page_size=", "page_size: expected integer"},
		{"page_size", "page_size: expected integer"},
		{"page_size=99999999999", "page_size: expected integer"},
		{"id=%4", "parameter id: broken percent-escape"},
		{"id=%zz", "parameter id: broken percent-escape"},
		{"id=a%00b", "parameter id: broken percent-escape, NUL"},
		{"id=%ff", "parameter id: broken percent-escape, NUL or invalid UTF-8"},
	};
	struct fault fault;
	ProtobufCMessage *message;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = cases[i].text;

		assert_int_equal(
			rest_query_read(&LIST, text, strlen(text), &message, &fault), -EINVAL);
		if (!strstr(fault.text, cases[i].want))
			fail_msg("%s: %s", text, fault.text);
	}
}

static void test_query_key(void **state)
{
	static const struct {
		const char *text;
		const char *key;
	} cases[] = {{"api_key=a%2Bb&x=1", "a+b"}, {"x=1&api_key=", ""}, {"x=%zz&api_key=k", "k"},
		{"xapi_key=1", NULL}, {"", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *key = rest_query_key(cases[i].text, strlen(cases[i].text));

		if (cases[i].key)
			assert_string_equal(key, cases[i].key);
		else
			assert_null(key);
		free(key);
	}
}

static void test_query_beside_a_body(void **state)
{
	struct fault fault;

	(void)state;
	assert_int_equal(rest_query_refuse("api_key=x", 9, &fault), 0);
	assert_int_equal(rest_query_refuse("", 0, &fault), 0);
	assert_int_equal(rest_query_refuse("dry_run=true", 12, &fault), -EINVAL);
	assert_non_null(strstr(fault.text, "unknown parameter: dry_run "));
	assert_int_equal(rest_query_refuse("api_keys=x", 10, &fault), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_in_both_spellings),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_wrong_types_name_the_field),
		cmocka_unit_test(test_unknown_and_repeated_names),
		cmocka_unit_test(test_syntax_errors_have_line_and_column),
		cmocka_unit_test(test_embedded_nul_is_refused),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_reals),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_enums),
		cmocka_unit_test(test_nested_messages),
		cmocka_unit_test(test_oneof),
		cmocka_unit_test(test_maps_are_refused),
		cmocka_unit_test(test_response_body),
		cmocka_unit_test(test_text_that_is_not_utf8_is_mended),
		cmocka_unit_test(test_floats_are_shortest),
		cmocka_unit_test(test_query_sets_fields),
		cmocka_unit_test(test_query_repeated_field),
		cmocka_unit_test(test_query_refusals),
		cmocka_unit_test(test_query_key),
		cmocka_unit_test(test_query_beside_a_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
