/* SPDX-License-Identifier: MIT */
/* A cure for what nng 1.5 does when a send finds its connection lost (mend.c says what). */
#pragma once

/* To be called by whoever opens an nng socket, before that: it brings the cure into the program,
 * where it works from the start. Does nothing else. */
void rpc_mend(void);
