/* SPDX-License-Identifier: MIT */
/* Whose turn it is, and who gives way. */
#include "rest/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rest_peer_key key(uint8_t number)
{
	return (struct rest_peer_key){.kind = AF_INET, .bytes = {10, 0, 0, number}};
}

static void join(struct rest_peers *peers, struct rest_seat *seats, size_t count, uint8_t number)
{
	for (size_t i = 0; i < count; i++) {
		seats[i] = (struct rest_seat){0};
		assert_true(rest_peers_join(peers, &seats[i], key(number)));
	}
}

static void leave(struct rest_seat *seats, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rest_peers_leave(&seats[i]);
}

static void test_peers_take_turns(void **state)
{
	struct rest_seat many[3], one;
	struct rest_peers peers;

	(void)state;
	rest_peers_init(&peers);
	join(&peers, many, 3, 1);
	join(&peers, &one, 1, 2);
	assert_ptr_equal(many[0].peer, many[2].peer);
	assert_ptr_not_equal(many[0].peer, one.peer);
	assert_null(rest_peers_next(&peers, false));
	for (int i = 0; i < 3; i++)
		rest_peers_queue(&peers, &many[i], true);
	rest_peers_queue(&peers, &one, true);
	assert_ptr_equal(rest_peers_next(&peers, false), &many[0]);
	assert_ptr_equal(rest_peers_next(&peers, false), &one);
	assert_ptr_equal(rest_peers_next(&peers, false), &many[1]);
	rest_peers_leave(&many[2]);
	assert_false(rest_peers_have_turns(&peers, false));
	assert_null(rest_peers_next(&peers, false));
	leave(many, 2);
	leave(&one, 1);
}

/* Those who waited come first, but not without end. */
static void test_who_waited_comes_first(void **state)
{
	struct rest_seat seats[9], *next;
	struct rest_peers peers;
	int fresh = 0;

	(void)state;
	rest_peers_init(&peers);
	join(&peers, seats, 9, 1);
	rest_peers_queue(&peers, &seats[0], false);
	for (int i = 1; i < 9; i++)
		rest_peers_queue(&peers, &seats[i], true);
	while ((next = rest_peers_next(&peers, false)) != &seats[0]) {
		fresh++;
		assert_ptr_equal(next, &seats[fresh]);
	}
	assert_true(fresh >= 1 && fresh <= 7);
	assert_ptr_equal(rest_peers_next(&peers, false), &seats[fresh + 1]);
	leave(seats, 9);
}

/* While what was sent in a row pauses, those of other peers who waited are served. */
static void test_only_fresh_ones(void **state)
{
	struct rest_seat behind[2], fresh;
	struct rest_peers peers;

	(void)state;
	rest_peers_init(&peers);
	join(&peers, behind, 2, 1);
	join(&peers, &fresh, 1, 2);
	rest_peers_queue(&peers, &behind[0], false);
	assert_true(rest_peers_have_turns(&peers, false));
	assert_false(rest_peers_have_turns(&peers, true));
	assert_null(rest_peers_next(&peers, true));
	rest_peers_queue(&peers, &fresh, true);
	rest_peers_queue(&peers, &behind[1], true);
	assert_ptr_equal(rest_peers_next(&peers, true), &behind[1]);
	assert_ptr_equal(rest_peers_next(&peers, true), &fresh);
	assert_null(rest_peers_next(&peers, true));
	assert_ptr_equal(rest_peers_next(&peers, false), &behind[0]);
	leave(behind, 2);
	leave(&fresh, 1);
}

static void test_the_peer_with_most_gives_way(void **state)
{
	struct rest_seat many[3], one;
	struct rest_peers peers;

	(void)state;
	rest_peers_init(&peers);
	join(&peers, many, 3, 1);
	join(&peers, &one, 1, 2);
	assert_null(rest_peers_idlest(&peers));
	rest_peers_wait(&one);
	assert_ptr_equal(rest_peers_idlest(&peers), &one);
	for (int i = 0; i < 3; i++)
		rest_peers_wait(&many[i]);
	assert_ptr_equal(rest_peers_idlest(&peers), &many[0]);
	rest_peers_wait(&many[0]);
	assert_ptr_equal(rest_peers_idlest(&peers), &many[1]);
	rest_peers_wait_no_more(&many[1]);
	assert_ptr_equal(rest_peers_idlest(&peers), &many[2]);
	leave(many, 3);
	assert_ptr_equal(rest_peers_idlest(&peers), &one);
	leave(&one, 1);
	assert_null(rest_peers_idlest(&peers));
}

static const struct rest_seat *has_none;

static bool has_bytes(const struct rest_seat *seat)
{
	return seat != has_none;
}

static void test_the_peer_with_most_bytes_gives_way(void **state)
{
	struct rest_seat many[2], one;
	struct rest_peers peers;

	(void)state;
	rest_peers_init(&peers);
	join(&peers, many, 2, 1);
	join(&peers, &one, 1, 2);
	rest_peers_wait(&one);
	rest_peers_wait(&many[0]);
	rest_peers_wait(&many[1]);
	one.peer->bytes = 10;
	assert_ptr_equal(rest_peers_greediest(&peers, has_bytes), &one);
	many[0].peer->bytes = 11;
	assert_ptr_equal(rest_peers_greediest(&peers, has_bytes), &many[0]);
	has_none = &many[0];
	assert_ptr_equal(rest_peers_greediest(&peers, has_bytes), &many[1]);
	leave(many, 2);
	leave(&one, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers_take_turns),
		cmocka_unit_test(test_who_waited_comes_first),
		cmocka_unit_test(test_only_fresh_ones),
		cmocka_unit_test(test_the_peer_with_most_gives_way),
		cmocka_unit_test(test_the_peer_with_most_bytes_gives_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
