/* SPDX-License-Identifier: MIT */
/* The daemon, called and waited for. */
#include "tools/vfioctl/session/remote.h"

#include "core/base/clock.h"
#include "rpc/nng/endpoint.h"
#include "rpc/nng/envelope.h"
#include "rpc/nng/wire.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS_PER_S 1000U
#define API_KEY_VARIABLE "VOLANT_API_KEY"

enum { PEM_MAX = 256 * 1024 };

struct remote {
	struct rpc_client *client;
	struct rpc_endpoint endpoint;
	unsigned timeout_s;
};

/* The texts of the TLS files; the client copies what it needs of them. */
struct pems {
	char *ca;
	char *cert;
	char *key;
};

static void pems_clear(struct pems *pems)
{
	if (pems->key)
		explicit_bzero(pems->key, strlen(pems->key));
	free(pems->ca);
	free(pems->cert);
	free(pems->key);
}

/* Reads a file as text into *ret; a NULL path leaves it alone. */
static int read_pem(const char *path, char **ret, struct fault *fault)
{
	FILE *file = path ? fopen(path, "re") : NULL;
	size_t len;

	if (!path)
		return 0;
	if (!file)
		return fault_set(fault, -errno, "cannot open %s: %m", path);
	*ret = calloc(1, PEM_MAX + 1);
	if (!*ret) {
		fclose(file);
		return fault_set(fault, -ENOMEM, "out of memory");
	}
	len = fread(*ret, 1, PEM_MAX + 1, file);
	(*ret)[PEM_MAX] = '\0';
	if (ferror(file) || len > PEM_MAX) {
		fclose(file);
		return fault_set(fault, -EINVAL, "cannot read %s: %s", path,
			len > PEM_MAX ? "it is too large for a PEM file" : "it is no file");
	}
	fclose(file);
	return 0;
}

/* The key, where it may travel: in clear text it stays on this machine. */
static const char *api_key(const struct rpc_endpoint *endpoint)
{
	const char *key = getenv(API_KEY_VARIABLE);

	if (!key || !key[0] || (endpoint->scheme == RPC_SCHEME_TCP && !endpoint->loopback))
		return NULL;
	return key;
}

static int open_client(struct remote *remote, const struct settings *settings, const char *url,
	struct fault *fault)
{
	__attribute__((cleanup(pems_clear))) struct pems pems = {0};
	struct rpc_client_options options = {.api_key = api_key(&remote->endpoint)};
	int r = read_pem(settings->tls_authority, &pems.ca, fault);

	if (r == 0)
		r = read_pem(settings->tls_certificate, &pems.cert, fault);
	if (r == 0)
		r = read_pem(settings->tls_key, &pems.key, fault);
	if (r < 0)
		return r;
	options.tls =
		(struct rpc_tls){.certificate = pems.cert, .key = pems.key, .authority = pems.ca};
	return rpc_client_open(url, &options, &remote->client, fault);
}

int remote_open(const struct settings *settings, struct remote **ret_remote, struct fault *fault)
{
	struct remote *remote = calloc(1, sizeof(*remote));
	char buffer[SETTINGS_URL_SIZE];
	const char *url = settings_url(settings, buffer);
	int r;

	if (!remote)
		return fault_set(fault, -ENOMEM, "out of memory");
	remote->timeout_s = settings->timeout_s;
	r = rpc_endpoint_parse(url, &remote->endpoint, fault);
	if (r == 0)
		r = open_client(remote, settings, url, fault);
	if (r < 0) {
		remote_close(remote);
		return r;
	}
	*ret_remote = remote;
	return 0;
}

/* A call that somebody waits for. */
struct waiter {
	struct rpc_call call; /* first: what the service gets */
	sem_t done;
	ProtobufCMessage *answer;
};

/* A copy of a message that is gone when `done` returns; NULL when memory is short. */
static ProtobufCMessage *message_copy(const ProtobufCMessage *message)
{
	struct rpc_bytes bytes;
	ProtobufCMessage *copy;

	if (rpc_bytes_pack(message, &bytes) < 0)
		return NULL;
	copy = protobuf_c_message_unpack(message->descriptor, NULL, bytes.len, bytes.data);
	rpc_bytes_free(&bytes);
	return copy;
}

static void on_done(const ProtobufCMessage *message, void *closure_data)
{
	struct waiter *waiter = closure_data;

	if (message)
		waiter->answer = message_copy(message);
	sem_post(&waiter->done);
}

static int64_t deadline(const struct remote *remote, const struct rpc_method *method)
{
	int64_t timeout_ms = remote->timeout_s ? remote->timeout_s * (int64_t)MS_PER_S
					       : rpc_method_default_timeout_ms(method);

	return now_ns() + timeout_ms * NS_PER_MS;
}

ProtobufCMessage *remote_call(struct remote *remote, const char *method_name,
	const ProtobufCMessage *request, Rpc__V1__Status **ret_status)
{
	const struct rpc_method *method = rpc_method_find(method_name, strlen(method_name));
	ProtobufCService *service =
		method ? rpc_client_service(remote->client, method->service) : NULL;
	struct waiter waiter = {.call = {.method = method}};

	if (!service) {
		*ret_status = NULL;
		return NULL;
	}
	/* Whether we may is the daemon's to say. */
	waiter.call.peer.may_change = RPC_MAY;
	waiter.call.deadline_ns = deadline(remote, method);
	sem_init(&waiter.done, 0, 0);
	rpc_invoke(service, &waiter.call, request, on_done);
	while (sem_wait(&waiter.done) < 0 && errno == EINTR)
		;
	sem_destroy(&waiter.done);
	*ret_status = waiter.call.status;
	return waiter.answer;
}

bool remote_unreachable(const struct remote *remote, const Rpc__V1__Status *status)
{
	const struct rpc_endpoint *endpoint = &remote->endpoint;

	if (!status)
		return false;
	if (status->code == RPC_UNAVAILABLE)
		return true;
	/* The daemon refuses with the same code as a socket that is not ours to open. */
	return status->code == RPC_PERMISSION_DENIED && endpoint->scheme == RPC_SCHEME_IPC &&
	       access(endpoint->path, W_OK) < 0;
}

void remote_close(struct remote *remote)
{
	if (!remote)
		return;
	rpc_client_close(remote->client);
	free(remote);
}
