/* SPDX-License-Identifier: MIT */
/* Closes an nng socket within a bounded time. */
#pragma once

#include <nng/nng.h>
#include <stdbool.h>

/* Closes a socket that may have connections in the middle of a message, in which nng can be stuck
 * for ever. Blocks for two seconds at most. False: it is; what it may still use must stay, and
 * nng_fini not be called. */
bool rpc_socket_close(nng_socket socket);
