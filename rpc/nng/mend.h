/* SPDX-License-Identifier: MIT */
/* Functions of libc that stand before libc's own: a workaround for nng and limits; see mend.c. */
#pragma once

/* To be called by whoever opens an nng socket, before that. It does nothing: the call has the
 * linker take mend.c, whose functions work from the start of the program. */
void rpc_mend(void);
