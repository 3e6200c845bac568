/* SPDX-License-Identifier: MIT */
/* What every transport does with a call: its deadline, the caller's right, the invocation. */
#include "rpc/service/call.h"

#include "core/base/clock.h"

#include <stdarg.h>

enum {
	READ_TIMEOUT_MS = 5000,
	CHANGE_TIMEOUT_MS = 30000,
};

uint32_t rpc_method_default_timeout_ms(const struct rpc_method *method)
{
	return method->changes ? CHANGE_TIMEOUT_MS : READ_TIMEOUT_MS;
}

void rpc_call_fail(struct rpc_call *call, enum rpc_code code, const char *fmt, ...)
{
	va_list args;

	rpc_status_free(call->status);
	va_start(args, fmt);
	call->status = rpc_status_vnew(code, fmt, args);
	va_end(args);
}

void rpc_peer_set_user(struct rpc_peer *peer, uid_t uid, gid_t gid, const struct rpc_rights *rights)
{
	peer->uid = uid;
	peer->gid = gid;
	peer->rights = rights;
	if (rights)
		peer->may_change = RPC_MAY_ASK;
	else
		peer->may_change = uid == 0 ? RPC_MAY : RPC_MAY_NOT;
}

static void refuse_caller(struct rpc_call *call)
{
	const struct rpc_peer *peer = &call->peer;

	rpc_call_fail(call, RPC_PERMISSION_DENIED,
		"%s changes devices, which only root, members of group vfiod and holders of the API key may; the caller is %s%s%s",
		call->method->name, peer->text[0] ? peer->text : "unknown",
		peer->why_not ? ", " : "", peer->why_not ? peer->why_not : "");
}

static void refuse_unanswered(struct rpc_call *call, enum rpc_rights_answer answer)
{
	if (answer == RPC_RIGHTS_BUSY)
		rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED,
			"too many callers' rights are being looked up, %s was not started; try again in a moment",
			call->method->name);
	else
		rpc_call_fail(call, RPC_UNAVAILABLE,
			"the user database could not be asked about uid %u, so %s was not started; look at its service (such as sssd) on the host and try again",
			call->peer.uid, call->method->name);
}

/* Gives the call to the service, whose caller has the right. */
static void call_invoke(ProtobufCService *service, struct rpc_call *call,
	const ProtobufCMessage *request, ProtobufCClosure done)
{
	if (call->deadline_ns <= now_ns()) {
		rpc_call_fail(call, RPC_DEADLINE_EXCEEDED,
			"the deadline of %s passed before it was started; nothing was done",
			call->method->name);
		done(NULL, call);
		return;
	}
	call->started = true;
	service->invoke(service, call->method->index, request, done, call);
}

/* Of a change. */
static void call_on_ended(const ProtobufCMessage *response, void *data)
{
	struct rpc_call *call = data;

	if (call->observer)
		call->observer->ended(call->observer->arg, call, call->asked.request, response);
	call->asked.done(response, call);
}

static void on_answer(void *arg, enum rpc_rights_answer answer)
{
	struct rpc_call *call = arg;

	if (answer == RPC_RIGHTS_YES) {
		call_invoke(call->asked.service, call, call->asked.request, call_on_ended);
		return;
	}
	if (answer == RPC_RIGHTS_NO)
		refuse_caller(call);
	else
		refuse_unanswered(call, answer);
	call_on_ended(NULL, call);
}

static void invoke_change(struct rpc_call *call)
{
	const struct rpc_peer *peer = &call->peer;

	if (peer->may_change == RPC_MAY)
		on_answer(call, RPC_RIGHTS_YES);
	else if (peer->may_change == RPC_MAY_ASK)
		peer->rights->ask(peer->rights->arg, peer->uid, peer->gid, on_answer, call);
	else
		on_answer(call, RPC_RIGHTS_NO);
}

void rpc_invoke(ProtobufCService *service, struct rpc_call *call, const ProtobufCMessage *request,
	ProtobufCClosure done)
{
	if (!call->method->changes) {
		call_invoke(service, call, request, done);
		return;
	}
	call->began_ns = now_ns();
	call->asked.service = service;
	call->asked.request = request;
	call->asked.done = done;
	invoke_change(call);
}

void rpc_observe_refusal(const struct rpc_observer *observer, const struct rpc_method *method,
	const struct rpc_peer *peer, enum rpc_code code, const char *why)
{
	struct rpc_call call = {.method = method, .peer = *peer, .began_ns = now_ns()};

	if (!observer || !method->changes)
		return;
	rpc_call_fail(&call, code, "%s", why);
	observer->ended(observer->arg, &call, NULL, NULL);
	rpc_status_free(call.status);
}

ProtobufCService *rpc_service_for(
	ProtobufCService *const *services, const struct rpc_method *method)
{
	for (; *services; services++) {
		if ((*services)->descriptor == method->service)
			return *services;
	}
	return NULL;
}
