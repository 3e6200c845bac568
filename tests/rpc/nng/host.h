/* SPDX-License-Identifier: MIT */
/* A server with a fake DeviceService, on a socket in a folder of its own and on a free port. */
#pragma once

#include "rpc/nng/server.h"
#include "tests/rpc/service/fake.h"

struct host {
	struct fake *fake;
	ProtobufCService *health;
	ProtobufCService *reflection;
	ProtobufCService *services[4];
	struct rpc_server *server;
	char folder[32];
	char path[48];
	char ipc[64];
	char tcp[64];
};

/* Starts one; api_key may be NULL. */
struct host *host_start(const char *api_key);

/* Starts a server of the same host again, at the same socket. */
void host_restart(struct host *host);

/* Stops without grace and frees, ending held calls. */
void host_stop(struct host *host);
