/* SPDX-License-Identifier: MIT */
/* What the connections and calls of an event loop ask of it. */
#include "rest/loop.h"

#include "core/base/clock.h"

#include <malloc.h>

/* From so much freed memory on it is given back, and how long after the last time. */
#define LOOP_TRIM_BYTES (1 << 20)
#define LOOP_TRIM_NS NS_PER_S

void rest_loop_arm_tick(struct rest_loop *loop)
{
	if (!h2o_timeout_is_linked(&loop->tick))
		h2o_timeout_link(loop->http.loop, &loop->http.hundred_ms_timeout, &loop->tick);
}

void rest_loop_arm_turn(struct rest_loop *loop)
{
	/* Linked again within its own turn of the loop, it would be due within that. */
	if (loop->turned || h2o_timeout_is_linked(&loop->turn))
		return;
	if (rest_peers_have_turns(&loop->peers, true) || now_ns() >= loop->behind_ns)
		h2o_timeout_link(loop->http.loop, &loop->http.zero_timeout, &loop->turn);
	else if (!h2o_timeout_is_linked(&loop->paused_turn))
		h2o_timeout_link(loop->http.loop, &loop->pause, &loop->paused_turn);
}

void rest_loop_freed(struct rest_loop *loop, size_t bytes)
{
	loop->freed += bytes;
	if (loop->freed >= LOOP_TRIM_BYTES)
		rest_loop_arm_tick(loop);
}

void rest_loop_trim(struct rest_loop *loop)
{
	int64_t now = now_ns();

	if (loop->freed < LOOP_TRIM_BYTES)
		return;
	if (now - loop->trimmed_ns < LOOP_TRIM_NS) {
		rest_loop_arm_tick(loop);
		return;
	}
	malloc_trim(0);
	loop->freed = 0;
	loop->trimmed_ns = now;
}

bool rest_loop_is_full(const struct rest_loop *loop)
{
	return loop->connection_count >= loop->max_connections;
}

bool rest_loop_has_room(struct rest_loop *loop)
{
	return !rest_loop_is_full(loop) || rest_peers_idlest(&loop->peers);
}

void rest_loop_resume(struct rest_loop *loop)
{
	if (!loop->paused || !loop->listener || !rest_loop_has_room(loop))
		return;
	loop->paused = false;
	h2o_socket_read_start(loop->listener, loop->on_accept);
}
