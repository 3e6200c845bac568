/* SPDX-License-Identifier: MIT */
/* A holder's requests wait in the kernel when it has its share, first come, first served. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "rpc/nng/turns.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHARE = 4, CROWD = SHARE + 3 };

struct crowd {
	struct rpc_connections table;
	struct rpc_holder holder;
	struct rpc_connection connections[CROWD];
	int peers[CROWD];
};

/* All have one holder, who is not alone and whose requests are slow; and something to read. */
static int set_up(void **state)
{
	static struct crowd crowd;

	memset(&crowd, 0, sizeof(crowd));
	crowd.holder.table = &crowd.table;
	crowd.holder.busy_ns = NS_PER_MS;
	crowd.table.holders = 2;
	TAILQ_INIT(&crowd.holder.waiting);
	for (size_t i = 0; i < CROWD; i++) {
		struct rpc_connection *c = &crowd.connections[i];
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_int_equal(write(fds[1], "x", 1), 1);
		*c = (struct rpc_connection){.fd = fds[0], .epoll = -1, .holder = &crowd.holder};
		crowd.peers[i] = fds[1];
	}
	*state = &crowd;
	return 0;
}

static int tear_down(void **state)
{
	struct crowd *crowd = *state;

	for (size_t i = 0; i < CROWD; i++) {
		close(crowd->connections[i].fd);
		close(crowd->peers[i]);
	}
	return 0;
}

/* The first have a request read each, the others wait in this order. */
static void fill(struct crowd *crowd)
{
	for (size_t i = 0; i < SHARE; i++) {
		assert_true(rpc_turns_may_read(&crowd->connections[i]));
		assert_true(rpc_turns_wait(&crowd->connections[i]));
		rpc_turns_read(&crowd->connections[i]);
	}
	for (size_t i = SHARE; i < CROWD; i++) {
		assert_false(rpc_turns_may_read(&crowd->connections[i]));
		assert_false(rpc_turns_wait(&crowd->connections[i]));
	}
}

static void expect_turns(const struct crowd *crowd, size_t first, size_t count)
{
	for (size_t i = SHARE; i < CROWD; i++)
		assert_int_equal(rpc_turns_may_read(&crowd->connections[i]),
			i >= first && i < first + count);
}

static void test_who_came_first_reads_first(void **state)
{
	struct crowd *crowd = *state;
	struct rpc_connection *c = crowd->connections;

	fill(crowd);
	rpc_turns_begin(&c[2]);
	expect_turns(crowd, SHARE, 1);
	assert_false(rpc_turns_may_read(&c[2])); /* the turn is not its */
	rpc_turns_read(&c[SHARE]);
	expect_turns(crowd, 0, 0);
	rpc_turns_begin(&c[SHARE]);
	rpc_turns_begin(&c[0]);
	expect_turns(crowd, SHARE + 1, 2);
}

/* It has had only a part of a request, and there is no more. */
static void test_unused_turn_goes_to_the_next(void **state)
{
	struct crowd *crowd = *state;
	struct rpc_connection *c = crowd->connections;
	char byte;

	fill(crowd);
	rpc_turns_begin(&c[0]);
	assert_int_equal(read(c[SHARE].fd, &byte, 1), 1);
	rpc_turns_return(&c[SHARE]);
	assert_true(rpc_turns_wait(&c[SHARE])); /* what there is yet to come may be told */
	expect_turns(crowd, SHARE + 1, 1);
}

static void test_who_leaves_gives_back_all(void **state)
{
	struct crowd *crowd = *state;
	struct rpc_connection *c = crowd->connections;

	fill(crowd);
	rpc_turns_leave(&c[SHARE + 1]); /* waits */
	expect_turns(crowd, 0, 0);
	rpc_turns_leave(&c[0]); /* has a request unserved */
	expect_turns(crowd, SHARE, 1);
	rpc_turns_leave(&c[SHARE]); /* has a turn */
	expect_turns(crowd, SHARE + 2, 1);
	for (size_t i = 1; i < CROWD; i++)
		rpc_turns_leave(&c[i]);
	assert_int_equal(crowd->holder.unserved, 0);
	assert_true(TAILQ_EMPTY(&crowd->holder.waiting));
}

static void test_quick_requests_get_a_greater_share(void **state)
{
	struct crowd *crowd = *state;

	fill(crowd);
	for (int i = 0; i < 40; i++)
		rpc_turns_charge(&crowd->holder, 1000);
	expect_turns(crowd, SHARE, CROWD - SHARE);
	rpc_turns_charge(&crowd->holder, NS_PER_MS);
	expect_turns(crowd, 0, 0);
}

/* Nobody is in the way of others who has been alone for a while. */
static void test_who_is_alone_has_all(void **state)
{
	struct crowd *crowd = *state;

	fill(crowd);
	crowd->table.holders = 1;
	crowd->table.shared_ns = now_ns() - 5 * NS_PER_S;
	expect_turns(crowd, 0, 0);
	crowd->table.shared_ns = now_ns() - 11 * NS_PER_S;
	expect_turns(crowd, SHARE, CROWD - SHARE);
}

/* Whose bytes nobody can count, as over TLS. */
static void test_uncounted_requests_begin(void **state)
{
	struct crowd *crowd = *state;

	rpc_turns_begin(&crowd->connections[0]);
	assert_int_equal(crowd->holder.unserved, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_came_first_reads_first),
		TEST(test_unused_turn_goes_to_the_next),
		TEST(test_who_leaves_gives_back_all),
		TEST(test_quick_requests_get_a_greater_share),
		TEST(test_who_is_alone_has_all),
		TEST(test_uncounted_requests_begin),
	};

	return cmocka_run_group_tests_name("rpc turns", tests, NULL, NULL);
}
