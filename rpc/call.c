/* SPDX-License-Identifier: MIT */
/* What every face does with a call: the rules of the seam. */
#include "rpc/call.h"

#include <stdarg.h>
#include <time.h>

#define NS_PER_S 1000000000LL

enum {
	READ_TIMEOUT_MS = 5000,
	CHANGE_TIMEOUT_MS = 30000,
};

uint32_t rpc_method_default_timeout_ms(const struct rpc_method *method)
{
	return method->changes ? CHANGE_TIMEOUT_MS : READ_TIMEOUT_MS;
}

int64_t rpc_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void rpc_call_fail(struct rpc_call *call, enum rpc_code code, const char *fmt, ...)
{
	va_list args;

	rpc_status_free(call->status);
	va_start(args, fmt);
	call->status = rpc_status_vnew(code, fmt, args);
	va_end(args);
}

void rpc_invoke(ProtobufCService *service, struct rpc_call *call, const ProtobufCMessage *request,
	ProtobufCClosure done)
{
	const struct rpc_method *method = call->method;

	if (method->changes && !call->peer.may_change) {
		rpc_call_fail(call, RPC_PERMISSION_DENIED,
			"%s changes devices, which only root, members of group vfiod and holders "
			"of the API key may; the caller is %s",
			method->name, call->peer.text[0] ? call->peer.text : "unknown");
		done(NULL, call);
		return;
	}
	if (call->deadline_ns <= rpc_now_ns()) {
		rpc_call_fail(call, RPC_DEADLINE_EXCEEDED,
			"the deadline of %s passed before it was started; nothing was done",
			method->name);
		done(NULL, call);
		return;
	}
	service->invoke(service, method->index, request, done, call);
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
