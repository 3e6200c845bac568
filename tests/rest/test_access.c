/* SPDX-License-Identifier: MIT */
/* Keys, addresses, hosts and origins. */
#include "rest/access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct rest_address address(const char *text)
{
	struct rest_address parsed;

	if (!rest_address_parse(text, strlen(text), &parsed))
		fail_msg("%s does not parse", text);
	return parsed;
}

static bool matches(const char *list, const char *text)
{
	struct rest_cidrs cidrs = {0};
	struct fault fault = {""};
	struct rest_address parsed = address(text);
	bool matched;

	if (rest_cidrs_parse(list, &cidrs, &fault) != 0)
		fail_msg("%s: %s", list, fault.text);
	matched = rest_cidrs_match(&cidrs, &parsed);
	rest_cidrs_clear(&cidrs);
	return matched;
}

static void test_cidr_matches(void **state)
{
	(void)state;
	assert_true(matches("10.0.0.0/8", "10.255.0.1"));
	assert_false(matches("10.0.0.0/8", "11.0.0.1"));
	assert_true(matches("192.168.1.64/26", "192.168.1.127"));
	assert_false(matches("192.168.1.64/26", "192.168.1.128"));
	assert_true(matches("192.0.2.7", "192.0.2.7"));
	assert_false(matches("192.0.2.7", "192.0.2.6"));
	assert_true(matches("0.0.0.0/0", "8.8.8.8"));
	assert_true(matches("10.1.2.3/8", "10.9.9.9"));
	assert_true(matches("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(matches("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(matches("::1", "::1"));
	assert_false(matches("::1", "::2"));
	assert_true(matches(" 127.0.0.1 ,\t2001:db8::1/128 ", "2001:db8::1"));
}

static void test_families_do_not_mix_but_mapped_is_v4(void **state)
{
	(void)state;
	assert_false(matches("0.0.0.0/0", "::1"));
	assert_false(matches("::/0", "10.0.0.1"));
	assert_true(matches("::/0", "fe80::1"));
	assert_true(matches("10.0.0.0/8", "::ffff:10.1.1.1"));
	assert_true(matches("::ffff:10.0.0.0/104", "10.1.1.1"));
	assert_false(matches("::ffff:10.0.0.0/104", "11.1.1.1"));
	assert_true(matches("::ffff:10.0.0.1", "10.0.0.1"));
}

static void test_bad_cidr_names_the_entry(void **state)
{
	static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8",
		"10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8", "010.0.0.1", "::1/129", "fe80::1%lo",
		"[::1]", "::ffff:10.0.0.0/95", "example.org", "10.0.0.0 /8", "256.0.0.1",
		"10.0.0.1:80", "10.0.0.0/1111"};
	struct rest_cidrs cidrs = {0};
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char list[64];

		snprintf(list, sizeof(list), "127.0.0.1, %s", bad[i]);
		if (rest_cidrs_parse(list, &cidrs, &fault) != -EINVAL)
			fail_msg("%s parsed", bad[i]);
		assert_non_null(strstr(fault.text, bad[i]));
		assert_null(cidrs.entries);
	}
}

static void test_empty_entries_never_open_the_door(void **state)
{
	struct rest_cidrs cidrs = {0};
	struct fault fault;

	(void)state;
	assert_int_equal(rest_cidrs_parse(",", &cidrs, &fault), -EINVAL);
	assert_int_equal(rest_cidrs_parse("10.0.0.0/8,", &cidrs, &fault), -EINVAL);
	assert_int_equal(rest_cidrs_parse("  ", &cidrs, &fault), 0);
	assert_int_equal(cidrs.count, 0);
}

static void test_sockaddr(void **state)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
	struct sockaddr other = {.sa_family = AF_UNIX};
	struct rest_address got, want = address("127.0.0.1");

	(void)state;
	rest_address_from((struct sockaddr *)&v4, &got);
	assert_memory_equal(&got, &want, sizeof(got));
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6.sin6_addr);
	rest_address_from((struct sockaddr *)&v6, &got);
	assert_memory_equal(&got, &want, sizeof(got));
	rest_address_from(&other, &got);
	assert_int_equal(got.family, AF_UNSPEC);
}

static void expect_client(const char *peer, const char *forwarded, const char *want)
{
	struct rest_access access = {0};
	struct rest_address from = address(peer), got, wanted = {.family = AF_UNSPEC};
	struct fault fault;

	if (want)
		wanted = address(want);
	assert_int_equal(rest_cidrs_parse("10.0.0.0/8,::1", &access.proxies, &fault), 0);
	rest_access_client(&access, &from, forwarded, forwarded ? strlen(forwarded) : 0, &got);
	if (memcmp(&got, &wanted, sizeof(got)) != 0)
		fail_msg("peer %s, \"%s\": not %s", peer, forwarded ? forwarded : "", want);
	rest_access_clear(&access);
}

static void test_forwarded_is_walked_from_the_right(void **state)
{
	(void)state;
	expect_client("192.0.2.1", "203.0.113.9", "192.0.2.1");
	expect_client("10.0.0.1", NULL, "10.0.0.1");
	expect_client("10.0.0.1", "203.0.113.9", "203.0.113.9");
	expect_client("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9");
	expect_client("10.0.0.1", "1.1.1.1,203.0.113.9 , 10.0.0.2", "203.0.113.9");
	expect_client("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3");
	expect_client("::1", "203.0.113.9:4711", "203.0.113.9");
	expect_client("::1", "[2001:db8::7]:4711", "2001:db8::7");
	expect_client("::1", "[2001:db8::7]", "2001:db8::7");
	expect_client("10.0.0.1", "1.1.1.1, unknown", NULL);
	expect_client("10.0.0.1", "1.1.1.1, unknown, 10.0.0.2", NULL);
	expect_client("10.0.0.1", "1.1.1.1,", NULL);
	expect_client("10.0.0.1", "unknown, 203.0.113.9", "203.0.113.9");
}

static void test_unknown_client_is_not_allowed(void **state)
{
	struct rest_access access = {0};
	struct rest_address nobody = {.family = AF_UNSPEC};
	struct fault fault;

	(void)state;
	assert_true(rest_access_allows(&access, &nobody));
	assert_int_equal(rest_cidrs_parse("0.0.0.0/0,::/0", &access.allowed, &fault), 0);
	assert_false(rest_access_allows(&access, &nobody));
	rest_access_clear(&access);
}

static void test_key(void **state)
{
	struct rest_access access = {0};
	struct fault fault;
	char longest[REST_KEY_MAX + 2];

	(void)state;
	assert_true(rest_access_key_fits(&access, NULL, 0));
	assert_int_equal(rest_access_set_key(&access, "s3cret", &fault), 0);
	assert_true(rest_access_key_fits(&access, "s3cret", 6));
	assert_false(rest_access_key_fits(&access, "s3cret", 5));
	assert_false(rest_access_key_fits(&access, "s3cret\0", 7));
	assert_false(rest_access_key_fits(&access, "S3cret", 6));
	assert_false(rest_access_key_fits(&access, "", 0));
	assert_false(rest_access_key_fits(&access, NULL, 0));
	memset(longest, 'k', sizeof(longest));
	longest[REST_KEY_MAX + 1] = '\0';
	assert_int_equal(rest_access_set_key(&access, longest, &fault), -EINVAL);
	longest[REST_KEY_MAX] = '\0';
	assert_int_equal(rest_access_set_key(&access, longest, &fault), 0);
	assert_true(rest_access_key_fits(&access, longest, REST_KEY_MAX));
	assert_int_equal(rest_access_set_key(&access, "", &fault), -EINVAL);
	assert_int_equal(rest_access_set_key(&access, "a b", &fault), -EINVAL);
	assert_non_null(strstr(fault.text, "position 2"));
	assert_int_equal(rest_access_set_key(&access, "sch\xc3\xb6n", &fault), -EINVAL);
}

static void test_loopback_host(void **state)
{
	static const char *const good[] = {"localhost", "LOCALHOST:8080", "api.localhost",
		"localhost.", "127.0.0.1", "127.9.8.7:80", "[::1]", "[::1]:8080", "localhost:"};
	static const char *const bad[] = {"", "example.org", "localhost.example.org",
		"notlocalhost", "128.0.0.1", "127.0.0.1.example.org", "::1", "[::2]", "[::1",
		"[::1]x", "localhost:80x", "localhost:123456", "0.0.0.0", "2130706433", "127.1",
		"localhost@evil", "[127.0.0.1]"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!rest_access_host_is_loopback(good[i], strlen(good[i])))
			fail_msg("%s is loopback", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rest_access_host_is_loopback(bad[i], strlen(bad[i])))
			fail_msg("%s is not loopback", bad[i]);
}

static void expect_origin(const struct rest_access *access, const char *origin, const char *want)
{
	const char *got = rest_access_origin(access, origin, strlen(origin));

	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
}

static void test_origins(void **state)
{
	struct rest_access access = {0};
	struct fault fault;

	(void)state;
	expect_origin(&access, "https://a.example", NULL);
	assert_int_equal(rest_access_set_origins(
				 &access, "https://a.example, http://localhost:3000", &fault),
		0);
	expect_origin(&access, "https://a.example", "https://a.example");
	expect_origin(&access, "http://localhost:3000", "http://localhost:3000");
	expect_origin(&access, "http://localhost:3001", NULL);
	expect_origin(&access, "https://a.example.org", NULL);
	expect_origin(&access, "null", NULL);
	assert_int_equal(rest_access_set_origins(&access, "a.example", &fault), -EINVAL);
	assert_non_null(strstr(fault.text, "a.example"));
	assert_int_equal(rest_access_set_origins(&access, "https://a/b", &fault), -EINVAL);
	assert_int_equal(rest_access_set_origins(&access, "https://a,", &fault), -EINVAL);
	expect_origin(&access, "https://a.example", "https://a.example");
	assert_int_equal(rest_access_set_origins(&access, "*", &fault), 0);
	expect_origin(&access, "https://a.example", "*");
	assert_int_equal(rest_access_set_origins(&access, "", &fault), 0);
	expect_origin(&access, "https://a.example", NULL);
	rest_access_clear(&access);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cidr_matches),
		cmocka_unit_test(test_families_do_not_mix_but_mapped_is_v4),
		cmocka_unit_test(test_bad_cidr_names_the_entry),
		cmocka_unit_test(test_empty_entries_never_open_the_door),
		cmocka_unit_test(test_sockaddr),
		cmocka_unit_test(test_forwarded_is_walked_from_the_right),
		cmocka_unit_test(test_unknown_client_is_not_allowed),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_loopback_host),
		cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
