/* SPDX-License-Identifier: MIT */
/* Parses the URL of an RPC endpoint: ipc://PATH, tcp://HOST:PORT or tls+tcp://HOST:PORT. */
#pragma once

#include "rpc/service/text.h"

#include <stdbool.h>
#include <stdint.h>

enum rpc_scheme {
	RPC_SCHEME_IPC,
	RPC_SCHEME_TCP,
	RPC_SCHEME_TLS,
};

/* A URL taken apart. */
struct rpc_endpoint {
	enum rpc_scheme scheme;
	char path[96];	/* ipc: absolute; shorter than sun_path, for rpc/nng/ipc.h adds to it */
	char host[256]; /* tcp, tls: as in the URL, without brackets */
	uint16_t port;
	bool loopback; /* the host is an address of this machine's loopback, or "localhost" */
	char url[288]; /* for nng; "localhost" is spelled as an address there */
};

/* Takes a URL apart. Only for listeners may the port be 0 (any). Pure. 0, or -EINVAL with a
 * sentence in error. */
int rpc_endpoint_parse(
	const char *url, struct rpc_endpoint *ret_endpoint, char error[RPC_TEXT_ERROR]);
