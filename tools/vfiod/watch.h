/* SPDX-License-Identifier: MIT */
/*
 * What the service manager is told while the daemon serves: that it does, and how many changes are
 * pending.
 *
 * A thread sends WATCHDOG=1 after every event loop of REST and nng's threads have come round. When
 * one of them hangs, so does the thread, and the service manager restarts the daemon.
 */
#pragma once

#include "core/host.h"
#include "rest/server.h"
#include "rpc/nng/server.h"

#include <pthread.h>
#include <semaphore.h>

struct watch {
	struct host *host;
	struct rest_server *rest;
	struct rpc_server *rpc;
	int64_t period_ns;
	size_t told; /* pending changes, as the service manager knows them */
	sem_t end;
	pthread_t thread;
	bool is_running;
};

/* Starts the thread where there is a service manager to tell. host, rest and rpc are borrowed until
 * watch_stop. 0, or a negative errno. */
int watch_start(
	struct watch *watch, struct host *host, struct rest_server *rest, struct rpc_server *rpc);

/* Ends the thread. False: it has not ended by the deadline (CLOCK_MONOTONIC, ns), because something
 * hangs; nothing may be freed then. Fine on one that was not started. */
bool watch_stop(struct watch *watch, int64_t deadline);
