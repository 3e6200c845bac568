/* SPDX-License-Identifier: MIT */
/* Follows SP's framing in the bytes of a connection, so that what nng would refuse is seen first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where in the stream a connection is; all zero, but for the first two, at its start. */
struct rpc_frames {
	bool local;	  /* over ipc://, where each frame has a byte for its kind */
	size_t max;	  /* of a message; 0: nothing is taken */
	unsigned greeted; /* bytes of SP's greeting */
	unsigned header;  /* bytes of the frame's header */
	uint64_t len;	  /* of the frame's body */
	uint64_t at;	  /* in the body */
	bool has_id;	  /* its request id has been seen */
	unsigned whole;	  /* requests that have been taken and that nng will pass on */
};

/* Takes the next bytes, however they were cut. False: nng will refuse them (a frame of another
 * kind, too long, or without a request id). Pure. */
bool rpc_frames_take(struct rpc_frames *frames, const uint8_t *bytes, size_t len);
