/* SPDX-License-Identifier: MIT */
/* Questions to a server of the test, and the answers that are expected. */
#pragma once

#include "tests/rpc/nng/host.h"
#include "tests/rpc/nng/raw.h"

/* A host for each test, in *state; with_key: its key is "secret". */
int ask_setup(void **state);
int ask_setup_with_key(void **state);
int ask_teardown(void **state);

/* The bytes of a GetDeviceInfo request. */
struct rpc_bytes ask_info(const char *address, const char *id, uint32_t timeout_ms);

/* The code of a response; RPC_OK where it has no status. */
int ask_code(const Rpc__V1__Response *response);

/* Sends the bytes over a new connection, frees them, and expects a code. */
void ask_expect(const char *url, struct rpc_bytes bytes, int code);

/* Descriptors of this process, which is client and server. */
unsigned ask_fds(void);

/* Waits until there are no more than so many. */
void ask_expect_fds(unsigned most);
