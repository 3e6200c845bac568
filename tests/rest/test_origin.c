/* SPDX-License-Identifier: MIT */
/* Which pages may ask for changes. */
#include "rest/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool is(const char *origin, const char *scheme, const char *authority)
{
	return rest_origin_is(origin, strlen(origin), scheme, authority, strlen(authority));
}

static void test_own(void **state)
{
	(void)state;
	assert_true(is("http://127.0.0.1:8080", "http", "127.0.0.1:8080"));
	assert_true(is("http://LOCALHOST:8080", "http", "localhost:8080"));
	assert_true(is("http://[::1]:8080", "http", "[::1]:8080"));
	assert_true(is("https://vfio.example", "https", "vfio.example"));
	assert_true(is("https://vfio.example", "HTTPS", "VFIO.example"));
	assert_true(is("http://a", NULL, "a"));
	assert_true(is("https://a", NULL, "a"));
}

static void test_own_ports(void **state)
{
	(void)state;
	assert_true(is("http://a", "http", "a:80"));
	assert_true(is("http://a:80", "http", "a"));
	assert_true(is("https://a", "https", "a:443"));
	assert_true(is("http://[::1]", "http", "[::1]:80"));
	assert_false(is("http://a", "http", "a:443"));
	assert_false(is("https://a", "https", "a:80"));
	assert_false(is("http://a:8080", "http", "a"));
	assert_false(is("http://a:8080", "http", "a:80"));
	assert_false(is("http://a:180", "http", "a:1"));
	/* Of either scheme, each with its own port. */
	assert_true(is("https://a", NULL, "a:443"));
	assert_true(is("http://a", NULL, "a:80"));
	assert_false(is("https://a", NULL, "a:80"));
}

static void test_foreign(void **state)
{
	(void)state;
	assert_false(is("https://a", "http", "a"));
	assert_false(is("http://a.evil", "http", "a"));
	assert_false(is("http://evil.a", "http", "a"));
	assert_false(is("http://a/", "http", "a"));
	assert_false(is("http://a", "http", "ab"));
	assert_false(is("http:/a", "http", "a"));
	assert_false(is("a", "http", "a"));
	assert_false(is("//a", "http", "a"));
	assert_false(is("ftp://a", NULL, "a"));
	assert_false(is("ftp://a", "ftp", "a"));
	assert_false(is("null", NULL, "null"));
	assert_false(is("http://", "http", ""));
	assert_false(is("", "http", ""));
	assert_false(is("http://:80", "http", ":80"));
	assert_false(is("http", "http", ""));
}

static bool may(const struct rest_access *access, const char *origin)
{
	return rest_origin_may_change(access, origin, strlen(origin));
}

static void test_allowed(void **state)
{
	struct rest_access access = {0};
	struct fault fault;

	(void)state;
	assert_false(may(&access, "https://ui.example"));
	assert_int_equal(rest_access_set_origins(&access, "https://ui.example", &fault), 0);
	assert_true(may(&access, "https://ui.example"));
	assert_false(may(&access, "http://ui.example"));
	assert_false(may(&access, "https://ui.example:8443"));
	assert_false(may(&access, "null"));
	assert_int_equal(rest_access_set_origins(&access, "*", &fault), 0);
	assert_false(may(&access, "https://ui.example"));
	assert_int_equal(rest_access_set_key(&access, "s3cret", &fault), 0);
	assert_true(may(&access, "https://ui.example"));
	assert_false(may(&access, "null"));
	assert_false(may(&access, "NULL"));
	rest_access_clear(&access);
}

static bool foreign(const char *site)
{
	return rest_origin_is_foreign_site(site, strlen(site));
}

static void test_sites(void **state)
{
	(void)state;
	assert_false(foreign("same-origin"));
	assert_false(foreign("none"));
	assert_true(foreign("cross-site"));
	assert_true(foreign("same-site"));
	assert_true(foreign(""));
	assert_true(foreign("same-origin-of-sorts"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_own_ports),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_sites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
