/* SPDX-License-Identifier: MIT */
/* A server to hold the cases against: a vfiod of their own, or one that is running already. */
#pragma once

#include "tests/contract/http.h"
#include "tests/contract/mount.h"

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon {
	struct mount *mount; /* its own host; NULL: it is somebody else's */
	const char *root;    /* the folder of its host; NULL: not known */
	char folder[64];     /* of its sockets and state */
	pid_t pid;	     /* 0: not ours */
	int pid_fd;
	int stderr_fd;
	struct bytes said; /* on stderr */
	struct sockaddr_storage http;
	char rpc[2][128];  /* URLs: ipc, and tcp; "" where there is none */
	int rpc_fd[2];	   /* -1: not connected */
	uint32_t rpc_id;   /* of the last request */
	unsigned tcp_port; /* free when the daemon was started */
};

/* Starts one as the variant says, {"args": [], "env": {}}, on a fresh host: arguments may hold
 * {tcp} (a free port) and {dir} (a folder of its own). Waits until it has ended or says that it
 * serves. NULL only when it cannot even be run. */
struct daemon *daemon_start(const char *program, const json_t *variant, struct why *why);

/* Stands for one that runs: rest is "http://HOST:PORT", rpc "ipc://PATH" or "tcp://127.0.0.1:PORT",
 * host the folder of its simulated host; each may be NULL, host must outlive it. NULL with why. */
struct daemon *daemon_attach(const char *rest, const char *rpc, const char *host, struct why *why);

/* Whether it serves. */
bool daemon_is_up(const struct daemon *daemon);

/* Which of its RPC listeners to use: that over TCP where it is wanted or the only one. */
int daemon_rpc_of(const struct daemon *daemon, bool tcp);

/* Waits for its end, killing it after a while; its exit status, or -1 when it had none. */
int daemon_wait(struct daemon *daemon);

/* Ends it by SIGTERM, and as above. One that is not ours is let be, which is 0. */
int daemon_stop(struct daemon *daemon);

/* Ends it if it runs, removes its folders and host and frees; NULL is fine. */
void daemon_free(struct daemon *daemon);
