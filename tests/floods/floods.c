/* SPDX-License-Identifier: MIT */
/* The floods, and the bytes of each. */
#include "tests/floods/flood.h"

#include "core/base/util.h"
#include "rest/head.h"
#include "tests/rpc/nng/raw.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

enum {
	BATCH = 65536,	 /* bytes of one request after the other that are kept ready */
	HEAD_LINES = 90, /* and their length: near to the most lines and bytes of a head */
	HEAD_LINE = (REST_HEAD_MAX - 512) / HEAD_LINES - 10,
};

#define HOST "Host: localhost\r\n"
#define LIST "GET /api/v1/vfio/devices HTTP/1.1\r\n" HOST "\r\n"
#define POST "POST /api/v1/vfio/devices/info HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define MIB ((size_t)1 << 20)

static void add_text(struct bytes *out, const char *text)
{
	bytes_add(out, text, strlen(text));
}

static void repeat(struct bytes *out, const char *text)
{
	while (out->len < BATCH)
		add_text(out, text);
}

static void lists(enum flood_door door, struct bytes *out)
{
	(void)door;
	repeat(out, LIST);
}

static void half_a_head(enum flood_door door, struct bytes *out)
{
	(void)door;
	add_text(out, "GET /healthz HTTP/1.1\r\n" HOST "X: ");
}

static void half_a_body(enum flood_door door, struct bytes *out)
{
	(void)door;
	add_text(out, POST "Content-Length: 100000\r\n\r\n{\"");
}

static void letters(enum flood_door door, struct bytes *out)
{
	(void)door;
	repeat(out, "a");
}

static void large_head(enum flood_door door, struct bytes *out)
{
	char line[HEAD_LINE + 1];

	(void)door;
	memset(line, '~', HEAD_LINE);
	line[HEAD_LINE] = '\0';
	add_text(out, "GET /healthz HTTP/1.1\r\n" HOST);
	for (int i = 0; i < HEAD_LINES; i++)
		bytes_print(out, "X-%02d: %s\r\n", i, line);
	add_text(out, "\r\n");
}

static void chunk_extension(enum flood_door door, struct bytes *out)
{
	(void)door;
	add_text(out, CHUNKED "1;");
}

static void chunks(enum flood_door door, struct bytes *out)
{
	(void)door;
	add_text(out, CHUNKED);
}

static void last_chunk(enum flood_door door, struct bytes *out)
{
	(void)door;
	add_text(out, CHUNKED "0\r\n");
}

static void trailers(enum flood_door door, struct bytes *out)
{
	(void)door;
	repeat(out, "X-Trailer: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
}

static void one_byte_chunks(enum flood_door door, struct bytes *out)
{
	(void)door;
	repeat(out, "1\r\na\r\n");
}

static void hello(enum flood_door door, struct bytes *out)
{
	(void)door;
	bytes_add(out, "\0SP\0\0\x30\0\0", 8);
}

static void half_a_hello(enum flood_door door, struct bytes *out)
{
	(void)door;
	bytes_add(out, "\0SP\0", 4);
}

static void no_hello(enum flood_door door, struct bytes *out)
{
	(void)door;
	add_text(out, "GET / HTTP/1.1\r\n\r\n");
}

/* The request whose reply is the longest, in frames of the transport's. */
static void reflections(enum flood_door door, struct bytes *out)
{
	CLEANUP(rpc_bytes_free)
	struct rpc_bytes request =
		raw_request("rpc.v1.Reflection/GetFileDescriptorSet", NULL, "", 0, NULL);
	uint64_t size = htobe64(request.len + 4);
	uint32_t tag = htonl(0x80000001u);

	while (out->len < BATCH) {
		if (door == FLOOD_IPC)
			bytes_add(out, "\1", 1);
		bytes_add(out, &size, sizeof(size));
		bytes_add(out, &tag, sizeof(tag));
		bytes_add(out, request.data, request.len);
	}
}

const struct flood floods[] = {
	{.name = "pipeline",
		.what = "4 clients send 3 MiB of lists at once each, and read",
		.members = 4,
		.again = lists,
		.most = 3 * MIB},
	{.name = "pipeline-deaf",
		.what = "50 clients send 3 MiB of lists at once each, and never read",
		.members = 50,
		.again = lists,
		.most = 3 * MIB,
		.deaf = true},
	{.name = "silent", .what = "1,500 connections that say nothing", .members = 1500},
	{.name = "slow-heads",
		.what = "1,000 heads, a byte a second each",
		.members = 1000,
		.first = half_a_head,
		.again = letters,
		.drip_ms = 1000},
	{.name = "slow-bodies",
		.what = "1,000 bodies, a byte a second each",
		.members = 1000,
		.first = half_a_body,
		.again = letters,
		.drip_ms = 1000},
	{.name = "heads",
		.what = "64 clients send the largest heads allowed, one behind the other",
		.members = 64,
		.again = large_head},
	{.name = "heads-pieces",
		.what = "64 clients send such heads in pieces of 64 bytes",
		.members = 64,
		.again = large_head,
		.piece = 64},
	{.name = "chunk-extensions",
		.what = "4 bodies of one chunk whose extension has no end",
		.members = 4,
		.first = chunk_extension,
		.again = letters},
	{.name = "chunk-trailers",
		.what = "4 bodies whose trailers have no end",
		.members = 4,
		.first = last_chunk,
		.again = trailers},
	{.name = "chunk-bytes",
		.what = "4 bodies in chunks of one byte, up to the body's limit and again",
		.members = 4,
		.first = chunks,
		.again = one_byte_chunks},
	{.name = "connects", .what = "2,000 connects and closes a second", .per_second = 2000},

	{.name = "rpc-silent-ipc",
		.what = "512 connections over ipc that shake hands and say nothing",
		.door = FLOOD_IPC,
		.members = 512,
		.first = hello},
	{.name = "rpc-silent-tcp",
		.what = "the same over tcp",
		.door = FLOOD_TCP,
		.members = 512,
		.first = hello},
	{.name = "rpc-half-ipc",
		.what = "1,000 halves of handshakes over ipc",
		.door = FLOOD_IPC,
		.members = 1000,
		.first = half_a_hello},
	{.name = "rpc-half-tcp",
		.what = "the same over tcp",
		.door = FLOOD_TCP,
		.members = 1000,
		.first = half_a_hello},
	{.name = "rpc-deaf-ipc",
		.what = "64 clients over ipc that ask and ask, and never read",
		.door = FLOOD_IPC,
		.members = 64,
		.first = hello,
		.again = reflections,
		.deaf = true},
	{.name = "rpc-deaf-tcp",
		.what = "the same over tcp",
		.door = FLOOD_TCP,
		.members = 64,
		.first = hello,
		.again = reflections,
		.deaf = true},
	{.name = "rpc-connects-ipc",
		.what = "2,000 connects and closes a second over ipc",
		.door = FLOOD_IPC,
		.per_second = 2000},
	{.name = "rpc-connects-tcp",
		.what = "the same over tcp",
		.door = FLOOD_TCP,
		.per_second = 2000},
	{.name = "rpc-garbage-ipc",
		.what = "2,000 connects a second over ipc, each with another protocol's bytes",
		.door = FLOOD_IPC,
		.per_second = 2000,
		.first = no_hello},
	{.name = "rpc-garbage-tcp",
		.what = "the same over tcp",
		.door = FLOOD_TCP,
		.per_second = 2000,
		.first = no_hello},
	{.name = NULL},
};

const struct flood *flood_find(const char *name)
{
	for (const struct flood *flood = floods; flood->name; flood++)
		if (strcmp(flood->name, name) == 0)
			return flood;
	return NULL;
}
