/* SPDX-License-Identifier: MIT */
/* Takes the bytes of a request to its service, and gives it exactly one reply. */
#include "rpc/nng/dispatch.h"

#include "core/base/clock.h"
#include "core/base/secret.h"
#include "core/base/thread.h"
#include "core/base/util.h"
#include "rpc/nng/dedupe.h"
#include "rpc/nng/wire.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_ID_MAX 256
#define OPEN_METHOD "rpc.v1.Health/Check" /* needs no key, as /healthz does not */

/* A repeat may come as long as a caller can be expected to retry; what is kept for it is bounded
 * by count and by bytes, for replies have no limit of their own (docs/rpc.md, "Request ids"). */
static const struct rpc_dedupe_limits dedupe_limits = {
	.entries = 4096,
	.bytes = (size_t)32 * 1024 * 1024,
	.age_ns = 600 * NS_PER_S,
};

TAILQ_HEAD(ticket_list, rpc_ticket);

struct dispatch_call {
	struct rpc_call base; /* first: what services see */
	struct rpc_dispatch *dispatch;
	ProtobufCService *service;
	ProtobufCMessage *request;
	char *request_id;
	struct rpc_dedupe_entry *entry; /* NULL: not to be remembered */
};

struct rpc_dispatch {
	struct rpc_dispatch_config config;
	struct rpc_bytes no_memory; /* the reply when there is no memory for one */

	pthread_mutex_t lock;
	pthread_cond_t quiet; /* a ticket left `parked`, or a reply went out */
	struct rpc_dedupe *dedupe;
	struct ticket_list parked;
	unsigned load[2];  /* calls and waiting repeats: of reads, of changes */
	unsigned calls;	   /* with their service */
	unsigned replying; /* threads between taking tickets off `parked` and having replied */
	int64_t armed_ns;  /* when rpc_dispatch_expire runs at the latest */
	bool closing;
	bool freed;
};

static void dispatch_unlock(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

/* Holds the lock to the end of the block. */
#define LOCKED(dispatch)                                                                           \
	__attribute__((cleanup(dispatch_unlock), unused)) pthread_mutex_t *locked =                \
		&(dispatch)->lock;                                                                 \
	pthread_mutex_lock(&(dispatch)->lock)

struct rpc_dispatch *rpc_dispatch_new(const struct rpc_dispatch_config *config)
{
	struct rpc_dispatch *dispatch = calloc(1, sizeof(*dispatch));

	if (!dispatch)
		return NULL;
	dispatch->config = *config;
	dispatch->armed_ns = INT64_MAX;
	TAILQ_INIT(&dispatch->parked);
	pthread_mutex_init(&dispatch->lock, NULL);
	thread_cond_init(&dispatch->quiet);
	dispatch->dedupe = rpc_dedupe_new(&dedupe_limits);
	if (!dispatch->dedupe ||
		rpc_envelope_encode_response(NULL, NULL, NULL, &dispatch->no_memory) < 0) {
		rpc_dispatch_free(dispatch);
		return NULL;
	}
	return dispatch;
}

static void dispatch_destroy(struct rpc_dispatch *dispatch)
{
	rpc_dedupe_free(dispatch->dedupe);
	rpc_bytes_free(&dispatch->no_memory);
	pthread_cond_destroy(&dispatch->quiet);
	pthread_mutex_destroy(&dispatch->lock);
	free(dispatch);
}

void rpc_dispatch_free(struct rpc_dispatch *dispatch)
{
	bool last;

	if (!dispatch)
		return;
	pthread_mutex_lock(&dispatch->lock);
	dispatch->freed = true;
	last = dispatch->calls == 0;
	pthread_mutex_unlock(&dispatch->lock);
	if (last)
		dispatch_destroy(dispatch);
}

static void call_free(struct dispatch_call *call)
{
	if (!call)
		return;
	if (call->request)
		protobuf_c_message_free_unpacked(call->request, NULL);
	rpc_status_free(call->base.status);
	free(call->request_id);
	free(call);
}

static void status_free(Rpc__V1__Status **status)
{
	rpc_status_free(*status);
}

static void dispatch_reply(
	struct rpc_dispatch *dispatch, struct rpc_ticket *ticket, const struct rpc_bytes *bytes)
{
	if (!bytes->data)
		bytes = &dispatch->no_memory;
	dispatch->config.reply(dispatch->config.arg, ticket, bytes->data, bytes->len);
}

__attribute__((format(printf, 3, 0))) static struct rpc_bytes dispatch_refusal(
	const char *request_id, enum rpc_code code, const char *fmt, va_list args)
{
	CLEANUP(status_free) Rpc__V1__Status *status = rpc_status_vnew(code, fmt, args);
	struct rpc_bytes bytes = {0};

	rpc_envelope_encode_response(status, NULL, request_id, &bytes);
	return bytes;
}

/* Answers a ticket that waits for nothing. */
static void dispatch_refuse(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	const char *request_id, enum rpc_code code, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static void dispatch_refuse(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	const char *request_id, enum rpc_code code, const char *fmt, ...)
{
	CLEANUP(rpc_bytes_free) struct rpc_bytes bytes = {0};
	va_list args;

	va_start(args, fmt);
	bytes = dispatch_refusal(request_id, code, fmt, args);
	va_end(args);
	dispatch_reply(dispatch, ticket, &bytes);
}

/* Moves a call's tickets from `parked` to the list. The lock is held. */
static void take_tickets(
	struct rpc_dispatch *dispatch, const struct dispatch_call *call, struct ticket_list *list)
{
	struct rpc_ticket *ticket, *next;

	TAILQ_INIT(list);
	for (ticket = TAILQ_FIRST(&dispatch->parked); ticket; ticket = next) {
		next = TAILQ_NEXT(ticket, parked);
		if (ticket->call != call)
			continue;
		TAILQ_REMOVE(&dispatch->parked, ticket, parked);
		TAILQ_INSERT_TAIL(list, ticket, parked);
		dispatch->load[call->base.method->changes] -= ticket->repeat;
	}
}

/* Ends a call: remembers its reply and says who gets it. The lock is held. */
static void call_end(struct rpc_dispatch *dispatch, struct dispatch_call *call,
	const struct rpc_bytes *bytes, struct ticket_list *ret_tickets)
{
	/* What was refused before it was started may be allowed the next time. */
	if (call->entry && bytes->data && call->base.started)
		rpc_dedupe_finish(dispatch->dedupe, call->entry, bytes, now_ns());
	else if (call->entry)
		rpc_dedupe_forget(dispatch->dedupe, call->entry);
	take_tickets(dispatch, call, ret_tickets);
	dispatch->load[call->base.method->changes]--;
	dispatch->replying++;
}

/* What services call back, on any thread. */
static void dispatch_on_done(const ProtobufCMessage *message, void *closure_data)
{
	struct dispatch_call *call = closure_data;
	struct rpc_dispatch *dispatch = call->dispatch;
	CLEANUP(rpc_bytes_free) struct rpc_bytes bytes = {0};
	struct rpc_ticket *ticket, *next;
	struct ticket_list tickets;
	bool last;

	rpc_envelope_encode_response(call->base.status, message, call->request_id, &bytes);
	pthread_mutex_lock(&dispatch->lock);
	call_end(dispatch, call, &bytes, &tickets);
	pthread_mutex_unlock(&dispatch->lock);

	/* Once replied to, a ticket may be anyone's: its links are read before. */
	for (ticket = TAILQ_FIRST(&tickets); ticket; ticket = next) {
		next = TAILQ_NEXT(ticket, parked);
		dispatch_reply(dispatch, ticket, &bytes);
	}
	call_free(call);

	pthread_mutex_lock(&dispatch->lock);
	dispatch->replying--;
	dispatch->calls--;
	last = dispatch->freed && dispatch->calls == 0;
	pthread_cond_broadcast(&dispatch->quiet);
	pthread_mutex_unlock(&dispatch->lock);
	if (last)
		dispatch_destroy(dispatch);
}

/* Makes the ticket wait for the call; true: the timer must be told. The lock is held. */
static bool dispatch_park(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	struct dispatch_call *call, bool repeat)
{
	ticket->call = call;
	ticket->repeat = repeat;
	TAILQ_INSERT_TAIL(&dispatch->parked, ticket, parked);
	dispatch->load[call->base.method->changes]++;
	if (ticket->deadline_ns >= dispatch->armed_ns)
		return false;
	dispatch->armed_ns = ticket->deadline_ns;
	return true;
}

/* What to do with a well-formed request. */
enum admission {
	ADMIT_RUN,
	ADMIT_WAIT,
	ADMIT_REPLAY,
	ADMIT_CLOSING,
	ADMIT_FULL,
	ADMIT_OTHER,
};

/* Looks for an earlier call with the request_id. The lock is held. */
static enum admission dispatch_recall(struct rpc_dispatch *dispatch, struct dispatch_call *call,
	const struct rpc_dedupe_key *key, struct dispatch_call **ret_first,
	struct rpc_bytes *ret_bytes)
{
	struct rpc_dedupe_entry *entry;
	const struct rpc_bytes *first;

	switch (rpc_dedupe_begin(dispatch->dedupe, key, call, now_ns(), &entry)) {
	case RPC_DEDUPE_NEW:
		call->entry = entry;
		return ADMIT_RUN;
	case RPC_DEDUPE_RUNNING:
		*ret_first = rpc_dedupe_owner(entry);
		return ADMIT_WAIT;
	case RPC_DEDUPE_DONE:
		first = rpc_dedupe_reply(entry);
		if (rpc_bytes_copy(first->data, first->len, ret_bytes) < 0)
			return ADMIT_FULL;
		return ADMIT_REPLAY;
	case RPC_DEDUPE_OTHER:
		return ADMIT_OTHER;
	case RPC_DEDUPE_FULL:
		break;
	}
	return ADMIT_FULL;
}

/* Decides, and parks the ticket where it is to wait. A NULL key: no request_id. */
static enum admission dispatch_admit(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	struct dispatch_call *call, const struct rpc_dedupe_key *key, struct rpc_bytes *ret_bytes,
	bool *ret_wake)
{
	bool changes = call->base.method->changes;
	unsigned limit = changes ? dispatch->config.max_changes : dispatch->config.max_reads;
	struct dispatch_call *target = call;
	enum admission admission = ADMIT_RUN;
	LOCKED(dispatch);

	if (dispatch->closing)
		return ADMIT_CLOSING;
	if (key)
		admission = dispatch_recall(dispatch, call, key, &target, ret_bytes);
	if (admission != ADMIT_RUN && admission != ADMIT_WAIT)
		return admission;
	if (dispatch->load[changes] >= limit) {
		if (call->entry)
			rpc_dedupe_forget(dispatch->dedupe, call->entry);
		call->entry = NULL;
		return ADMIT_FULL;
	}
	*ret_wake = dispatch_park(dispatch, ticket, target, admission == ADMIT_WAIT);
	dispatch->calls += admission == ADMIT_RUN;
	return admission;
}

static void dispatch_refuse_admission(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	const struct dispatch_call *call, enum admission admission)
{
	const char *name = call->base.method->name, *id = call->request_id;

	if (admission == ADMIT_CLOSING)
		dispatch_refuse(dispatch, ticket, id, RPC_UNAVAILABLE,
			"the server is shutting down; try again in a moment");
	else if (admission == ADMIT_OTHER)
		dispatch_refuse(dispatch, ticket, id, RPC_INVALID_ARGUMENT,
			"request_id \"%s\" was used for another request; a new request needs a new one",
			id);
	else
		dispatch_refuse(dispatch, ticket, id, RPC_RESOURCE_EXHAUSTED,
			"the queue is full, %s was not started; try again in a moment", name);
}

/* Runs a call, or lets its ticket wait for an earlier one. The call is given away. */
static void dispatch_submit(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	struct dispatch_call *call, const struct rpc_dedupe_key *key)
{
	CLEANUP(rpc_bytes_free) struct rpc_bytes bytes = {0};
	bool wake = false;
	enum admission admission = dispatch_admit(dispatch, ticket, call, key, &bytes, &wake);

	if (wake)
		dispatch->config.wake(dispatch->config.arg);
	if (admission == ADMIT_RUN) {
		rpc_invoke(call->service, &call->base, call->request, dispatch_on_done);
		return;
	}
	if (admission == ADMIT_REPLAY)
		dispatch_reply(dispatch, ticket, &bytes);
	else if (admission != ADMIT_WAIT)
		dispatch_refuse_admission(dispatch, ticket, call, admission);
	call_free(call);
}

static struct dispatch_call *call_new(struct rpc_dispatch *dispatch,
	const struct rpc_method *method, const struct rpc_caller *caller,
	const Rpc__V1__Request *envelope)
{
	struct dispatch_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->dispatch = dispatch;
	call->base.method = method;
	call->base.peer = caller->peer;
	call->base.observer = dispatch->config.observer;
	call->base.peer.has_key = caller->key_required;
	if (caller->key_required)
		call->base.peer.may_change = RPC_MAY;
	call->request_id = strdup(envelope->request_id);
	if (!call->request_id) {
		call_free(call);
		return NULL;
	}
	call->base.request_id = call->request_id;
	return call;
}

/* Goes on with a request whose caller and method are known to be right. */
static void take_method(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	const struct rpc_caller *caller, const struct rpc_method *method,
	const Rpc__V1__Request *envelope)
{
	struct dispatch_call *call = call_new(dispatch, method, caller, envelope);
	const ProtobufCBinaryData *payload = &envelope->payload;
	const struct rpc_dedupe_key key = {
		caller->key, envelope->request_id, method, payload->data, payload->len};
	struct fault fault;
	bool remember;
	int r;

	if (!call) {
		dispatch_reply(dispatch, ticket, &dispatch->no_memory);
		return;
	}
	r = rpc_wire_unpack(
		rpc_method_input(method), payload->data, payload->len, &call->request, &fault);
	call->service = rpc_service_for(dispatch->config.services, method);
	if (r < 0 || !call->service) {
		dispatch_refuse(dispatch, ticket, envelope->request_id,
			call->service ? RPC_INVALID_ARGUMENT : RPC_UNIMPLEMENTED, "%s",
			call->service ? fault.text : "this server does not have the service");
		call_free(call);
		return;
	}
	ticket->timeout_ms =
		envelope->timeout_ms ? envelope->timeout_ms : rpc_method_default_timeout_ms(method);
	ticket->deadline_ns = now_ns() + ticket->timeout_ms * NS_PER_MS;
	call->base.deadline_ns = ticket->deadline_ns;
	/* What the caller may not do is not remembered: the right may come, the id be the same. */
	remember = envelope->request_id[0] &&
		   (!method->changes || call->base.peer.may_change != RPC_MAY_NOT);
	dispatch_submit(dispatch, ticket, call, remember ? &key : NULL);
}

static bool has_key(const struct rpc_dispatch *dispatch, const Rpc__V1__Request *envelope)
{
	const char *secret = dispatch->config.api_key;
	const char *key = rpc_envelope_metadata(envelope, "x-volant-api-key");
	const char *authorization = rpc_envelope_metadata(envelope, "authorization");
	size_t len = key ? strlen(key) : 0;

	if (!key && authorization)
		key = secret_bearer(authorization, strlen(authorization), &len);
	return key && secret && secret_equal(key, len, secret);
}

static void dispatch_refuse_key(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	const struct rpc_caller *caller, const struct rpc_method *method, const char *id)
{
	static const char why[] = "invalid api key";

	if (method)
		rpc_observe_refusal(
			dispatch->config.observer, method, &caller->peer, RPC_UNAUTHENTICATED, why);
	dispatch_refuse(dispatch, ticket, id, RPC_UNAUTHENTICATED, why);
}

static void take_envelope(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	const struct rpc_caller *caller, const Rpc__V1__Request *envelope)
{
	const char *name = envelope->method, *id = envelope->request_id;
	const struct rpc_method *method = rpc_method_find(name, strlen(name));
	bool open = strcmp(name, OPEN_METHOD) == 0;

	if (strlen(id) > REQUEST_ID_MAX)
		dispatch_refuse(dispatch, ticket, id, RPC_INVALID_ARGUMENT,
			"request_id has %zu bytes; at most %d are taken", strlen(id),
			REQUEST_ID_MAX);
	else if (caller->key_required && !open && !has_key(dispatch, envelope))
		dispatch_refuse_key(dispatch, ticket, caller, method, id);
	else if (!method)
		dispatch_refuse(dispatch, ticket, id, RPC_UNIMPLEMENTED,
			"there is no method \"%.100s\"; rpc.v1.Reflection tells which there are",
			name);
	else
		take_method(dispatch, ticket, caller, method, envelope);
}

void rpc_dispatch_take(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	const struct rpc_caller *caller, const uint8_t *bytes, size_t len)
{
	Rpc__V1__Request *envelope;
	struct fault fault;

	if (len > RPC_REQUEST_MAX) {
		dispatch_refuse(dispatch, ticket, NULL, RPC_INVALID_ARGUMENT,
			"the request has %zu bytes; at most %zu are taken", len, RPC_REQUEST_MAX);
		return;
	}
	if (rpc_envelope_decode_request(bytes, len, &envelope, &fault) < 0) {
		dispatch_refuse(dispatch, ticket, NULL, RPC_INVALID_ARGUMENT,
			"not an rpc.v1.Request: %s", fault.text);
		return;
	}
	take_envelope(dispatch, ticket, caller, envelope);
	rpc__v1__request__free_unpacked(envelope, NULL);
}

/* The first ticket that is due, off `parked`; NULL: there is none, and *ret_next_ns is when the
 * next one will be. The lock is held. */
static struct rpc_ticket *take_due(
	struct rpc_dispatch *dispatch, int64_t now_ns, int64_t *ret_next_ns)
{
	struct rpc_ticket *ticket;
	int64_t next_ns = INT64_MAX;

	TAILQ_FOREACH (ticket, &dispatch->parked, parked) {
		if (ticket->deadline_ns <= now_ns) {
			TAILQ_REMOVE(&dispatch->parked, ticket, parked);
			dispatch->load[ticket->call->base.method->changes] -= ticket->repeat;
			dispatch->replying++;
			return ticket;
		}
		if (ticket->deadline_ns < next_ns)
			next_ns = ticket->deadline_ns;
	}
	*ret_next_ns = next_ns;
	return NULL;
}

static struct rpc_bytes dispatch_abandonment(const struct dispatch_call *call, enum rpc_code code,
	const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static struct rpc_bytes dispatch_abandonment(
	const struct dispatch_call *call, enum rpc_code code, const char *fmt, ...)
{
	struct rpc_bytes bytes;
	va_list args;

	va_start(args, fmt);
	bytes = dispatch_refusal(call->request_id, code, fmt, args);
	va_end(args);
	return bytes;
}

static struct rpc_bytes deadline_reply(const struct rpc_ticket *ticket)
{
	const struct dispatch_call *call = ticket->call;

	return dispatch_abandonment(call, RPC_DEADLINE_EXCEEDED,
		"%s did not end within %u ms and goes on; %s", call->base.method->name,
		ticket->timeout_ms,
		call->entry ? "a repeat with the same request_id gets its outcome"
			    : "look at what it works on for its outcome");
}

/* Sends the reply of a ticket taken off `parked` while its call goes on. */
static void reply_abandoned(
	struct rpc_dispatch *dispatch, struct rpc_ticket *ticket, struct rpc_bytes *bytes)
{
	dispatch_reply(dispatch, ticket, bytes);
	rpc_bytes_free(bytes);
	pthread_mutex_lock(&dispatch->lock);
	dispatch->replying--;
	pthread_cond_broadcast(&dispatch->quiet);
	pthread_mutex_unlock(&dispatch->lock);
}

int64_t rpc_dispatch_expire(struct rpc_dispatch *dispatch)
{
	for (;;) {
		struct rpc_ticket *due;
		struct rpc_bytes bytes = {0};
		int64_t next_ns;

		pthread_mutex_lock(&dispatch->lock);
		due = take_due(dispatch, now_ns(), &next_ns);
		if (!due)
			dispatch->armed_ns = next_ns;
		else
			bytes = deadline_reply(due); /* the call is there while the lock is */
		pthread_mutex_unlock(&dispatch->lock);
		if (!due)
			return next_ns;
		reply_abandoned(dispatch, due, &bytes);
	}
}

/* Blocks until no ticket is parked, or until then. The lock is held. */
static void wait_for_tickets(struct rpc_dispatch *dispatch, int64_t until_ns)
{
	while (!TAILQ_EMPTY(&dispatch->parked)) {
		if (!thread_wait(&dispatch->quiet, &dispatch->lock, until_ns))
			return;
	}
}

void rpc_dispatch_close(struct rpc_dispatch *dispatch, int64_t until_ns)
{
	struct rpc_ticket *ticket;
	struct rpc_bytes bytes;
	int64_t ignored;

	pthread_mutex_lock(&dispatch->lock);
	dispatch->closing = true;
	wait_for_tickets(dispatch, until_ns);
	while ((ticket = take_due(dispatch, INT64_MAX, &ignored))) {
		bytes = dispatch_abandonment(ticket->call, RPC_UNAVAILABLE,
			"the server is shutting down and %s goes on; look at what it works on for its outcome",
			ticket->call->base.method->name);
		pthread_mutex_unlock(&dispatch->lock);
		reply_abandoned(dispatch, ticket, &bytes);
		pthread_mutex_lock(&dispatch->lock);
	}
	while (dispatch->replying > 0)
		pthread_cond_wait(&dispatch->quiet, &dispatch->lock);
	pthread_mutex_unlock(&dispatch->lock);
}
