/* SPDX-License-Identifier: MIT */
/* Finds the descriptor behind an nng pipe. */
#include "rpc/nng/descriptor.h"

#include <stdint.h>

/* Where this thread wants to know a descriptor that libc is asked about. */
static _Thread_local int *asked;

void rpc_descriptor_asked(int fd)
{
	if (asked)
		*asked = fd;
}

/* nng tells no descriptors, but has libc tell it who is behind one. */
int rpc_descriptor_of(nng_pipe pipe)
{
	int descriptor = -1;
	nng_sockaddr address;
	uint64_t uid;

	asked = &descriptor;
	if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_UID, &uid) != 0)
		nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &address);
	asked = NULL;
	return descriptor;
}
