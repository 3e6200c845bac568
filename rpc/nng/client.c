/* SPDX-License-Identifier: MIT */
/*
 * The client: a stub for the services of a server elsewhere.
 *
 * Each call in flight has an exchange, one nng context with its aio, which are kept for the next
 * call. nng's own resending is off: it would run a request twice where the server does not know
 * it by its id. What it does instead on a lost connection is tell us, and we send again.
 */
#include "rpc/nng/client.h"

#include "core/base/clock.h"
#include "rpc/nng/endpoint.h"
#include "rpc/nng/envelope.h"
#include "rpc/nng/mend.h"
#include "rpc/nng/wire.h"

#include <errno.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

enum {
	SERVICES_MAX = 8,
	EXCHANGES_MAX = 1024,
	SENDS_MAX = 5,		  /* of one request, over lost connections */
	GRACE_MS = 100,		  /* past the deadline, for the server's own word on it */
	DIALS_MAX = 3,		  /* of one call, while the server hangs up */
	CROWDED_MAX = 100,	  /* the same, while its queue of connections is full */
	CROWDED_MS = 10,	  /* between those */
	RECONNECT_WAIT_MS = 1000, /* how long a call waits for a lost connection */
	RECONNECT_MIN_MS = 20,
	RECONNECT_MAX_MS = 1000,
	REPLY_MAX = 256 * 1024 * 1024,
	REQUEST_ID_SIZE = 33,
};

struct stub {
	ProtobufCService service; /* first: what callers hold */
	struct rpc_client *client;
};

struct exchange {
	struct rpc_client *client;
	nng_ctx ctx;
	nng_aio *aio;
	bool sent; /* the aio receives */
	unsigned sends;
	struct rpc_bytes request;
	struct rpc_call *call;
	ProtobufCClosure done;
	SLIST_ENTRY(exchange) all;
	SLIST_ENTRY(exchange) idle;
};

struct rpc_client {
	struct rpc_endpoint endpoint;
	char *api_key;
	nng_tls_config *tls;
	nng_socket socket;
	atomic_int pipes; /* connections that are up */

	pthread_mutex_t dial_lock; /* held while connecting */
	bool dialed;		   /* nng has the dialer and reconnects by itself */

	pthread_mutex_t lock;
	bool closing;
	struct stub stubs[SERVICES_MAX];
	unsigned stub_count;
	unsigned exchange_count;
	SLIST_HEAD(, exchange) exchanges;
	SLIST_HEAD(, exchange) idle;
};

/* A call's failure as a status, from nng's error. */
static void client_fail(const struct rpc_client *client, struct rpc_call *call, int nng_error)
{
	const char *url = client->endpoint.url;

	switch (nng_error) {
	case NNG_EPERM:
		rpc_call_fail(call, RPC_PERMISSION_DENIED,
			"no permission to open %s: be root or a member of the group that owns it",
			url);
		break;
	case NNG_ENOENT:
		rpc_call_fail(call, RPC_UNAVAILABLE,
			"there is no socket at %s: is vfiod running, and listening there?", url);
		break;
	case NNG_ECONNREFUSED:
		rpc_call_fail(call, RPC_UNAVAILABLE,
			"nobody listens at %s: is vfiod running, and listening there?", url);
		break;
	case NNG_ETIMEDOUT:
		rpc_call_fail(call, RPC_DEADLINE_EXCEEDED, "%s: no answer from %s in time",
			call->method->name, url);
		break;
	case NNG_ECLOSED:
	case NNG_ECANCELED:
		rpc_call_fail(call, RPC_UNAVAILABLE, "the connection to %s is being closed", url);
		break;
	default:
		rpc_call_fail(call, RPC_UNAVAILABLE, "the connection to %s failed: %s", url,
			nng_strerror(nng_error));
	}
}

/* Gives the exchange back, then tells the caller: its `done` may start the next call. */
static void exchange_finish(struct exchange *exchange, const ProtobufCMessage *message)
{
	struct rpc_client *client = exchange->client;
	struct rpc_call *call = exchange->call;
	ProtobufCClosure done = exchange->done;

	rpc_bytes_free(&exchange->request);
	pthread_mutex_lock(&client->lock);
	SLIST_INSERT_HEAD(&client->idle, exchange, idle);
	pthread_mutex_unlock(&client->lock);
	done(message, call);
}

static void exchange_finish_failed(struct exchange *exchange, int nng_error)
{
	client_fail(exchange->client, exchange->call, nng_error);
	exchange_finish(exchange, NULL);
}

/* Milliseconds until the call's deadline and the grace beyond; at least 1. */
static nng_duration time_left(const struct rpc_call *call)
{
	int64_t left_ms = (call->deadline_ns - now_ns()) / NS_PER_MS + GRACE_MS;

	if (left_ms < 1)
		return 1;
	return left_ms < INT32_MAX ? (nng_duration)left_ms : INT32_MAX;
}

static void exchange_send(struct exchange *exchange)
{
	const struct rpc_bytes *request = &exchange->request;
	nng_duration timeout = time_left(exchange->call);
	nng_msg *msg;

	if (nng_msg_alloc(&msg, 0) != 0 || nng_msg_append(msg, request->data, request->len) != 0) {
		exchange_finish_failed(exchange, NNG_ENOMEM);
		return;
	}
	if (atomic_load(&exchange->client->pipes) == 0 && timeout > RECONNECT_WAIT_MS)
		timeout = RECONNECT_WAIT_MS;
	exchange->sent = false;
	exchange->sends++;
	nng_aio_set_msg(exchange->aio, msg);
	nng_aio_set_timeout(exchange->aio, timeout);
	nng_ctx_send(exchange->ctx, exchange->aio);
}

static void exchange_sent(struct exchange *exchange, int r)
{
	nng_msg *unsent = nng_aio_get_msg(exchange->aio);

	if (r == 0) {
		exchange->sent = true;
		nng_aio_set_timeout(exchange->aio, time_left(exchange->call));
		nng_ctx_recv(exchange->ctx, exchange->aio);
		return;
	}
	if (unsent) {
		nng_aio_set_msg(exchange->aio, NULL);
		nng_msg_free(unsent);
	}
	if (r == NNG_ETIMEDOUT && atomic_load(&exchange->client->pipes) == 0)
		r = NNG_ECONNREFUSED;
	exchange_finish_failed(exchange, r);
}

/* Hands over the outcome that a Response tells. */
static void exchange_finish_response(struct exchange *exchange, Rpc__V1__Response *response)
{
	struct rpc_call *call = exchange->call;
	const ProtobufCMessageDescriptor *output = rpc_method_output(call->method);
	const ProtobufCBinaryData *payload = &response->payload;
	struct fault fault;
	ProtobufCMessage *message;

	if (response->status && response->status->code != RPC_OK) {
		rpc_status_free(call->status);
		call->status = response->status;
		response->status = NULL;
		exchange_finish(exchange, NULL);
		return;
	}
	if (rpc_wire_unpack(output, payload->data, payload->len, &message, &fault) < 0) {
		rpc_call_fail(call, RPC_INTERNAL, "the answer of %s is not a %s: %s",
			exchange->client->endpoint.url, output->name, fault.text);
		exchange_finish(exchange, NULL);
		return;
	}
	exchange_finish(exchange, message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void exchange_received(struct exchange *exchange, int r)
{
	struct rpc_call *call = exchange->call;
	Rpc__V1__Response *response;
	struct fault fault;
	nng_msg *msg;

	if (r == NNG_ECONNRESET && exchange->sends < SENDS_MAX && now_ns() < call->deadline_ns) {
		exchange_send(exchange);
		return;
	}
	if (r != 0) {
		exchange_finish_failed(exchange, r);
		return;
	}
	msg = nng_aio_get_msg(exchange->aio);
	nng_aio_set_msg(exchange->aio, NULL);
	r = rpc_envelope_decode_response(nng_msg_body(msg), nng_msg_len(msg), &response, &fault);
	nng_msg_free(msg);
	if (r < 0) {
		rpc_call_fail(call, RPC_INTERNAL, "the answer of %s is not an rpc.v1.Response: %s",
			exchange->client->endpoint.url, fault.text);
		exchange_finish(exchange, NULL);
		return;
	}
	exchange_finish_response(exchange, response);
	rpc__v1__response__free_unpacked(response, NULL);
}

static void exchange_on_aio(void *arg)
{
	struct exchange *exchange = arg;
	int r = nng_aio_result(exchange->aio);

	if (exchange->sent)
		exchange_received(exchange, r);
	else
		exchange_sent(exchange, r);
}

static void exchange_free(struct exchange *exchange)
{
	nng_aio_free(exchange->aio);
	rpc_bytes_free(&exchange->request);
	free(exchange);
}

/* A new exchange, in the client's list of all. The lock is held. */
static struct exchange *exchange_new(struct rpc_client *client)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		return NULL;
	exchange->client = client;
	if (nng_aio_alloc(&exchange->aio, exchange_on_aio, exchange) != 0 ||
		nng_ctx_open(&exchange->ctx, client->socket) != 0) {
		exchange_free(exchange);
		return NULL;
	}
	SLIST_INSERT_HEAD(&client->exchanges, exchange, all);
	client->exchange_count++;
	return exchange;
}

/* An exchange for a call; NULL, with the call's status set: there is none to be had. */
static struct exchange *exchange_take(struct rpc_client *client, struct rpc_call *call)
{
	struct exchange *exchange = NULL;
	bool closing;

	pthread_mutex_lock(&client->lock);
	closing = client->closing;
	if (!closing && !SLIST_EMPTY(&client->idle)) {
		exchange = SLIST_FIRST(&client->idle);
		SLIST_REMOVE_HEAD(&client->idle, idle);
	} else if (!closing && client->exchange_count < EXCHANGES_MAX) {
		exchange = exchange_new(client);
	}
	pthread_mutex_unlock(&client->lock);
	if (closing)
		client_fail(client, call, NNG_ECLOSED);
	else if (!exchange)
		rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "too many calls to %s are in flight",
			client->endpoint.url);
	return exchange;
}

static int client_dial(struct rpc_client *client)
{
	/* Far away, connecting can take minutes: calls wait for it a bounded time instead. */
	bool near = client->endpoint.scheme == RPC_SCHEME_IPC || client->endpoint.loopback;
	nng_dialer dialer;
	int r = nng_dialer_create(&dialer, client->socket, client->endpoint.url);

	if (r != 0)
		return r;
	nng_dialer_set_ms(dialer, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS);
	nng_dialer_set_ms(dialer, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS);
	if (client->tls)
		r = nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, client->tls);
	if (r == 0)
		r = nng_dialer_start(dialer, near ? 0 : NNG_FLAG_NONBLOCK);
	if (r != 0)
		nng_dialer_close(dialer);
	return r;
}

/* Connects unless that has been done; from then on nng keeps the connection. A server that is just
 * being replaced hangs up on who connects: the next attempt finds the new one. 0 or nng's error. */
static int client_connect_once(struct rpc_client *client)
{
	int r = 0;

	pthread_mutex_lock(&client->dial_lock);
	for (unsigned dials = 0, crowded = 0; dials < DIALS_MAX && !client->dialed;) {
		r = client_dial(client);
		if (r == NNG_EAGAIN && crowded++ < CROWDED_MAX)
			nng_msleep(CROWDED_MS);
		else if (r == NNG_ECONNSHUT || r == NNG_ECONNRESET || r == NNG_ECLOSED)
			dials++;
		else
			break;
	}
	client->dialed = r == 0;
	pthread_mutex_unlock(&client->dial_lock);
	return r;
}

/* 128 random bits in hex digits; empty where the kernel has none to give. */
static void random_id(char id[REQUEST_ID_SIZE])
{
	unsigned char bits[REQUEST_ID_SIZE / 2];

	id[0] = '\0';
	if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return;
	for (size_t i = 0; i < sizeof(bits); i++)
		snprintf(id + 2 * i, 3, "%02x", bits[i]);
}

static int client_encode(const struct rpc_client *client, struct rpc_call *call,
	const ProtobufCMessage *message, struct rpc_bytes *ret_request)
{
	int64_t left_ms = (call->deadline_ns - now_ns() + NS_PER_MS - 1) / NS_PER_MS;
	char id[REQUEST_ID_SIZE] = "";
	struct rpc_envelope envelope = {
		.method = call->method->name,
		.timeout_ms = left_ms < 1	     ? 1
			      : left_ms < UINT32_MAX ? (uint32_t)left_ms
						     : UINT32_MAX,
		.request_id = id,
		.api_key = client->api_key,
	};

	if (call->method->changes)
		random_id(id);
	if (rpc_envelope_encode_request(&envelope, message, ret_request) < 0) {
		rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "out of memory");
		return -ENOMEM;
	}
	if (ret_request->len > RPC_REQUEST_MAX) {
		/* The server would have to close the connection on a much larger one. */
		rpc_call_fail(call, RPC_INVALID_ARGUMENT,
			"the request has %zu bytes; at most %zu can be sent", ret_request->len,
			RPC_REQUEST_MAX);
		rpc_bytes_free(ret_request);
		return -EMSGSIZE;
	}
	return 0;
}

static void stub_invoke(ProtobufCService *service, unsigned method_index,
	const ProtobufCMessage *request, ProtobufCClosure done, void *closure_data)
{
	struct rpc_client *client = ((struct stub *)service)->client;
	struct rpc_call *call = closure_data;
	struct rpc_bytes bytes;
	struct exchange *exchange;
	int r;

	(void)method_index; /* the call's method says as much */
	if (client_encode(client, call, request, &bytes) < 0) {
		done(NULL, call);
		return;
	}
	r = client_connect_once(client);
	if (r != 0)
		client_fail(client, call, r);
	exchange = r == 0 ? exchange_take(client, call) : NULL;
	if (!exchange) {
		rpc_bytes_free(&bytes);
		done(NULL, call);
		return;
	}
	exchange->call = call;
	exchange->done = done;
	exchange->request = bytes;
	exchange->sends = 0;
	exchange_send(exchange);
}

static void stub_destroy(ProtobufCService *service)
{
	(void)service; /* the client's */
}

ProtobufCService *rpc_client_service(
	struct rpc_client *client, const ProtobufCServiceDescriptor *descriptor)
{
	struct stub *stub = NULL;

	pthread_mutex_lock(&client->lock);
	for (unsigned i = 0; i < client->stub_count && !stub; i++) {
		if (client->stubs[i].service.descriptor == descriptor)
			stub = &client->stubs[i];
	}
	if (!stub && client->stub_count < SERVICES_MAX) {
		stub = &client->stubs[client->stub_count++];
		*stub = (struct stub){{descriptor, stub_invoke, stub_destroy}, client};
	}
	pthread_mutex_unlock(&client->lock);
	return stub ? &stub->service : NULL;
}

static void client_on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct rpc_client *client = arg;

	(void)pipe;
	atomic_fetch_add(&client->pipes, event == NNG_PIPE_EV_ADD_PRE ? 1 : -1);
}

static int client_open_socket(struct rpc_client *client, struct fault *fault)
{
	int r;

	rpc_mend();
	r = nng_req0_open(&client->socket);
	if (r != 0)
		return fault_set(fault, -ENOMEM, "cannot open an nng socket: %s", nng_strerror(r));
	nng_socket_set_size(client->socket, NNG_OPT_RECVMAXSZ, REPLY_MAX);
	nng_socket_set_ms(client->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	/* Not ADD_POST: a connection that is lost early has a REM_POST without one. */
	nng_pipe_notify(client->socket, NNG_PIPE_EV_ADD_PRE, client_on_pipe, client);
	nng_pipe_notify(client->socket, NNG_PIPE_EV_REM_POST, client_on_pipe, client);
	return 0;
}

static int client_open_tls(
	struct rpc_client *client, const struct rpc_client_options *options, struct fault *fault)
{
	const char *name = options->server_name ? options->server_name : client->endpoint.host;

	if (client->endpoint.scheme != RPC_SCHEME_TLS)
		return 0;
	return rpc_tls_config(&options->tls, NNG_TLS_MODE_CLIENT, name, &client->tls, fault);
}

int rpc_client_open(const char *url, const struct rpc_client_options *options,
	struct rpc_client **ret_client, struct fault *fault)
{
	struct rpc_client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return fault_set(fault, -ENOMEM, "out of memory");
	pthread_mutex_init(&client->dial_lock, NULL);
	pthread_mutex_init(&client->lock, NULL);
	r = rpc_endpoint_parse(url, &client->endpoint, fault);
	if (r == 0 && options->api_key) {
		client->api_key = strdup(options->api_key);
		if (!client->api_key)
			r = fault_set(fault, -ENOMEM, "out of memory");
	}
	if (r == 0)
		r = client_open_tls(client, options, fault);
	if (r == 0)
		r = client_open_socket(client, fault);
	if (r < 0) {
		rpc_client_close(client);
		return r;
	}
	*ret_client = client;
	return 0;
}

/* Waits for the last callback of every call that is done: it may still be on its way out of
 * nng_ctx_recv, where nng 1.5 panics when the socket goes away meanwhile. */
static void client_wait_idle(struct rpc_client *client)
{
	struct exchange *exchange;

	pthread_mutex_lock(&client->lock);
	exchange = SLIST_FIRST(&client->idle);
	pthread_mutex_unlock(&client->lock);
	for (; exchange; exchange = SLIST_NEXT(exchange, idle))
		nng_aio_wait(exchange->aio);
}

void rpc_client_close(struct rpc_client *client)
{
	struct exchange *exchange, *next;

	if (!client)
		return;
	pthread_mutex_lock(&client->lock);
	client->closing = true;
	pthread_mutex_unlock(&client->lock);
	client_wait_idle(client);
	if (client->socket.id != 0)
		nng_close(client->socket);
	for (exchange = SLIST_FIRST(&client->exchanges); exchange; exchange = next) {
		next = SLIST_NEXT(exchange, all);
		nng_aio_stop(exchange->aio);
		exchange_free(exchange);
	}
	if (client->tls)
		nng_tls_config_free(client->tls);
	pthread_mutex_destroy(&client->lock);
	pthread_mutex_destroy(&client->dial_lock);
	free(client->api_key);
	free(client);
}
