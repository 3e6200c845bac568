/* SPDX-License-Identifier: MIT */
/* Everything that runs once root is given up. */
#pragma once

#include "core/helper/helper.h"
#include "tools/vfiod/access/callers.h"
#include "tools/vfiod/listener.h"
#include "tools/vfiod/options.h"

/* What the start opened as root; all borrowed but lock_fd. */
struct inheritance {
	struct options *options;
	struct listener *listener; /* closed once REST has it, so that a stop stops listening */
	struct helper *helper;
	struct names *names;
	const struct sysfs *sysfs;   /* the host's files */
	struct helper_client client; /* this process, as the privileged helper knows it */
	struct callers *callers;
	const char *state; /* folder of the database */
	int uevent_fd;	   /* the host's once it is open; 0: none */
	int lock_fd;
	const char *tls_certificate, *tls_key, *tls_authority; /* PEM text, or NULL */
	gid_t socket_group;				       /* (gid_t)-1: the process's own */
};

/* Serves until SIGTERM or SIGINT, or until the privileged helper dies. Returns the exit status. */
int daemon_run(const struct inheritance *in);
