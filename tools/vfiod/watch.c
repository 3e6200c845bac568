/* SPDX-License-Identifier: MIT */
/* Telling the service manager. */
#include "tools/vfiod/watch.h"

#include "core/base/clock.h"
#include "core/base/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

static const int64_t PERIOD_NS = 5 * NS_PER_S;

static void tell(struct watch *w)
{
	size_t pending = host_pending(w->host);

	rest_server_ping(w->rest);
	rpc_server_ping(w->rpc);
	sd_notify(0, "WATCHDOG=1");
	if (pending == w->told)
		return;
	w->told = pending;
	if (pending > 0)
		sd_notifyf(0, "STATUS=Serving, %zu change%s pending", pending,
			pending == 1 ? "" : "s");
	else
		sd_notify(0, "STATUS=Serving");
}

/* Whether the end has come before the next time to tell. */
static bool is_at_end(struct watch *w)
{
	struct timespec until = clock_timespec(now_ns() + w->period_ns);
	int result;

	do
		result = sem_clockwait(&w->end, CLOCK_MONOTONIC, &until);
	while (result < 0 && errno == EINTR);
	return result == 0;
}

static void *watch_main(void *arg)
{
	struct watch *w = arg;

	do
		tell(w);
	while (!is_at_end(w));
	return NULL;
}

int watch_start(
	struct watch *watch, struct host *host, struct rest_server *rest, struct rpc_server *rpc)
{
	uint64_t limit_us = 0;

	if (!getenv("NOTIFY_SOCKET"))
		return 0;
	*watch = (struct watch){
		.host = host, .rest = rest, .rpc = rpc, .period_ns = PERIOD_NS, .told = SIZE_MAX};
	/* A third of the limit, so that one that comes late is none too late. */
	if (sd_watchdog_enabled(0, &limit_us) > 0 && (int64_t)limit_us * 1000 / 3 < PERIOD_NS)
		watch->period_ns = (int64_t)limit_us * 1000 / 3;
	sem_init(&watch->end, 0, 0);
	int error = thread_start(&watch->thread, watch_main, watch);
	watch->is_running = !error;
	return error;
}

bool watch_stop(struct watch *watch, int64_t deadline)
{
	struct timespec until = clock_timespec(deadline);

	if (!watch->is_running)
		return true;
	sem_post(&watch->end);
	if (pthread_clockjoin_np(watch->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
		return false;
	watch->is_running = false;
	sem_destroy(&watch->end);
	return true;
}
