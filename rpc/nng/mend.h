/* SPDX-License-Identifier: MIT */
/* A cure for what nng 1.5 does when a connection is lost at the wrong moment; mend.c says what. */
#pragma once

#include <nng/nng.h>
#include <stdbool.h>

/* To be called by whoever opens an nng socket, before that: it brings the cure into the program,
 * where it works from the start. Does nothing else. */
void rpc_mend(void);

/* The descriptor behind a pipe; -1 when that has gone. */
int rpc_mend_descriptor(nng_pipe pipe);

/* Closes a socket that may have connections in the middle of a message, in which nng can be stuck
 * for ever. Blocks for two seconds at most. False: it is; what it may still use must stay, and
 * nng_fini not be called. */
bool rpc_mend_close(nng_socket socket);
