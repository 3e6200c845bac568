/* SPDX-License-Identifier: MIT */
/* The table of request ids. */
#include "tests/rpc/test.h"

#include "rpc/nng/dedupe.h"

#include <stdio.h>
#include <string.h>

static int an_owner;

static enum rpc_dedupe_verdict begin(struct rpc_dedupe *dedupe, const char *peer, const char *id,
	const char *payload, int64_t now_ns, struct rpc_dedupe_entry **ret_entry)
{
	const struct rpc_dedupe_key key = {
		peer, id, &rpc_methods[0], (const uint8_t *)payload, strlen(payload)};

	return rpc_dedupe_begin(dedupe, &key, &an_owner, now_ns, ret_entry);
}

static struct rpc_dedupe *table(size_t entries, size_t bytes, int64_t age_ns)
{
	const struct rpc_dedupe_limits limits = {entries, bytes, age_ns};

	return rpc_dedupe_new(&limits);
}

static struct rpc_bytes text(const char *reply)
{
	return (struct rpc_bytes){(uint8_t *)(uintptr_t)reply, strlen(reply)};
}

static void test_life_of_an_entry(void **state)
{
	struct rpc_dedupe *dedupe = table(10, 100000, 1000);
	struct rpc_dedupe_entry *entry, *again;
	struct rpc_bytes reply = text("reply");

	(void)state;
	assert_int_equal(begin(dedupe, "a", "1", "x", 0, &entry), RPC_DEDUPE_NEW);
	assert_int_equal(begin(dedupe, "a", "1", "x", 1, &again), RPC_DEDUPE_RUNNING);
	assert_ptr_equal(again, entry);
	assert_ptr_equal(rpc_dedupe_owner(again), &an_owner);
	rpc_dedupe_finish(dedupe, entry, &reply, 10);
	assert_int_equal(begin(dedupe, "a", "1", "x", 11, &again), RPC_DEDUPE_DONE);
	assert_int_equal(rpc_dedupe_reply(again)->len, 5);
	assert_memory_equal(rpc_dedupe_reply(again)->data, "reply", 5);
	assert_int_equal(begin(dedupe, "a", "1", "x", 1009, &again), RPC_DEDUPE_DONE);
	assert_int_equal(begin(dedupe, "a", "1", "x", 1010, &again), RPC_DEDUPE_NEW);
	rpc_dedupe_free(dedupe);
	rpc_dedupe_free(NULL);
}

static const struct rpc_method *a_method(bool changes)
{
	size_t i = 0;

	while (rpc_methods[i].changes != changes)
		i++;
	return &rpc_methods[i];
}

/* Anyone may read, and as often as they like. */
static void test_reads_push_no_change_out(void **state)
{
	struct rpc_dedupe *dedupe = table(10, 100000, 1000);
	const struct rpc_dedupe_key change = {"a", "bind", a_method(true), (const uint8_t *)"x", 1};
	struct rpc_bytes reply = text("bound");
	struct rpc_dedupe_entry *entry;
	char id[16];

	(void)state;
	assert_int_equal(rpc_dedupe_begin(dedupe, &change, &an_owner, 0, &entry), RPC_DEDUPE_NEW);
	rpc_dedupe_finish(dedupe, entry, &reply, 0);
	for (int i = 0; i < 100; i++) {
		struct rpc_dedupe_key read = {id, id, a_method(false), (const uint8_t *)"x", 1};

		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(
			rpc_dedupe_begin(dedupe, &read, &an_owner, 1, &entry), RPC_DEDUPE_NEW);
		rpc_dedupe_finish(dedupe, entry, &reply, 1);
	}
	assert_int_equal(rpc_dedupe_begin(dedupe, &change, &an_owner, 2, &entry), RPC_DEDUPE_DONE);
	rpc_dedupe_free(dedupe);
}

static void test_other_bytes_and_other_peers(void **state)
{
	struct rpc_dedupe *dedupe = table(10, 100000, 1000);
	const struct rpc_dedupe_key other_method = {
		"a", "1", &rpc_methods[1], (const uint8_t *)"x", 1};
	struct rpc_dedupe_entry *entry;

	(void)state;
	assert_int_equal(begin(dedupe, "a", "1", "x", 0, &entry), RPC_DEDUPE_NEW);
	assert_int_equal(begin(dedupe, "a", "1", "y", 0, &entry), RPC_DEDUPE_OTHER);
	assert_int_equal(begin(dedupe, "a", "1", "", 0, &entry), RPC_DEDUPE_OTHER);
	assert_int_equal(
		rpc_dedupe_begin(dedupe, &other_method, NULL, 0, &entry), RPC_DEDUPE_OTHER);
	assert_int_equal(begin(dedupe, "b", "1", "y", 0, &entry), RPC_DEDUPE_NEW);
	assert_int_equal(begin(dedupe, "a", "2", "y", 0, &entry), RPC_DEDUPE_NEW);
	rpc_dedupe_free(dedupe);
}

static void test_forgotten_is_new(void **state)
{
	struct rpc_dedupe *dedupe = table(10, 100000, 1000);
	struct rpc_dedupe_entry *entry;

	(void)state;
	assert_int_equal(begin(dedupe, "a", "1", "x", 0, &entry), RPC_DEDUPE_NEW);
	rpc_dedupe_forget(dedupe, entry);
	assert_int_equal(begin(dedupe, "a", "1", "y", 0, &entry), RPC_DEDUPE_NEW);
	rpc_dedupe_free(dedupe);
}

static void test_oldest_answer_goes_first(void **state)
{
	struct rpc_dedupe *dedupe = table(3, 100000, 1000);
	struct rpc_dedupe_entry *entry, *first, *second;
	struct rpc_bytes reply = text("r");

	(void)state;
	assert_int_equal(begin(dedupe, "a", "1", "x", 0, &first), RPC_DEDUPE_NEW);
	assert_int_equal(begin(dedupe, "a", "2", "x", 0, &second), RPC_DEDUPE_NEW);
	rpc_dedupe_finish(dedupe, second, &reply, 1);
	rpc_dedupe_finish(dedupe, first, &reply, 2);
	assert_int_equal(begin(dedupe, "a", "3", "x", 3, &entry), RPC_DEDUPE_NEW);
	assert_int_equal(begin(dedupe, "a", "4", "x", 3, &entry), RPC_DEDUPE_NEW);
	assert_int_equal(begin(dedupe, "a", "1", "x", 3, &entry), RPC_DEDUPE_DONE);
	assert_int_equal(begin(dedupe, "a", "2", "x", 3, &entry), RPC_DEDUPE_NEW);
	/* 3, 4 and 2 run: there is nothing left to drop. */
	assert_int_equal(begin(dedupe, "a", "5", "x", 3, &entry), RPC_DEDUPE_FULL);
	assert_int_equal(begin(dedupe, "a", "4", "x", 3, &entry), RPC_DEDUPE_RUNNING);
	rpc_dedupe_free(dedupe);
}

static void test_bytes_are_bounded(void **state)
{
	static char big[10000];
	struct rpc_dedupe *dedupe = table(1000, 20000, 1000);
	struct rpc_dedupe_entry *entry;
	struct rpc_bytes reply;
	char id[8];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	reply = text(big);
	for (int i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(begin(dedupe, "a", id, "x", 0, &entry), RPC_DEDUPE_NEW);
		rpc_dedupe_finish(dedupe, entry, &reply, i);
	}
	assert_int_equal(begin(dedupe, "a", "4", "x", 5, &entry), RPC_DEDUPE_DONE);
	assert_int_equal(begin(dedupe, "a", "3", "x", 5, &entry), RPC_DEDUPE_NEW);
	rpc_dedupe_free(dedupe);
}

static void test_newest_answer_stays_however_large(void **state)
{
	struct rpc_dedupe *dedupe = table(1000, 400, 1000);
	static char big[10000];
	struct rpc_dedupe_entry *entry;
	struct rpc_bytes reply;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	reply = text(big);
	assert_int_equal(begin(dedupe, "a", "1", "x", 0, &entry), RPC_DEDUPE_NEW);
	rpc_dedupe_finish(dedupe, entry, &reply, 0);
	assert_int_equal(begin(dedupe, "a", "1", "x", 1, &entry), RPC_DEDUPE_DONE);
	rpc_dedupe_free(dedupe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life_of_an_entry),
		cmocka_unit_test(test_reads_push_no_change_out),
		cmocka_unit_test(test_other_bytes_and_other_peers),
		cmocka_unit_test(test_forgotten_is_new),
		cmocka_unit_test(test_oldest_answer_goes_first),
		cmocka_unit_test(test_bytes_are_bounded),
		cmocka_unit_test(test_newest_answer_stays_however_large),
	};

	return cmocka_run_group_tests_name("rpc dedupe", tests, NULL, NULL);
}
