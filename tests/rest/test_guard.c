/* SPDX-License-Identifier: MIT */
/* The server: who is let in. */
#include "ground.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_host_on_loopback(void **state)
{
	struct ground ground;

	(void)state;
	ground_open(&ground);
	ground.config.loopback = true;
	ground_start(&ground);
	expect_error(&ground, "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403,
		"PERMISSION_DENIED", "loopback host");
	expect_body(&ground, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", "ok");
	ground_close(&ground);
}

static void test_key(void **state)
{
	static const char *const wrong[] = {"", "X-Volant-API-Key: no\r\n",
		"Authorization: Bearer no\r\n", "Authorization: Basic s3cret\r\n",
		"X-Volant-API-Key: no\r\nAuthorization: Bearer s3cret\r\n"};
	static const char *const right[] = {"X-Volant-API-Key: s3cret\r\n",
		"x-volant-api-key: s3cret\r\n", "Authorization: Bearer s3cret\r\n"};
	struct fault fault;
	struct ground ground;
	char request[256];

	(void)state;
	ground_open(&ground);
	ground.config.anyone_may_change = false;
	assert_int_equal(rest_access_set_key(&ground.access, "s3cret", &fault), 0);
	ground_start(&ground);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(request, sizeof(request), "GET /openapi HTTP/1.1\r\n" HOST "%s\r\n",
			wrong[i]);
		expect_error(&ground, request, 401, "UNAUTHENTICATED", "invalid api key");
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		snprintf(request, sizeof(request),
			"POST " V1 "/devices/bind HTTP/1.1\r\n" HOST JSON
			"Content-Length: 2\r\n%s\r\n{}",
			right[i]);
		expect_body(&ground, request, "\"success\":true");
	}
	expect_error(&ground, "GET /nowhere?api_key=no HTTP/1.1\r\n" HOST "\r\n", 401,
		"UNAUTHENTICATED", "invalid api key");
	expect_body(&ground, "GET " V1 "/devices?api_key=s3cr%65t HTTP/1.1\r\n" HOST "\r\n",
		"\"devices\":[]");
	expect_body(&ground, "GET /healthz HTTP/1.1\r\n" HOST "\r\n", "ok");
	ground_close(&ground);
}

/* --no-query-key: the same key, in a header alone. */
static void test_no_key_in_the_query(void **state)
{
	struct fault fault;
	struct ground ground;

	(void)state;
	ground_open(&ground);
	assert_int_equal(rest_access_set_key(&ground.access, "s3cret", &fault), 0);
	ground.access.no_query_key = true;
	ground_start(&ground);
	expect_error(&ground, "GET " V1 "/devices?api_key=s3cret HTTP/1.1\r\n" HOST "\r\n", 401,
		"UNAUTHENTICATED", "invalid api key");
	expect_body(&ground,
		"GET " V1 "/devices HTTP/1.1\r\n" HOST "X-Volant-API-Key: s3cret\r\n\r\n",
		"\"devices\":[]");
	ground_close(&ground);
}

static void test_cidr_before_key(void **state)
{
	struct fault fault;
	struct ground ground;

	(void)state;
	ground_open(&ground);
	assert_int_equal(rest_access_set_key(&ground.access, "s3cret", &fault), 0);
	assert_int_equal(rest_cidrs_parse("10.0.0.0/8", &ground.access.allowed, &fault), 0);
	assert_int_equal(rest_cidrs_parse("127.0.0.0/8", &ground.access.proxies, &fault), 0);
	ground_start(&ground);
	expect_error(&ground, "GET /healthz HTTP/1.1\r\n" HOST "\r\n", 403, "PERMISSION_DENIED",
		"access denied");
	expect_error(&ground, "GET /openapi HTTP/1.1\r\n" HOST "\r\n", 403, "PERMISSION_DENIED",
		"access denied");
	expect_error(&ground,
		"GET /healthz HTTP/1.1\r\n" HOST
		"X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n",
		403, "PERMISSION_DENIED", "access denied");
	expect_body(&ground,
		"GET /healthz HTTP/1.1\r\n" HOST
		"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 10.1.1.1, 127.0.0.3\r\n\r\n",
		"ok");
	expect_body(&ground,
		"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON "X-Volant-API-Key: s3cret\r\n"
		"X-Forwarded-For: 10.1.1.1\r\nContent-Length: 22\r\n\r\n{\"pci_address\":\"peer\"}",
		"\"driver\":\"10.1.1.1 via 127.0.0.1:");
	ground_close(&ground);
}

/* Users' rights as a test says them, and what was asked. */
struct rights {
	struct rpc_rights hook;
	enum rpc_rights_answer answer;
	atomic_int asked;
};

static void answer_at_once(void *arg, uid_t uid, gid_t gid, rpc_rights_done done, void *done_arg)
{
	struct rights *rights = arg;

	(void)gid;
	assert_int_equal(uid, getuid());
	atomic_fetch_add(&rights->asked, 1);
	done(done_arg, rights->answer);
}

static void ground_open_asking(struct ground *ground, struct rights *rights)
{
	*rights = (struct rights){.hook = {answer_at_once, rights}, .answer = RPC_RIGHTS_YES};
	ground_open(ground);
	ground->config.anyone_may_change = false;
	ground->config.ask_owner = true;
	ground->config.rights = &rights->hook;
}

static void test_nobody_may_change(void **state)
{
	struct ground ground;
	char read[256], bind[256];

	(void)state;
	format_post(read, sizeof(read), V1 "/devices/info", "{}");
	format_post(bind, sizeof(bind), V1 "/devices/bind", "{}");
	ground_open(&ground);
	ground.config.anyone_may_change = false;
	ground_start(&ground);
	expect_body(&ground, read, "address");
	expect_error(&ground, bind, 403, "PERMISSION_DENIED", "the caller is 127.0.0.1:");
	ground_close(&ground);
}

static void test_owner_of_the_connection_is_asked_about(void **state)
{
	static const struct {
		enum rpc_rights_answer answer;
		int status;
		const char *code, *text;
	} refusals[] = {
		{RPC_RIGHTS_NO, 403, "PERMISSION_DENIED", " uid "},
		{RPC_RIGHTS_BUSY, 429, "RESOURCE_EXHAUSTED", "try again"},
		{RPC_RIGHTS_UNKNOWN, 503, "UNAVAILABLE", "user database"},
	};
	struct ground ground;
	struct rights rights;
	char read[256], bind[256];

	(void)state;
	format_post(read, sizeof(read), V1 "/devices/info", "{}");
	format_post(bind, sizeof(bind), V1 "/devices/bind", "{}");
	ground_open_asking(&ground, &rights);
	ground_start(&ground);
	expect_body(&ground, read, "address");
	assert_int_equal(atomic_load(&rights.asked), 0);
	expect_body(&ground, bind, "\"success\":true");
	assert_int_equal(atomic_load(&rights.asked), 1);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		rights.answer = refusals[i].answer;
		expect_error(&ground, bind, refusals[i].status, refusals[i].code, refusals[i].text);
	}
	ground_close(&ground);
}

/* A peer that has half closed its end may have closed it: there is no telling. */
static void test_half_closed_has_no_rights(void **state)
{
	struct http_answer answer;
	struct ground ground;
	struct rights rights;
	char bind[256];
	int fd;

	(void)state;
	format_post(bind, sizeof(bind), V1 "/devices/bind", "{}");
	ground_open_asking(&ground, &rights);
	ground_start(&ground);
	fd = http_connect(ground.port);
	/* An answer shows that the connection was accepted, and so its owner known. */
	http_send_text(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	http_read(fd, &answer, true);
	http_answer_clear(&answer);
	http_send_last(fd, bind);
	http_read(fd, &answer, true);
	expect_shape(&answer, 403, "PERMISSION_DENIED", "half closed");
	http_answer_clear(&answer);
	close(fd);
	assert_int_equal(atomic_load(&rights.asked), 0);
	ground_close(&ground);
}

/* The listener takes connections before there is a server, which then accepts them when their
 * peers have gone. */
static void test_closed_when_accepted_is_nobody(void **state)
{
	struct http_answer answer;
	struct ground ground;
	struct rights rights;
	char bind[256];
	int half;

	(void)state;
	format_post(bind, sizeof(bind), V1 "/devices/bind", "{}");
	ground_open_asking(&ground, &rights);
	for (int i = 0; i < 20; i++) {
		int fd = http_connect(ground.port);

		http_send_text(fd, bind);
		close(fd);
	}
	half = http_connect(ground.port);
	http_send_last(half, bind);
	ground_start(&ground);
	http_read(half, &answer, true);
	expect_shape(&answer, 403, "PERMISSION_DENIED", "named no owner");
	http_answer_clear(&answer);
	close(half);
	rest_server_stop(ground.server, 1000);
	assert_int_equal(atomic_load(&rights.asked), 0);
	ground_close(&ground);
}

/* A bind with more header lines, each with its line break. */
static void format_bind(char *text, size_t size, const char *lines)
{
	snprintf(text, size,
		"POST " V1 "/devices/bind HTTP/1.1\r\n" HOST JSON "%sContent-Length: 2\r\n\r\n{}",
		lines);
}

static void test_a_relay_has_no_rights(void **state)
{
	static const char *const lines[] = {"X-Forwarded-For: 192.0.2.1\r\n",
		"X-Forwarded-Host: localhost\r\n", "X-Forwarded-Proto: http\r\n",
		"X-Real-IP: 127.0.0.1\r\n", "Forwarded: for=192.0.2.1\r\n", "Via: 1.1 relay\r\n",
		"via: 1.1 relay\r\n", "X-Forwarded-For:\r\n"};
	struct fault fault;
	struct ground ground;
	struct rights rights;
	char bind[512];

	(void)state;
	ground_open_asking(&ground, &rights);
	ground_start(&ground);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		format_bind(bind, sizeof(bind), lines[i]);
		expect_error(&ground, bind, 403, "PERMISSION_DENIED", "need the API key");
	}
	assert_int_equal(atomic_load(&rights.asked), 0);
	ground_close(&ground);

	/* A trusted proxy is one, whatever it says. */
	ground_open_asking(&ground, &rights);
	assert_int_equal(rest_cidrs_parse("127.0.0.0/8", &ground.access.proxies, &fault), 0);
	ground_start(&ground);
	format_bind(bind, sizeof(bind), "");
	expect_error(&ground, bind, 403, "PERMISSION_DENIED", "need the API key");
	ground_close(&ground);

	/* With the key it is the client's right, not the relay's. */
	ground_open_asking(&ground, &rights);
	assert_int_equal(rest_cidrs_parse("127.0.0.0/8", &ground.access.proxies, &fault), 0);
	assert_int_equal(rest_access_set_key(&ground.access, "s3cret", &fault), 0);
	ground_start(&ground);
	format_bind(
		bind, sizeof(bind), "X-Forwarded-For: 192.0.2.1\r\nX-Volant-API-Key: s3cret\r\n");
	expect_body(&ground, bind, "\"success\":true");
	assert_int_equal(atomic_load(&rights.asked), 0);
	ground_close(&ground);
}

/* On a ground where anyone may change anything, as far as no page is behind it. */
static void expect_pages(
	struct ground *ground, const char *const *lines, size_t count, const char *refusal)
{
	char bind[512];

	for (size_t i = 0; i < count; i++) {
		format_bind(bind, sizeof(bind), lines[i]);
		if (refusal)
			expect_error(ground, bind, 403, "PERMISSION_DENIED", refusal);
		else
			expect_body(ground, bind, "\"success\":true");
	}
}

#define COUNT(lines) (sizeof(lines) / sizeof((lines)[0]))

static void test_pages_of_other_origins_change_nothing(void **state)
{
	static const char *const foreign[] = {"Origin: https://evil.example\r\n",
		"Origin: null\r\n", "Origin: https://localhost\r\n",
		"Origin: http://localhost:3000\r\n", "Origin: http://localhost.evil.example\r\n",
		"Origin: localhost\r\n", "Origin:\r\n",
		"Origin: http://evil.example\r\nX-Forwarded-Host: evil.example\r\n",
		"Origin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\n"};
	static const char *const twice[] = {
		"Origin: http://localhost\r\nOrigin: http://localhost\r\n",
		"Origin: http://localhost\r\norigin: https://evil.example\r\n"};
	static const char *const sites[] = {"Sec-Fetch-Site: cross-site\r\n",
		"Sec-Fetch-Site: same-site\r\n",
		"Sec-Fetch-Site: none\r\nSec-Fetch-Site: none\r\n"};
	static const char *const own[] = {"", "Origin: http://localhost\r\n",
		"Origin: HTTP://LocalHost\r\n", "Origin: http://localhost:80\r\n",
		"Sec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n",
		"Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n"};
	struct ground ground;

	(void)state;
	ground_open(&ground);
	ground_start(&ground);
	expect_pages(&ground, foreign, COUNT(foreign), "may not change devices");
	expect_pages(&ground, twice, COUNT(twice), "more than one Origin");
	expect_pages(&ground, sites, COUNT(sites), "another site");
	expect_pages(&ground, own, COUNT(own), NULL);
	/* Reads are nobody's to spoil, and cannot be read by the page. */
	expect_body(&ground,
		"GET " V1 "/devices HTTP/1.1\r\n" HOST "Origin: https://evil.example\r\n\r\n",
		"\"devices\":[]");
	ground_close(&ground);
}

static void test_pages_of_allowed_origins_may_change(void **state)
{
	static const char *const named[] = {"Origin: https://ui.example\r\n",
		"Origin: https://ui.example\r\nSec-Fetch-Site: cross-site\r\n"};
	static const char *const other[] = {"Origin: https://evil.example\r\n", "Origin: null\r\n"};
	static const char *const any[] = {
		"X-Volant-API-Key: s3cret\r\nOrigin: https://evil.example\r\n"};
	static const char *const null[] = {"X-Volant-API-Key: s3cret\r\nOrigin: null\r\n"};
	struct fault fault;
	struct ground ground;

	(void)state;
	ground_open(&ground);
	assert_int_equal(
		rest_access_set_origins(&ground.access, "https://ui.example, *", &fault), 0);
	ground_start(&ground);
	expect_pages(&ground, named, COUNT(named), NULL);
	/* Without a key, "any" means that any page could. */
	expect_pages(&ground, other, COUNT(other), "may not change devices");
	ground_close(&ground);

	ground_open(&ground);
	assert_int_equal(rest_access_set_origins(&ground.access, "*", &fault), 0);
	assert_int_equal(rest_access_set_key(&ground.access, "s3cret", &fault), 0);
	ground_start(&ground);
	expect_pages(&ground, any, COUNT(any), NULL);
	expect_pages(&ground, null, COUNT(null), "may not change devices");
	ground_close(&ground);
}

static void test_pages_behind_a_trusted_proxy(void **state)
{
	static const char *const own[] = {
		("Origin: https://vfio.example\r\nX-Forwarded-Host: vfio.example\r\n"
		 "X-Forwarded-Proto: https\r\n"),
		"Origin: https://vfio.example\r\nX-Forwarded-Host: vfio.example:443\r\n",
		"Origin: https://localhost\r\nX-Forwarded-Proto: https\r\n"};
	static const char *const foreign[] = {
		("Origin: http://vfio.example\r\nX-Forwarded-Host: vfio.example\r\n"
		 "X-Forwarded-Proto: https\r\n"),
		"Origin: http://localhost\r\nX-Forwarded-Host: vfio.example\r\n",
		"Origin: https://vfio.example\r\nX-Forwarded-Host: vfio.example, localhost\r\n",
		("Origin: https://vfio.example\r\nX-Forwarded-Host: vfio.example\r\n"
		 "X-Forwarded-Host: vfio.example\r\n")};
	struct fault fault;
	struct ground ground;

	(void)state;
	ground_open(&ground);
	assert_int_equal(rest_cidrs_parse("127.0.0.0/8", &ground.access.proxies, &fault), 0);
	ground_start(&ground);
	expect_pages(&ground, own, COUNT(own), NULL);
	expect_pages(&ground, foreign, COUNT(foreign), "may not change devices");
	ground_close(&ground);
}

static void format_preflight(char *text, size_t size, const char *origin)
{
	snprintf(text, size,
		"OPTIONS " V1 "/devices/bind HTTP/1.1\r\n" HOST
		"Origin: %s\r\nAccess-Control-Request-Method: POST\r\n\r\n",
		origin);
}

static void test_cors(void **state)
{
	struct fault fault;
	struct http_answer answer;
	struct ground ground;
	char request[256];

	(void)state;
	ground_open(&ground);
	assert_int_equal(rest_access_set_key(&ground.access, "s3cret", &fault), 0);
	assert_int_equal(rest_access_set_origins(&ground.access, "https://ui.example", &fault), 0);
	ground_start(&ground);
	format_preflight(request, sizeof(request), "https://ui.example");
	ask(&ground, request, &answer);
	assert_int_equal(answer.status, 204);
	assert_true(http_has_header(&answer, "Access-Control-Allow-Origin: https://ui.example"));
	assert_true(http_has_header(&answer, "Access-Control-Allow-Methods: POST, OPTIONS"));
	assert_true(http_has_header(&answer,
		"Access-Control-Allow-Headers: Content-Type, Authorization, X-Volant-API-Key"));
	assert_true(http_has_header(&answer, "Vary: Origin"));
	http_answer_clear(&answer);
	format_preflight(request, sizeof(request), "https://evil.example");
	ask(&ground, request, &answer);
	assert_null(strcasestr(answer.head, "Access-Control-"));
	http_answer_clear(&answer);
	/* Errors too must be readable by the page that caused them. */
	ask(&ground, "GET /openapi HTTP/1.1\r\n" HOST "Origin: https://ui.example\r\n\r\n",
		&answer);
	expect_shape(&answer, 401, "UNAUTHENTICATED", "invalid api key");
	assert_true(http_has_header(&answer, "Access-Control-Allow-Origin: https://ui.example"));
	http_answer_clear(&answer);
	ground_close(&ground);
}

static void test_cors_for_all_has_no_credentials(void **state)
{
	struct fault fault;
	struct http_answer answer;
	struct ground ground;

	(void)state;
	ground_open(&ground);
	assert_int_equal(rest_access_set_origins(&ground.access, "*", &fault), 0);
	ground_start(&ground);
	ask(&ground, "GET /healthz HTTP/1.1\r\n" HOST "Origin: https://x.example\r\n\r\n", &answer);
	assert_true(http_has_header(&answer, "Access-Control-Allow-Origin: *"));
	assert_null(strcasestr(answer.head, "Credentials"));
	http_answer_clear(&answer);
	ground_close(&ground);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_on_loopback),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_no_key_in_the_query),
		cmocka_unit_test(test_cidr_before_key),
		cmocka_unit_test(test_nobody_may_change),
		cmocka_unit_test(test_owner_of_the_connection_is_asked_about),
		cmocka_unit_test(test_half_closed_has_no_rights),
		cmocka_unit_test(test_closed_when_accepted_is_nobody),
		cmocka_unit_test(test_a_relay_has_no_rights),
		cmocka_unit_test(test_pages_of_other_origins_change_nothing),
		cmocka_unit_test(test_pages_of_allowed_origins_may_change),
		cmocka_unit_test(test_pages_behind_a_trusted_proxy),
		cmocka_unit_test(test_cors),
		cmocka_unit_test(test_cors_for_all_has_no_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
