/* SPDX-License-Identifier: MIT */
/* The REST server: its loops, from start to end. */
#include "rest/server.h"

#include "core/base/thread.h"
#include "rest/handler.h"
#include "rest/route.h"
#include "rest/serve.h"

#include <errno.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* Never: the patience with requests is ours (rest/flow.h). */
#define SERVER_REQUEST_TIMEOUT_MS (UINT64_C(1000) * 365 * 24 * 3600)
/* How long a client may take nothing of an answer, or not be there any more: h2o would wait for
 * ever. */
#define SERVER_ANSWER_TIMEOUT_MS 10000
#define SERVER_MAX_CONNECTIONS 1024
/* What the kernel keeps of a connection for us: requests that we have not read, and answers that
 * the client has not. */
#define SERVER_RECEIVED_MAX 65536
#define SERVER_SENT_MAX 262144

static unsigned server_cpus(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&cpus);
}

static void server_set_etag(struct rest_server *server)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)rest_openapi, rest_openapi_size, digest);
	server->etag[0] = '"';
	for (size_t i = 0; i < 8; i++)
		snprintf(server->etag + 1 + 2 * i, 4, "%02x\"", digest[i]);
}

static void server_configure(struct rest_server *server, const struct rest_config *config)
{
	h2o_hostconf_t *host;

	server->config = *config;
	server->loop_count = config->threads ? config->threads : server_cpus();
	if (!server->config.max_connections)
		server->config.max_connections = SERVER_MAX_CONNECTIONS;
	h2o_config_init(&server->http);
	server->http.server_name = h2o_iovec_init(H2O_STRLIT("vfiod"));
	/* h2o 2.2.5 can be aborted remotely over HTTP/2. */
	server->http.http1.upgrade_to_http2 = 0;
	/* It would leave a timer behind that is still there when the loop ends. */
	server->http.http2.callbacks.request_shutdown = NULL;
	server->http.http1.req_timeout = SERVER_REQUEST_TIMEOUT_MS;
	host = h2o_config_register_host(
		&server->http, h2o_iovec_init(H2O_STRLIT("default")), 65535);
	/* The fallback path sees every request. */
	rest_handler_register(&host->fallback_path);
	server_set_etag(server);
}

/* Connections inherit it from the listener; one that is not of TCP goes without. */
static void server_limit_sockets(int listen_fd)
{
	const unsigned limit_ms = SERVER_ANSWER_TIMEOUT_MS;
	const int received = SERVER_RECEIVED_MAX, sent = SERVER_SENT_MAX;

	/* The kernel's own limits are megabytes a connection. */
	setsockopt(listen_fd, SOL_SOCKET, SO_RCVBUF, &received, sizeof(received));
	setsockopt(listen_fd, SOL_SOCKET, SO_SNDBUF, &sent, sizeof(sent));
	setsockopt(listen_fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
}

static int server_start_loop(struct rest_server *server, unsigned index)
{
	struct rest_loop *loop = &server->loops[index];
	int r = rest_serve_prepare(loop, server);

	if (r < 0)
		return r;
	/* SIGPIPE is blocked too: a broken pipe is told by errno. */
	r = thread_start(&loop->thread, rest_serve_main, loop);
	if (r < 0) {
		close(loop->listen_fd);
		sem_destroy(&loop->ready);
		return r;
	}
	server->running = index + 1;
	while (sem_wait(&loop->ready) < 0 && errno == EINTR)
		;
	return 0;
}

static int server_start_loops(struct rest_server *server)
{
	int r = 0;

	server->loops = calloc(server->loop_count, sizeof(*server->loops));
	if (!server->loops)
		return -ENOMEM;
	for (unsigned i = 0; i < server->loop_count && r == 0; i++)
		r = server_start_loop(server, i);
	return r;
}

int rest_server_start(
	const struct rest_config *config, struct rest_server **ret, struct fault *fault)
{
	struct rest_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return fault_set(fault, -ENOMEM, "cannot start the REST server: out of memory");
	/* Without it jansson would seed itself in the middle of the first two requests at once. */
	json_object_seed(0);
	server_configure(server, config);
	server_limit_sockets(config->listen_fd);
	r = server_start_loops(server);
	if (r < 0) {
		rest_server_free(server);
		return fault_set(fault, r, "cannot start the REST server: %s", strerror(-r));
	}
	*ret = server;
	return 0;
}

/* The mailbox of control messages is read by the loop's own thread. */
void rest_server_ping(struct rest_server *server)
{
	for (unsigned i = 0; i < server->running; i++) {
		struct rest_loop *loop = &server->loops[i];

		h2o_multithread_send_message(&loop->control, &loop->ping);
		while (sem_wait(&loop->ready) < 0 && errno == EINTR)
			;
	}
}

void rest_server_stop(struct rest_server *server, uint32_t grace_ms)
{
	for (unsigned i = 0; i < server->running; i++) {
		struct rest_loop *loop = &server->loops[i];

		loop->grace_ms = grace_ms;
		h2o_multithread_send_message(&loop->control, &loop->stop);
	}
	for (unsigned i = 0; i < server->running; i++) {
		pthread_join(server->loops[i].thread, NULL);
		sem_destroy(&server->loops[i].ready);
	}
	server->running = 0;
}

struct rest_server *rest_server_free(struct rest_server *server)
{
	if (!server)
		return NULL;
	rest_server_stop(server, 0);
	h2o_config_dispose(&server->http);
	free(server->loops);
	free(server);
	return NULL;
}
