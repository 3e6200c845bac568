/* SPDX-License-Identifier: MIT */
/* Opens and closes the listeners of one nng socket. */
#include "rpc/nng/listen.h"

#include "rpc/nng/endpoint.h"
#include "rpc/nng/ipc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTENERS_MAX 8
#define IPC_MODE 0660

struct one {
	struct rpc_endpoint endpoint;
	struct rpc_ipc *ipc;   /* ipc:// */
	nng_listener listener; /* the others; id 0: none */
};

struct rpc_listeners {
	struct one all[LISTENERS_MAX];
	size_t count;
};

static int open_ipc(const struct rpc_listen_config *config, struct one *one, struct fault *fault)
{
	const struct rpc_ipc_config ipc = {
		.socket = config->socket,
		.connections = config->connections,
		.path = one->endpoint.path,
		.mode = config->ipc_mode ? config->ipc_mode : IPC_MODE,
		.gid = config->ipc_gid,
	};

	return rpc_ipc_open(&ipc, &one->ipc, fault);
}

/* What tells callers apart must be there before a port is open to them. */
static int check_network(
	const struct rpc_listen_config *config, const struct one *one, struct fault *fault)
{
	const struct rpc_endpoint *endpoint = &one->endpoint;

	if (endpoint->scheme == RPC_SCHEME_TCP && !endpoint->loopback)
		return fault_set(fault, -EINVAL,
			"%s: tcp:// is served on loopback addresses alone; use tls+tcp:// for "
			"others",
			endpoint->url);
	if (endpoint->scheme == RPC_SCHEME_TLS && !config->tls.authority && !config->api_key)
		return fault_set(fault, -EINVAL,
			"%s: tls+tcp:// needs an API key or an authority for client certificates",
			endpoint->url);
	return 0;
}

static int set_tls(
	const struct rpc_listen_config *config, nng_listener listener, struct fault *fault)
{
	nng_tls_config *tls;
	int r = rpc_tls_config(&config->tls, NNG_TLS_MODE_SERVER, NULL, &tls, fault);

	if (r < 0)
		return r;
	r = nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, tls);
	nng_tls_config_free(tls);
	if (r != 0)
		return fault_set(fault, -EIO, "cannot set up TLS: %s", nng_strerror(r));
	return 0;
}

/* Puts the port that the system chose into the URL. */
static void settle_port(struct one *one)
{
	char *colon = strrchr(one->endpoint.url, ':');
	int port;

	if (one->endpoint.port != 0 ||
		nng_listener_get_int(one->listener, NNG_OPT_TCP_BOUND_PORT, &port) != 0)
		return;
	snprintf(colon, sizeof(one->endpoint.url) - (size_t)(colon - one->endpoint.url), ":%d",
		port);
}

static int open_network(
	const struct rpc_listen_config *config, struct one *one, struct fault *fault)
{
	int r = check_network(config, one, fault);

	if (r < 0)
		return r;
	r = nng_listener_create(&one->listener, config->socket, one->endpoint.url);
	if (r != 0)
		return fault_set(fault, -EINVAL, "cannot listen at %s: %s", one->endpoint.url,
			nng_strerror(r));
	if (one->endpoint.scheme == RPC_SCHEME_TLS) {
		r = set_tls(config, one->listener, fault);
		if (r < 0)
			return r;
	}
	r = rpc_connections_listen(
		config->connections, one->listener, true, one->endpoint.scheme == RPC_SCHEME_TCP);
	if (r != 0)
		return fault_set(fault, r == NNG_EADDRINUSE ? -EADDRINUSE : -EIO,
			"cannot listen at %s: %s", one->endpoint.url, nng_strerror(r));
	settle_port(one);
	return 0;
}

static int open_one(const struct rpc_listen_config *config, const char *url,
	struct rpc_listeners *listeners, struct fault *fault)
{
	struct one *one = &listeners->all[listeners->count];
	int r;

	if (listeners->count == LISTENERS_MAX)
		return fault_set(fault, -EINVAL, "more than %d RPC listeners", LISTENERS_MAX);
	r = rpc_endpoint_parse(url, &one->endpoint, fault);
	if (r < 0)
		return r;
	listeners->count++; /* from here on it is there to be closed */
	if (one->endpoint.scheme == RPC_SCHEME_IPC)
		return open_ipc(config, one, fault);
	return open_network(config, one, fault);
}

static int open_all(const struct rpc_listen_config *config, char *urls,
	struct rpc_listeners *listeners, struct fault *fault)
{
	char *rest = NULL;
	int r = 0;

	for (char *url = strtok_r(urls, ", ", &rest); url && r == 0;
		url = strtok_r(NULL, ", ", &rest))
		r = open_one(config, url, listeners, fault);
	if (r == 0 && listeners->count == 0)
		return fault_set(fault, -EINVAL, "no RPC listener is named");
	return r;
}

int rpc_listeners_open(const struct rpc_listen_config *config, struct rpc_listeners **ret_listeners,
	struct fault *fault)
{
	struct rpc_listeners *listeners = calloc(1, sizeof(*listeners));
	char *urls = strdup(config->urls);
	int r;

	if (!listeners || !urls)
		r = fault_set(fault, -ENOMEM, "out of memory");
	else
		r = open_all(config, urls, listeners, fault);
	free(urls);
	if (r < 0) {
		rpc_listeners_close(listeners);
		return r;
	}
	*ret_listeners = listeners;
	return 0;
}

const char *rpc_listeners_url(const struct rpc_listeners *listeners, size_t n)
{
	return n < listeners->count ? listeners->all[n].endpoint.url : NULL;
}

void rpc_listeners_close(struct rpc_listeners *listeners)
{
	if (!listeners)
		return;
	for (size_t i = 0; i < listeners->count; i++) {
		rpc_ipc_close(listeners->all[i].ipc);
		if (listeners->all[i].listener.id != 0)
			nng_listener_close(listeners->all[i].listener);
	}
	free(listeners);
}
