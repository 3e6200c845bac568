/* SPDX-License-Identifier: MIT */
/* The server: routes, answers, errors. */
#include "ground.h"

#include "rest/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_answers(void **state)
{
	char request[512];

	expect_info(*state, "0000:01:00.0", "{\"address\":\"0000:01:00.0\",\"vendor\":\"\",");
	expect_info(*state, "thread", "\"address\":\"thread\"");
	expect_info(*state, "peer", "\"driver\":\"127.0.0.1:");
	format_post(request, sizeof(request), V1 "/devices/bind", "{\"pci_addresses\":[\"a\"]}");
	expect_body(
		*state, request, "{\"success\":true,\"message\":\"\",\"bound_devices\":[\"a\"]");
	format_post(request, sizeof(request), V1 "/devices/iommu-groups",
		"{\"pci_addresses\":[\"a\"]}");
	expect_body(*state, request, "[{\"id\":\"1\",\"devices\":[\"a\"],");
	expect_body(*state, "GET " V1 "/devices?driver=nvidia HTTP/1.1\r\n" HOST "\r\n",
		"{\"devices\":[],\"next_page_token\":\"nvidia\"}");
	expect_body(*state, "GET " V1 "/host HTTP/1.0\r\n" HOST "\r\n", "{\"ready\":true,");
}

static void test_fixed_pages(void **state)
{
	struct ground *ground = *state;
	struct http_answer answer;
	char request[256], *etag;

	expect_body(ground, "GET /healthz?probe=1 HTTP/1.1\r\n" HOST "\r\n", "{\"status\":\"ok\"}");
	ask(ground, "GET /openapi.json HTTP/1.1\r\n" HOST "\r\n", &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_len, rest_openapi_size);
	assert_memory_equal(answer.body, rest_openapi, rest_openapi_size);
	assert_true(http_has_header(&answer, "Server: vfiod"));
	etag = strcasestr(answer.head, "etag: ") + 6;
	snprintf(request, sizeof(request),
		"GET /openapi HTTP/1.1\r\n" HOST "If-None-Match: %.18s\r\n\r\n", etag);
	http_answer_clear(&answer);
	ask(ground, request, &answer);
	assert_int_equal(answer.status, 304);
	assert_int_equal(answer.body_len, 0);
	http_answer_clear(&answer);
}

static void test_head_and_options(void **state)
{
	struct ground *ground = *state;
	struct http_answer answer;

	ask(ground, "HEAD " V1 "/host HTTP/1.1\r\n" HOST "\r\n", &answer);
	assert_int_equal(answer.status, 200);
	assert_false(http_has_header(&answer, "Content-Length: 0"));
	http_answer_clear(&answer);
	ask(ground, "OPTIONS " V1 "/devices HTTP/1.1\r\n" HOST "\r\n", &answer);
	assert_int_equal(answer.status, 204);
	assert_true(http_has_header(&answer, "Allow: GET, HEAD, OPTIONS"));
	http_answer_clear(&answer);
}

static void test_service_errors(void **state)
{
	char request[512];

	format_post(request, sizeof(request), V1 "/devices/info", "{\"pci_address\":\"missing\"}");
	expect_error(*state, request, 404, "NOT_FOUND", "PCI device not found: missing");
	format_post(request, sizeof(request), V1 "/devices/info", "{\"pci_address\":\"silent\"}");
	expect_error(*state, request, 500, "INTERNAL", "without saying why");
	format_post(request, sizeof(request), V1 "/devices/unbind", "{}");
	expect_error(*state, request, 409, "ABORTED", "the kernel refused");
	format_post(request, sizeof(request), V1 "/devices/group-paths", "{}");
	expect_error(*state, request, 503, "UNAVAILABLE", "the hand is gone");
}

static void test_details(void **state)
{
	struct http_answer answer;
	char request[512];

	format_post(request, sizeof(request), V1 "/devices/info", "{\"pci_address\":\"missing\"}");
	ask(*state, request, &answer);
	assert_non_null(strstr(answer.body,
		"\"details\":[{\"pci_address\":\"missing\",\"reason\":\"DEVICE_NOT_FOUND\",\"message\":\"\",\"action\":\"\",\"holders\":[],\"resource\":\"\"}]"));
	http_answer_clear(&answer);
	format_post(request, sizeof(request), V1 "/devices/info", "{\"pci_address\":\"mute\"}");
	ask(*state, request, &answer);
	assert_non_null(strstr(
		answer.body, "\"details\":[{\"@type\":\"type.googleapis.com/vfio.v1.Holder\"}]"));
	http_answer_clear(&answer);
}

static void test_routing_errors(void **state)
{
	static const char *const absent[] = {"/", "/api", V1 "/devices/", V1 "/devices/bind/x",
		V1 "//devices/bind", "/api/v1/vfio/../vfio/devices", "/%2e%2e/healthz", "/healthz/",
		"/Healthz", "/api%2fv1/vfio/devices", "/openapi.json5", "/zzz"};
	char request[256];

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "\r\n", absent[i]);
		expect_error(*state, request, 404, "NOT_FOUND", "no such path");
	}
	expect_error(*state, "GET http://localhost/healthz HTTP/1.1\r\n" HOST "\r\n", 400,
		"INVALID_ARGUMENT", "must be a path");
	expect_error(*state, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400, "INVALID_ARGUMENT",
		"must be a path");
	expect_error(*state, "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n", 400, "INVALID_ARGUMENT",
		"must be a path");
}

static void test_wrong_method(void **state)
{
	static const struct {
		const char *line;
		const char *allow;
	} cases[] = {
		{"GET " V1 "/devices/bind", "Allow: POST, OPTIONS"},
		{"HEAD " V1 "/devices/bind", "Allow: POST, OPTIONS"},
		{"DELETE " V1 "/devices", "Allow: GET, HEAD, OPTIONS"},
		{"BREW /healthz", "Allow: GET, HEAD, OPTIONS"},
		{"get /openapi", "Allow: GET, HEAD, OPTIONS"},
	};
	struct http_answer answer;
	char request[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(request, sizeof(request), "%s HTTP/1.1\r\n" HOST "\r\n", cases[i].line);
		ask(*state, request, &answer);
		assert_true(http_has_header(&answer, cases[i].allow));
		if (strncmp(request, "HEAD", 4) != 0)
			expect_shape(&answer, 405, "UNIMPLEMENTED", "is not allowed here");
		else
			assert_int_equal(answer.status, 405);
		http_answer_clear(&answer);
	}
}

static void format_typed(char *text, size_t size, const char *type)
{
	snprintf(text, size,
		"POST " V1 "/devices/info HTTP/1.1\r\n" HOST "%sContent-Length: 2\r\n\r\n{}", type);
}

static void test_content_type(void **state)
{
	static const char *const refused[] = {"", "Content-Type: text/plain\r\n",
		"Content-Type: application/x-www-form-urlencoded\r\n",
		"Content-Type: application/jsonx\r\n", "Content-Type: text/json\r\n",
		"Content-Type:\r\n"};
	static const char *const taken[] = {"Content-Type: application/json; charset=utf-8\r\n",
		"Content-Type: Application/JSON ;x=y\r\n"};
	char request[512];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		format_typed(request, sizeof(request), refused[i]);
		expect_error(*state, request, 415, "INVALID_ARGUMENT", "application/json");
	}
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		format_typed(request, sizeof(request), taken[i]);
		expect_body(*state, request, "{\"address\":\"\"");
	}
}

static void test_bad_bodies(void **state)
{
	char request[512];

	format_post(request, sizeof(request), V1 "/devices/bind", "");
	expect_error(*state, request, 400, "INVALID_ARGUMENT", "empty body");
	expect_error(*state, "POST " V1 "/devices/bind HTTP/1.1\r\n" HOST JSON "\r\n", 400,
		"INVALID_ARGUMENT", "empty body");
	format_post(
		request, sizeof(request), V1 "/devices/bind", "{\"pci_addresses\":[\"\",\"\",1]}");
	expect_error(*state, request, 400, "INVALID_ARGUMENT",
		"pci_addresses[2]: expected string, got number");
	format_post(request, sizeof(request), V1 "/devices/bind", "{\n  nonsense");
	expect_error(*state, request, 400, "INVALID_ARGUMENT", "line 2, column");
	format_post(request, sizeof(request), V1 "/devices/bind?dry_run=true", "{}");
	expect_error(*state, request, 400, "INVALID_ARGUMENT", "unknown parameter: dry_run");
	expect_error(*state, "GET " V1 "/devices?page_size=x HTTP/1.1\r\n" HOST "\r\n", 400,
		"INVALID_ARGUMENT", "page_size");
}

#define ON_GROUND(test) cmocka_unit_test_setup_teardown(test, ground_setup, ground_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_GROUND(test_answers),
		ON_GROUND(test_fixed_pages),
		ON_GROUND(test_head_and_options),
		ON_GROUND(test_service_errors),
		ON_GROUND(test_details),
		ON_GROUND(test_routing_errors),
		ON_GROUND(test_wrong_method),
		ON_GROUND(test_content_type),
		ON_GROUND(test_bad_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
