/* SPDX-License-Identifier: MIT */
/* Calls to services, and their answers. */
#include "rest/exchange.h"

#include "core/base/clock.h"
#include "rest/answer.h"
#include "rest/reply.h"
#include "rest/transcode.h"

#include <stdlib.h>

/* A service that keeps the deadline itself can say more than we can, so it gets the first word. */
#define EXCHANGE_LATE_NS (100 * NS_PER_MS)

struct rest_exchange {
	struct rpc_call call; /* first: it is what the service has */
	h2o_multithread_message_t message;
	h2o_linklist_t link; /* in loop->pending while the client waits */
	struct rest_mailbox *mailbox;
	const struct rest_route *route;
	const ProtobufCMessageDescriptor *const *details;
	ProtobufCMessage *request;
	h2o_req_t *req; /* NULL once answered or dead; the loop's thread only */
	struct exchange_anchor *anchor;
	struct rest_json out;
	int http_status;
	uint32_t timeout_ms;
	bool done; /* before the invocation returned */
};

/* Lives in the request's memory and tells when that goes. */
struct exchange_anchor {
	struct rest_exchange *exchange;
};

/* The exchange whose service this thread is calling right now. */
static _Thread_local struct rest_exchange *exchange_invoking;

static void mailbox_unref(struct rest_mailbox *mailbox)
{
	bool last;

	pthread_mutex_lock(&mailbox->lock);
	last = --mailbox->refs == 0;
	pthread_mutex_unlock(&mailbox->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&mailbox->lock);
	free(mailbox);
}

static void exchange_detach(struct rest_exchange *x)
{
	if (x->anchor)
		x->anchor->exchange = NULL;
	x->anchor = NULL;
	x->req = NULL;
	if (h2o_linklist_is_linked(&x->link))
		h2o_linklist_unlink(&x->link);
}

static void exchange_free(struct rest_exchange *x)
{
	protobuf_c_message_free_unpacked(x->request, NULL);
	rpc_status_free(x->call.status);
	rest_json_clear(&x->out);
	free(x);
}

static void exchange_free_counted(struct rest_exchange *x)
{
	struct rest_mailbox *mailbox = x->mailbox;

	exchange_free(x);
	mailbox_unref(mailbox);
}

static void exchange_render_error(struct rest_exchange *x, const char *fallback)
{
	const Rpc__V1__Status *status = x->call.status;

	rest_json_reset(&x->out);
	if (!status || status->code == RPC_OK || fallback) {
		rest_answer_error(&x->out, RPC_INTERNAL,
			fallback ? fallback : "the operation failed without saying why", NULL,
			NULL);
		x->http_status = rest_answer_http_status(RPC_INTERNAL);
		return;
	}
	rest_answer_error(&x->out, status->code, status->message, status, x->details);
	x->http_status = rest_answer_http_status(status->code);
}

/* On whatever thread the service is done on. */
static void exchange_render(struct rest_exchange *x, const ProtobufCMessage *message)
{
	int r;

	if (!message) {
		exchange_render_error(x, NULL);
		return;
	}
	x->http_status = 200;
	if (x->route->response_body)
		r = rest_transcode_write_field(&x->out, message, x->route->response_body);
	else
		r = rest_transcode_write(&x->out, message);
	if (r < 0)
		exchange_render_error(x, "the answer cannot be written as JSON");
}

static void exchange_post(struct rest_exchange *x)
{
	struct rest_mailbox *mailbox = x->mailbox;
	bool open;

	pthread_mutex_lock(&mailbox->lock);
	open = mailbox->open;
	if (open)
		h2o_multithread_send_message(&mailbox->receiver, &x->message);
	pthread_mutex_unlock(&mailbox->lock);
	if (!open)
		exchange_free_counted(x);
}

static void exchange_done(const ProtobufCMessage *message, void *data)
{
	struct rest_exchange *x = data;

	exchange_render(x, message);
	if (x == exchange_invoking)
		x->done = true;
	else
		exchange_post(x);
}

static void exchange_reply(struct rest_exchange *x, struct rest_loop *loop)
{
	h2o_req_t *req = x->req;

	exchange_detach(x);
	rest_reply_json(req, x->http_status, &x->out);
	if (!loop->spare.data && x->out.cap <= 65536) {
		loop->spare = x->out;
		x->out = (struct rest_json){0};
	}
}

static void exchange_on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	(void)receiver;
	while (!h2o_linklist_is_empty(messages)) {
		struct rest_exchange *x =
			H2O_STRUCT_FROM_MEMBER(struct rest_exchange, message.link, messages->next);

		h2o_linklist_unlink(&x->message.link);
		if (x->req)
			exchange_reply(x, rest_loop_of(x->req));
		exchange_free_counted(x);
	}
}

static void exchange_on_request_gone(void *data)
{
	struct exchange_anchor *anchor = data;

	if (anchor->exchange) {
		anchor->exchange->anchor = NULL;
		exchange_detach(anchor->exchange);
	}
}

/* The service has it and will be done later, or is already and its message is under way. */
static void exchange_wait(struct rest_exchange *x, struct rest_loop *loop)
{
	/* Counted only now, so that an answer in place takes no lock. Being done elsewhere already
	 * is no matter: the loop's own count holds the mailbox, and the message is read later. */
	pthread_mutex_lock(&loop->mailbox->lock);
	loop->mailbox->refs++;
	pthread_mutex_unlock(&loop->mailbox->lock);
	x->anchor =
		h2o_mem_alloc_shared(&x->req->pool, sizeof(*x->anchor), exchange_on_request_gone);
	x->anchor->exchange = x;
	h2o_linklist_insert(&loop->pending, &x->link);
	rest_loop_arm_tick(loop);
}

static struct rest_exchange *exchange_new(h2o_req_t *req, const struct rest_route *route,
	const struct rpc_peer *peer, ProtobufCMessage *request)
{
	struct rest_loop *loop = rest_loop_of(req);
	const struct rest_config *config = &loop->server->config;
	struct rest_exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->call.method = route->method;
	x->call.peer = *peer;
	x->call.observer = config->observer;
	x->timeout_ms = config->timeout_ms ? config->timeout_ms
					   : rpc_method_default_timeout_ms(route->method);
	x->call.deadline_ns = now_ns() + x->timeout_ms * NS_PER_MS;
	x->mailbox = loop->mailbox;
	x->route = route;
	x->details = config->details;
	x->request = request;
	x->req = req;
	x->out = loop->spare;
	loop->spare = (struct rest_json){0};
	return x;
}

void rest_exchange_start(h2o_req_t *req, const struct rest_route *route,
	const struct rpc_peer *peer, ProtobufCMessage *request)
{
	struct rest_loop *loop = rest_loop_of(req);
	ProtobufCService *service = rpc_service_for(loop->server->config.services, route->method);
	struct rest_exchange *x = service ? exchange_new(req, route, peer, request) : NULL;

	if (!x) {
		protobuf_c_message_free_unpacked(request, NULL);
		if (service)
			rest_reply_error(req, 0, RPC_RESOURCE_EXHAUSTED, "out of memory");
		else
			rest_reply_error(req, 0, RPC_UNIMPLEMENTED, "%s is not served here",
				route->method->name);
		return;
	}
	exchange_invoking = x;
	rpc_invoke(service, &x->call, request, exchange_done);
	exchange_invoking = NULL;
	if (!x->done) {
		exchange_wait(x, loop);
		return;
	}
	exchange_reply(x, loop);
	exchange_free(x);
}

void rest_exchange_expire(struct rest_loop *loop, bool all)
{
	int64_t now = now_ns();
	h2o_linklist_t *node = loop->pending.next;

	while (node != &loop->pending) {
		struct rest_exchange *x = H2O_STRUCT_FROM_MEMBER(struct rest_exchange, link, node);
		h2o_req_t *req = x->req;

		node = node->next;
		if (!all && now < x->call.deadline_ns + EXCHANGE_LATE_NS)
			continue;
		exchange_detach(x);
		if (all)
			rest_reply_error(req, 0, RPC_UNAVAILABLE,
				"the server is shutting down; the operation may still be going on");
		else
			rest_reply_error(req, 0, RPC_DEADLINE_EXCEEDED,
				"no answer within %u ms; the operation may still be going on",
				x->timeout_ms);
	}
}

struct rest_mailbox *rest_mailbox_open(struct rest_loop *loop)
{
	struct rest_mailbox *mailbox = calloc(1, sizeof(*mailbox));

	if (!mailbox)
		return NULL;
	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->refs = 1;
	mailbox->open = true;
	h2o_multithread_register_receiver(
		loop->http.queue, &mailbox->receiver, exchange_on_messages);
	return mailbox;
}

void rest_mailbox_close(struct rest_mailbox *mailbox, struct rest_loop *loop)
{
	pthread_mutex_lock(&mailbox->lock);
	mailbox->open = false;
	pthread_mutex_unlock(&mailbox->lock);
	/* What was sent before is in the queue, and its wake-up in the pipe. */
	while (!h2o_linklist_is_empty(&mailbox->receiver._messages))
		h2o_evloop_run(loop->http.loop, 0);
	h2o_multithread_unregister_receiver(loop->http.queue, &mailbox->receiver);
	mailbox_unref(mailbox);
}
