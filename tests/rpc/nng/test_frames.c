/* SPDX-License-Identifier: MIT */
/* SP's framing is followed however the bytes are cut, and what nng refuses is refused. */
#include "tests/rpc/test.h"

#include "rpc/nng/frames.h"

#include <string.h>

enum { MAX = 64 };

#define GREETING "\0SP\0\0\x30\0\0"
#define ID "\x80\0\0\x01"
#define HOP "\0\0\0\x01"
#define HEADER(n) "\x01\0\0\0\0\0\0\0" n

/* The verdict on a text, fed in pieces of so many bytes. */
static bool feed(bool local, const char *text, size_t len, size_t piece)
{
	struct rpc_frames frames = {.local = local, .max = MAX};

	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		if (!rpc_frames_take(&frames, (const uint8_t *)text + at, n))
			return false;
	}
	return true;
}

struct frame {
	const char *what, *text;
	size_t len;
	bool good;
};

#define FRAME(what, good, text)                                                                    \
	{                                                                                          \
		what, text, sizeof(text) - 1, good                                                 \
	}

static const struct frame local_frames[] = {
	FRAME("only a greeting", true, GREETING),
	FRAME("an id alone", true, GREETING HEADER("\x04") ID),
	FRAME("two requests", true, GREETING HEADER("\x06") ID "ab" HEADER("\x05") ID "c"),
	FRAME("a request that was passed on", true, GREETING HEADER("\x09") HOP ID "x"),
	FRAME("as long as it may be", true, GREETING HEADER("\x40") ID "12345678"),
	FRAME("another kind", false, GREETING "\x02"),
	FRAME("another kind after a good one", false, GREETING HEADER("\x04") ID "\0"),
	FRAME("too long", false, GREETING HEADER("\x41")),
	FRAME("far too long", false, GREETING "\x01\xff\0\0\0\0\0\0\0"),
	FRAME("too short for an id", false, GREETING HEADER("\x03")),
	FRAME("empty", false, GREETING HEADER("\0")),
	FRAME("without the last hop", false, GREETING HEADER("\x08") HOP HOP),
	FRAME("an id across the end", false, GREETING HEADER("\x06") HOP "\x80\0"),
	FRAME("not yet at the end", true, GREETING HEADER("\x08") HOP "\0\0\0"),
	FRAME("too many hops, which nng drops itself", true,
		GREETING HEADER("\x24") HOP HOP HOP HOP HOP HOP HOP HOP HOP HEADER("\x04") ID),
	FRAME("a bad one after too many hops", false,
		GREETING HEADER("\x20") HOP HOP HOP HOP HOP HOP HOP HOP HEADER("\x03")),
};

static void test_every_cut_has_the_same_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(local_frames) / sizeof(local_frames[0]); i++) {
		const struct frame *f = &local_frames[i];

		for (size_t piece = 1; piece <= f->len; piece++) {
			if (feed(true, f->text, f->len, piece) != f->good)
				fail_msg("%s, in pieces of %zu", f->what, piece);
		}
	}
}

static void test_a_network_has_no_kind(void **state)
{
	static const char good[] = GREETING "\0\0\0\0\0\0\0\x05" ID "x\0\0\0\0\0\0\0\x04" ID;

	(void)state;
	assert_true(feed(false, good, sizeof(good) - 1, sizeof(good)));
	assert_false(feed(true, good, sizeof(good) - 1, sizeof(good)));
}

static void test_who_is_to_send_nothing_may_greet(void **state)
{
	struct rpc_frames frames = {.local = true};

	(void)state;
	assert_true(rpc_frames_take(&frames, (const uint8_t *)GREETING, 8));
	assert_false(rpc_frames_take(&frames, (const uint8_t *)HEADER("\x04"), 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cut_has_the_same_verdict),
		cmocka_unit_test(test_a_network_has_no_kind),
		cmocka_unit_test(test_who_is_to_send_nothing_may_greet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
