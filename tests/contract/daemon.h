/* SPDX-License-Identifier: MIT */
/* A vfiod of the cases' own, on a host of its own. */
#pragma once

#include "tests/contract/host.h"
#include "tests/contract/http.h"

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon {
	struct tree *tree;
	char folder[64]; /* of its sockets and state */
	pid_t pid;
	int pid_fd;
	int stderr_fd;
	struct bytes said; /* on stderr */
	struct sockaddr_storage http;
	char rpc[2][96];   /* URLs: ipc, and tcp where the variant has one */
	int rpc_fd[2];	   /* -1: not connected */
	uint32_t rpc_id;   /* of the last request */
	unsigned tcp_port; /* free when the daemon was started */
};

/* Starts one as the variant says, {"args": [], "env": {}}: arguments may hold {tcp} (a free port)
 * and {dir} (a folder of its own). Waits until it has ended or says that it serves. NULL
 * only when it cannot even be run. */
struct daemon *daemon_start(const char *program, const json_t *variant, struct why *why);

/* Whether it serves. */
bool daemon_is_up(const struct daemon *daemon);

/* Waits for its end, killing it after a while; its exit status, or -1 when it had none. */
int daemon_wait(struct daemon *daemon);

/* Ends it by SIGTERM, and as above. */
int daemon_stop(struct daemon *daemon);

/* Ends it if it runs, removes its folders and frees; NULL is fine. */
void daemon_free(struct daemon *daemon);
