/* SPDX-License-Identifier: MIT */
/* The service rpc.v1.Health: tells whether the server serves. */
#include "rpc/service/health.h"

#include "rpc/service/call.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct health {
	Rpc__V1__Health_Service service; /* first: what callers hold */
	ProtobufCService *const *services;
	atomic_bool serving;
};

static bool is_served(const struct health *health, const char *name)
{
	if (name[0] == '\0')
		return true;
	for (ProtobufCService *const *service = health->services; *service; service++) {
		if (strcmp((*service)->descriptor->name, name) == 0)
			return true;
	}
	return false;
}

static void health_check(Rpc__V1__Health_Service *service,
	const Rpc__V1__HealthCheckRequest *request, Rpc__V1__HealthCheckResponse_Closure done,
	void *closure_data)
{
	struct health *health = (struct health *)service;
	Rpc__V1__HealthCheckResponse response = RPC__V1__HEALTH_CHECK_RESPONSE__INIT;

	if (!is_served(health, request->service)) {
		rpc_call_fail(closure_data, RPC_NOT_FOUND, "this server has no service \"%.100s\"",
			request->service);
		done(NULL, closure_data);
		return;
	}
	response.status = atomic_load(&health->serving)
				  ? RPC__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
				  : RPC__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
	done(&response, closure_data);
}

ProtobufCService *rpc_health_new(ProtobufCService *const *services)
{
	static const Rpc__V1__Health_Service service = RPC__V1__HEALTH__INIT(health_);
	struct health *health = calloc(1, sizeof(*health));

	if (!health)
		return NULL;
	health->service = service;
	health->services = services;
	atomic_init(&health->serving, true);
	return &health->service.base;
}

void rpc_health_set(ProtobufCService *health, bool serving)
{
	atomic_store(&((struct health *)health)->serving, serving);
}

void rpc_health_free(ProtobufCService *health)
{
	free(health);
}
