/* SPDX-License-Identifier: MIT */
/* Secrets that callers present. */
#include "core/base/secret.h"

#include "tests/core/test.h"

static void test_compared_whole(void **state)
{
	(void)state;
	assert_true(secret_equal("secret", 6, "secret"));
	assert_true(secret_equal("secret and more", 6, "secret"));
	assert_true(secret_equal("", 0, ""));
	assert_false(secret_equal("", 0, "secret"));
	assert_false(secret_equal("secre", 5, "secret"));
	assert_false(secret_equal("secret\0", 7, "secret"));
	assert_false(secret_equal("secretsecret", 12, "secret"));
	assert_false(secret_equal("secret\0secret", 13, "secret"));
	assert_false(secret_equal("Secret", 6, "secret"));
	assert_false(secret_equal("secreT", 6, "secret"));
	assert_false(secret_equal("x", 1, ""));
}

static void test_bearer(void **state)
{
	const char *token;
	size_t len;

	(void)state;
	token = secret_bearer("Bearer  abc", 11, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(token, "abc", 3);
	assert_non_null(secret_bearer("bearer x", 8, &len));
	assert_null(secret_bearer("Basic abc", 9, &len));
	assert_null(secret_bearer("Bearer", 6, &len));
	assert_null(secret_bearer("", 0, &len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compared_whole),
		cmocka_unit_test(test_bearer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
