/* SPDX-License-Identifier: MIT */
/* Finds the descriptor behind an nng pipe. */
#pragma once

#include <nng/nng.h>

/* The descriptor behind a pipe; -1 when that has gone. */
int rpc_descriptor_of(nng_pipe pipe);

/* For rpc/nng/mend.c alone: libc is asked who is at the other end of a descriptor. */
void rpc_descriptor_asked(int fd);
