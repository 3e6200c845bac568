/* SPDX-License-Identifier: MIT */
/* The daemon's life once root is given up. */
#include "tools/vfiod/daemon.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/host.h"
#include "rest/server.h"
#include "rpc/device/convert.h"
#include "rpc/device/service.h"
#include "rpc/nng/publisher.h"
#include "rpc/nng/server.h"
#include "rpc/service/health.h"
#include "rpc/service/reflection.h"
#include "tools/vfiod/log/changes.h"
#include "tools/vfiod/log/log.h"
#include "tools/vfiod/watch.h"
#include "vfio/v1/problem.pb-c.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

enum {
	GRACE_MS = 2500, /* for requests in flight at SIGTERM, over both faces */
	DRAIN_MS = 500,	 /* for work whose caller has been answered already */
};

struct daemon {
	struct callers *callers;
	struct changes_log *log;
	struct host *host;
	struct device_service *devices;
	ProtobufCService *health, *reflection;
	ProtobufCService *services[4]; /* NULL-terminated */
	struct rpc_publisher *publisher;
	atomic_uint_fast64_t n_events;
	char id[17]; /* of this run of the daemon */
	struct rpc_server *rpc;
	struct rest_server *rest;
	struct watch watch;
};

static int daemon_complain(const char *what, const char *why)
{
	log_say(LOG_ERR, "%s%s%s", what, *what ? ": " : "", why);
	return -1;
}

static void report_repair(void *arg, const char *sentence)
{
	(void)arg;
	log_say(LOG_NOTICE, "repair: %s", sentence);
}

static void daemon_publish(void *arg, Vfio__V1__Event *event);

/* A write that had been given up has returned. */
static void report_settled(void *arg, const struct pending_outcome *outcome)
{
	Vfio__V1__Event event = VFIO__V1__EVENT__INIT;
	char text[PCI_ADDRESS_SIZE], type[] = "device.settled";

	log_say(LOG_NOTICE, "repair: %s", outcome->sentence);
	pci_address_format(outcome->before->address, text);
	event.type = type;
	event.pci_address = text;
	event.driver = (char *)outcome->driver;
	event.original_driver = (char *)outcome->original_driver;
	event.state = device_convert_state(outcome->state);
	daemon_publish(arg, &event);
}

static int open_host(struct daemon *d, const struct inheritance *in)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct host_config config = {.root = in->options->root,
		.sysfs = in->sysfs,
		.state = in->state,
		.lock_fd = in->lock_fd,
		.uevent_fd = in->uevent_fd,
		.helper = in->helper,
		.names = in->names,
		.allow = in->options->allow,
		.deny_force = in->options->deny_force,
		.client = in->client};

	in->options->allow = (struct allowlist){0}; /* the host's from here on */
	if (host_open(&config, &d->host, &err))
		return daemon_complain("", err.message);
	host_listen(d->host, report_settled, d);
	return host_recover(d->host, report_repair, NULL, &err) ? daemon_complain("", err.message)
								: 0;
}

static void daemon_publish(void *arg, Vfio__V1__Event *event)
{
	struct daemon *d = arg;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	event->sequence = atomic_fetch_add(&d->n_events, 1) + 1;
	event->daemon_id = d->id;
	event->time_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
	if (rpc_publisher_send(d->publisher, event->type, &event->base) < 0)
		daemon_complain("event", "out of memory, one was not published");
}

static int start_publisher(struct daemon *d, const struct inheritance *in)
{
	struct fault fault;
	uint64_t id = 0;

	if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
		id = (uint64_t)now_ns();
	snprintf(d->id, sizeof(d->id), "%016lx", (unsigned long)id);
	return rpc_publisher_open(in->options->events, in->socket_group, &d->publisher, &fault) < 0
		       ? daemon_complain("--events", fault.text)
		       : 0;
}

static int make_services(struct daemon *d)
{
	const struct device_env env = {
		.host = d->host, .publish = daemon_publish, .publish_arg = d};

	d->log = changes_log_new(&(struct changes_log_names){callers_name, d->callers});
	d->devices = device_service_new(&env);
	d->health = rpc_health_new(d->services);
	d->reflection = rpc_reflection_new();
	if (!d->log || !d->devices || !d->health || !d->reflection)
		return daemon_complain("start", "out of memory");
	d->services[0] = device_service_base(d->devices);
	d->services[1] = d->health;
	d->services[2] = d->reflection;
	return 0;
}

static int start_rpc(struct daemon *d, const struct inheritance *in)
{
	struct fault fault;
	const struct rpc_server_config config = {
		.urls = in->options->rpc,
		.connections = in->options->max_connections,
		.services = d->services,
		.api_key = in->options->api_key,
		.tls = {in->tls_certificate, in->tls_key, in->tls_authority},
		.ipc_gid = in->socket_group,
		.rights = &in->callers->rights,
		.observer = changes_log_observer(d->log),
		.ask_owner = !in->callers->simulated,
	};

	return rpc_server_start(&config, &d->rpc, &fault) < 0 ? daemon_complain("--rpc", fault.text)
							      : 0;
}

static int start_rest(struct daemon *d, const struct inheritance *in)
{
	static const ProtobufCMessageDescriptor *const details[] = {
		&vfio__v1__device_problem__descriptor, NULL};
	struct fault fault;
	const struct rest_config config = {
		.listen_fd = in->listener->fd,
		.max_connections = in->options->max_connections,
		.loopback = in->listener->loopback,
		.anyone_may_change = in->listener->loopback ? in->callers->simulated
							    : in->options->insecure_no_key,
		.ask_owner = in->listener->loopback && !in->callers->simulated,
		.access = &in->options->access,
		.services = d->services,
		.details = details,
		.rights = &in->callers->rights,
		.observer = changes_log_observer(d->log),
	};

	if (rest_server_start(&config, &d->rest, &fault) < 0)
		return daemon_complain("--http", fault.text);
	close(in->listener->fd);
	in->listener->fd = -1;
	return 0;
}

static int daemon_start(struct daemon *d, const struct inheritance *in)
{
	if (start_publisher(d, in) || open_host(d, in) || make_services(d) || start_rpc(d, in) ||
		start_rest(d, in))
		return -1;
	log_say(LOG_INFO, "serving REST on http://%s and RPC on %s", in->listener->text,
		in->options->rpc);
	sd_notify(0, "READY=1");
	int error = watch_start(&d->watch, d->host, d->rest, d->rpc);
	return error ? daemon_complain("start", strerror(-error)) : 0;
}

/* Options are read once, and what TLS needs while the daemon is still root. */
static void daemon_reload(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(now_ns() / 1000));
	log_say(LOG_NOTICE,
		"reload: there is nothing that could be read again; restart vfiod for new options");
	sd_notify(0, "READY=1");
}

/* Whether a signal that has come is one to end for. */
static bool signal_ends(int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return true;
	if (info.ssi_signo != SIGHUP)
		return true;
	daemon_reload();
	return false;
}

/* Waits for a reason to end. The exit status. */
static int wait_for_end(int signals, const struct helper *helper)
{
	struct pollfd fds[] = {
		{.fd = signals, .events = POLLIN}, {.fd = helper_fd(helper), .events = POLLIN}};

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return daemon_complain("poll", strerror(errno)), EXIT_FAILURE;
		if (fds[0].revents && signal_ends(signals))
			return EXIT_SUCCESS;
		if (fds[1].revents) {
			daemon_complain("the privileged process ended",
				"changes are impossible; ending, to be started again");
			return EXIT_FAILURE;
		}
	}
}

static unsigned left_ms(int64_t deadline)
{
	int64_t left = (deadline - now_ns()) / NS_PER_MS;

	return left > 0 ? (unsigned)left : 0;
}

/* Answers what is in flight, and lets go. Work that a device's user blocks is left to the next
 * start, which finds its intent on disk. */
static bool daemon_stop(struct daemon *d)
{
	int64_t grace = now_ns() + GRACE_MS * NS_PER_MS;

	sd_notify(0, "STOPPING=1");
	if (!watch_stop(&d->watch, grace)) {
		daemon_complain("a thread does not answer", "ending without it");
		return false;
	}
	if (d->rest)
		rest_server_stop(d->rest, left_ms(grace));
	if (d->rpc)
		rpc_server_stop(d->rpc, left_ms(grace));
	int64_t deadline = now_ns() + DRAIN_MS * NS_PER_MS;
	/* First those who wait to be let in, who would bring the devices more work. */
	bool asked = callers_drain(d->callers, deadline);
	bool drained = !d->devices || device_service_drain(d->devices, deadline);
	drained = (!d->host || host_quiesce(d->host, deadline)) && drained;
	if (!asked)
		daemon_complain(
			"the user database has not answered yet", "nobody waits for it any more");
	if (!drained)
		daemon_complain(
			"a change is still under way", "the next start completes or undoes it");
	return asked && drained;
}

static void free_all(struct daemon *d)
{
	rest_server_free(d->rest);
	rpc_server_free(d->rpc);
	device_service_free(d->devices);
	rpc_health_free(d->health);
	rpc_reflection_free(d->reflection);
	rpc_publisher_close(d->publisher);
	host_close(d->host);
	changes_log_free(d->log);
}

int daemon_run(const struct inheritance *in)
{
	struct daemon d = {.callers = in->callers};
	sigset_t mask;

	/* Blocked before the first thread, so that every thread inherits it. */
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	CLEANUP(fd_cleanup) int signals = signalfd(-1, &mask, SFD_CLOEXEC);
	int status = signals >= 0 && daemon_start(&d, in) == 0 ? wait_for_end(signals, in->helper)
							       : EXIT_FAILURE;
	if (!daemon_stop(&d))
		_exit(status);
	free_all(&d);
	return status;
}
