/* SPDX-License-Identifier: MIT */
/* A server with a fake DeviceService. */
#include "tests/rpc/nng/host.h"

#include "rpc/service/health.h"
#include "rpc/service/reflection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void serve(struct host *host, const char *urls, const char *api_key)
{
	const struct rpc_server_config config = {
		.urls = urls,
		.services = host->services,
		.api_key = api_key,
		.contexts = 16,
		.ipc_mode = 0640,
		.ipc_gid = (gid_t)-1,
	};
	struct fault fault;

	if (rpc_server_start(&config, &host->server, &fault) < 0) {
		fprintf(stderr, "%s\n", fault.text);
		abort();
	}
}

struct host *host_start(const char *api_key)
{
	struct host *host = calloc(1, sizeof(*host));
	char urls[128];

	strcpy(host->folder, "/tmp/vfiod-rpc-XXXXXX");
	if (!mkdtemp(host->folder))
		abort();
	host->fake = fake_new();
	host->health = rpc_health_new(host->services);
	host->reflection = rpc_reflection_new();
	host->services[0] = fake_service(host->fake);
	host->services[1] = host->health;
	host->services[2] = host->reflection;
	snprintf(host->path, sizeof(host->path), "%s/s", host->folder);
	snprintf(host->ipc, sizeof(host->ipc), "ipc://%s", host->path);
	snprintf(urls, sizeof(urls), "%s,tcp://127.0.0.1:0", host->ipc);
	serve(host, urls, api_key);
	snprintf(host->tcp, sizeof(host->tcp), "%s", rpc_server_url(host->server, 1));
	return host;
}

void host_restart(struct host *host)
{
	rpc_server_free(host->server);
	serve(host, host->ipc, NULL);
}

void host_stop(struct host *host)
{
	rpc_server_free(host->server);
	fake_finish(host->fake);
	rpc_reflection_free(host->reflection);
	rpc_health_free(host->health);
	fake_free(host->fake);
	rmdir(host->folder);
	free(host);
}
