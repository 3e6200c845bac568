/* SPDX-License-Identifier: MIT */
/* Parses the URL of an RPC endpoint. */
#include "rpc/nng/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IPC_PREFIX "ipc://"
#define TCP_PREFIX "tcp://"
#define TLS_PREFIX "tls+tcp://"

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static int parse_path(const char *url, struct rpc_endpoint *endpoint, struct fault *fault)
{
	const char *path = url + strlen(IPC_PREFIX);

	if (path[0] != '/')
		return fault_set(fault, -EINVAL,
			"%s: the path of a socket must be absolute, as in ipc:///run/vfiod/rpc.sock",
			url);
	if (strlen(path) >= sizeof(endpoint->path))
		return fault_set(fault, -EINVAL,
			"%s: the path of a socket must be shorter than %zu bytes", url,
			sizeof(endpoint->path));
	snprintf(endpoint->path, sizeof(endpoint->path), "%s", path);
	snprintf(endpoint->url, sizeof(endpoint->url), IPC_PREFIX "%s", path);
	return 0;
}

static int parse_port(const char *text, uint16_t *ret_port)
{
	unsigned long port;
	char *end;

	if (text[0] < '0' || text[0] > '9' || strlen(text) > 5)
		return -EINVAL;
	port = strtoul(text, &end, 10);
	if (*end != '\0' || port > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

/* Parts "host:port" or "[v6]:port". */
static int split_authority(const char *authority, struct rpc_endpoint *endpoint)
{
	bool bracketed = authority[0] == '[';
	const char *host = authority + bracketed;
	const char *end = bracketed ? strchr(host, ']') : strrchr(host, ':');
	size_t len;

	if (!end || (bracketed && end[1] != ':'))
		return -EINVAL;
	len = (size_t)(end - host);
	if (len == 0 || len >= sizeof(endpoint->host) - 24)
		return -EINVAL;
	memcpy(endpoint->host, host, len);
	endpoint->host[len] = '\0';
	if (!bracketed && strchr(endpoint->host, ':'))
		return -EINVAL;
	return parse_port(end + 1 + bracketed, &endpoint->port);
}

static int parse_authority(
	const char *url, const char *prefix, struct rpc_endpoint *endpoint, struct fault *fault)
{
	const char *host = endpoint->host;
	bool v6;

	if (split_authority(url + strlen(prefix), endpoint) < 0)
		return fault_set(fault, -EINVAL,
			"%s: expected an address and a port, as in %s127.0.0.1:7443 or %s[::1]:7443",
			url, prefix, prefix);
	endpoint->loopback = is_loopback(host);
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	v6 = strchr(host, ':') != NULL;
	snprintf(endpoint->url, sizeof(endpoint->url), "%s%s%.230s%s:%u", prefix, v6 ? "[" : "",
		host, v6 ? "]" : "", endpoint->port);
	return 0;
}

int rpc_endpoint_parse(const char *url, struct rpc_endpoint *ret_endpoint, struct fault *fault)
{
	struct rpc_endpoint endpoint = {0};
	int r;

	if (starts_with(url, IPC_PREFIX)) {
		endpoint.scheme = RPC_SCHEME_IPC;
		r = parse_path(url, &endpoint, fault);
	} else if (starts_with(url, TCP_PREFIX)) {
		endpoint.scheme = RPC_SCHEME_TCP;
		r = parse_authority(url, TCP_PREFIX, &endpoint, fault);
	} else if (starts_with(url, TLS_PREFIX)) {
		endpoint.scheme = RPC_SCHEME_TLS;
		r = parse_authority(url, TLS_PREFIX, &endpoint, fault);
	} else {
		r = fault_set(fault, -EINVAL,
			"%s: an RPC URL starts with ipc://, tcp:// or tls+tcp://", url);
	}
	if (r == 0)
		*ret_endpoint = endpoint;
	return r;
}
