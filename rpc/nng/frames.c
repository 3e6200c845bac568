/* SPDX-License-Identifier: MIT */
/* Follows SP's framing: a greeting, then frames of [kind,] length and body. The body of a request
 * begins with the ids of those that it passed through, of which the last one has its high bit set.
 */
#include "rpc/nng/frames.h"

enum {
	GREETING = 8,
	KIND = 1, /* a whole message, over ipc:// */
	LENGTH = 8,
	WORD = 4,
	HOPS_MAX = 8, /* nng drops a request that has more, and keeps the connection */
};

static bool frames_take_header(struct rpc_frames *f, uint8_t byte)
{
	if (f->local && f->header == 0) {
		f->header++;
		return byte == KIND;
	}
	f->len = f->len << 8 | byte;
	if (++f->header < LENGTH + (unsigned)f->local)
		return true;
	return f->len >= WORD && f->len <= f->max;
}

static void frames_end(struct rpc_frames *f)
{
	f->header = 0;
	f->len = f->at = 0;
	f->has_id = false;
}

static bool frames_take_body(struct rpc_frames *f, uint8_t byte)
{
	bool fits, begins = f->at % WORD == 0 && f->at + WORD <= f->len;

	f->has_id |= begins && f->at / WORD < HOPS_MAX && (byte & 0x80);
	if (++f->at < f->len)
		return true;
	fits = f->has_id || f->len / WORD >= HOPS_MAX;
	f->whole += f->has_id;
	frames_end(f);
	return fits;
}

/* What of the body need not be looked at. */
static size_t frames_skip(struct rpc_frames *f, size_t len)
{
	uint64_t skip;

	if (f->at < (uint64_t)WORD * HOPS_MAX || f->at + 1 >= f->len)
		return 0;
	skip = f->len - f->at - 1;
	skip = skip < len ? skip : len;
	f->at += skip;
	return skip;
}

bool rpc_frames_take(struct rpc_frames *f, const uint8_t *bytes, size_t len)
{
	unsigned whole = LENGTH + (unsigned)f->local;

	for (size_t i = 0; i < len; i++) {
		if (f->greeted < GREETING) {
			f->greeted++;
			continue;
		}
		if (f->header < whole) {
			if (!frames_take_header(f, bytes[i]))
				return false;
			continue;
		}
		i += frames_skip(f, len - i);
		if (i < len && !frames_take_body(f, bytes[i]))
			return false;
	}
	return true;
}
