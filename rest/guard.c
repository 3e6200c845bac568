/* SPDX-License-Identifier: MIT */
/* Letting requests in. */
#include "rest/guard.h"

#include "core/base/secret.h"
#include "rest/access.h"
#include "rest/connection.h"
#include "rest/origin.h"
#include "rest/query.h"
#include "rest/reply.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static const struct rest_access *guard_access(h2o_req_t *req)
{
	return rest_loop_of(req)->server->config.access;
}

/* All X-Forwarded-For headers as the one list they stand for. */
static h2o_iovec_t guard_forwarded(h2o_req_t *req)
{
	h2o_iovec_t list = {NULL, 0};
	ssize_t at = -1;

	while ((at = h2o_find_header(&req->headers, H2O_TOKEN_X_FORWARDED_FOR, at)) >= 0) {
		h2o_iovec_t value = req->headers.entries[at].value;

		list = list.base ? h2o_concat(&req->pool, list, h2o_iovec_init(",", 1), value)
				 : value;
	}
	return list;
}

static void guard_client(h2o_req_t *req, struct rest_address *ret)
{
	const struct rest_access *access = guard_access(req);
	struct rest_connection *connection = rest_connection_of(req);
	h2o_iovec_t forwarded = {NULL, 0};

	rest_connection_know_peer(connection);
	if (access->proxies.count > 0)
		forwarded = guard_forwarded(req);
	rest_access_client(access, &connection->address, forwarded.base, forwarded.len, ret);
}

static bool guard_address(h2o_req_t *req)
{
	const struct rest_access *access = guard_access(req);
	struct rest_address client;

	if (access->allowed.count == 0)
		return true;
	guard_client(req, &client);
	return rest_access_allows(access, &client);
}

static bool guard_key(h2o_req_t *req, h2o_iovec_t query)
{
	const struct rest_access *access = guard_access(req);
	h2o_iovec_t header = rest_reply_request_header(req, "x-volant-api-key");
	const char *token = NULL;
	size_t len = 0;
	bool fits;
	char *key;

	if (access->key_len == 0)
		return true;
	if (header.base)
		return rest_access_key_fits(access, header.base, header.len);
	header = rest_reply_request_header(req, "authorization");
	if (header.base)
		token = secret_bearer(header.base, header.len, &len);
	if (token)
		return rest_access_key_fits(access, token, len);
	if (access->no_query_key)
		return false;
	key = rest_query_key(query.base, query.len);
	fits = rest_access_key_fits(access, key, key ? strlen(key) : 0);
	free(key);
	return fits;
}

static bool guard_is_preflight(h2o_req_t *req)
{
	return h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("OPTIONS")) &&
	       rest_reply_request_header(req, "origin").base &&
	       rest_reply_request_header(req, "access-control-request-method").base;
}

bool rest_guard_admit(h2o_req_t *req, h2o_iovec_t query, bool open)
{
	bool loopback = rest_loop_of(req)->server->config.loopback;
	h2o_iovec_t host = req->input.authority;

	if (loopback && !rest_access_host_is_loopback(host.base, host.len)) {
		rest_reply_error(req, 0, RPC_PERMISSION_DENIED,
			"the Host header must name a loopback host, such as localhost");
		return false;
	}
	if (!guard_address(req)) {
		rest_reply_error(req, 0, RPC_PERMISSION_DENIED, "access denied");
		return false;
	}
	if (!open && !guard_is_preflight(req) && !guard_key(req, query)) {
		rest_reply_header(req, "www-authenticate", "Bearer");
		rest_reply_error(req, 0, RPC_UNAUTHENTICATED, "invalid api key");
		return false;
	}
	return true;
}

void rest_guard_preflight(h2o_req_t *req, const char *verbs)
{
	h2o_iovec_t origin = rest_reply_request_header(req, "origin");

	rest_reply_header(req, "allow", verbs);
	if (guard_is_preflight(req) &&
		rest_access_origin(guard_access(req), origin.base, origin.len)) {
		rest_reply_header(req, "access-control-allow-methods", verbs);
		rest_reply_header(req, "access-control-allow-headers",
			"Content-Type, Authorization, X-Volant-API-Key");
		rest_reply_header(req, "access-control-max-age", "600");
	}
	rest_reply_static(req, 204, NULL, 0);
}

/* "203.0.113.9 via 127.0.0.1:40312" behind a proxy, else the peer alone. */
static void guard_describe(h2o_req_t *req, char *text, size_t size)
{
	struct rest_connection *connection = rest_connection_of(req);
	struct rest_address client;
	char host[INET6_ADDRSTRLEN] = "unknown";

	rest_connection_know_peer(connection);
	if (guard_access(req)->proxies.count == 0) {
		snprintf(text, size, "%s", connection->text);
		return;
	}
	guard_client(req, &client);
	if (memcmp(&client, &connection->address, sizeof(client)) == 0) {
		snprintf(text, size, "%s", connection->text);
		return;
	}
	if (client.family != AF_UNSPEC)
		inet_ntop(client.family, client.bytes, host, sizeof(host));
	snprintf(text, size, "%s via %s", host, connection->text);
}

static bool guard_peer_is_proxy(h2o_req_t *req)
{
	struct rest_connection *connection = rest_connection_of(req);

	rest_connection_know_peer(connection);
	return rest_cidrs_match(&guard_access(req)->proxies, &connection->address);
}

/* How often a request has the header. */
static unsigned guard_count(h2o_req_t *req, const char *name)
{
	ssize_t at = -1;
	unsigned n = 0;

	while ((at = h2o_find_header_by_str(&req->headers, name, strlen(name), at)) >= 0)
		n++;
	return n;
}

/* The page is vfiod's own: its origin is where the request was sent to, or where a trusted proxy
 * says that its client had sent it. */
static bool guard_is_own_page(h2o_req_t *req, h2o_iovec_t origin)
{
	h2o_iovec_t authority = req->input.authority, scheme = h2o_iovec_init(H2O_STRLIT("http"));

	if (guard_peer_is_proxy(req)) {
		unsigned hosts = guard_count(req, "x-forwarded-host");

		if (hosts > 1 || guard_count(req, "x-forwarded-proto") > 1)
			return false;
		if (hosts == 1)
			authority = rest_reply_request_header(req, "x-forwarded-host");
		scheme = rest_reply_request_header(req, "x-forwarded-proto");
	}
	return rest_origin_is(origin.base, origin.len,
		scheme.base ? h2o_strdup(&req->pool, scheme.base, scheme.len).base : NULL,
		authority.base, authority.len);
}

/* Older browsers do not tell a page's site, and send an Origin with every POST. */
static bool guard_site(h2o_req_t *req)
{
	h2o_iovec_t site = rest_reply_request_header(req, "sec-fetch-site");
	unsigned sites = guard_count(req, "sec-fetch-site");

	if (sites == 0 || (sites == 1 && !rest_origin_is_foreign_site(site.base, site.len)))
		return true;
	rest_reply_error(
		req, 0, RPC_PERMISSION_DENIED, "a page of another site may not change devices");
	return false;
}

bool rest_guard_page(h2o_req_t *req)
{
	h2o_iovec_t origin = rest_reply_request_header(req, "origin");
	unsigned origins = guard_count(req, "origin");

	if (origins == 0)
		return guard_site(req);
	if (origins > 1) {
		rest_reply_error(req, 0, RPC_PERMISSION_DENIED,
			"the request has more than one Origin header");
		return false;
	}
	if (guard_is_own_page(req, origin) ||
		rest_origin_may_change(guard_access(req), origin.base, origin.len))
		return true;
	rest_reply_error(req, 0, RPC_PERMISSION_DENIED,
		"pages of origin \"%.*s\" may not change devices; those of an origin named in VOLANT_CORS_ORIGINS may",
		(int)(origin.len < 100 ? origin.len : 100), origin.base);
	return false;
}

/* Whoever made the request is not at the other end of the connection, but somebody who passes it
 * on. Of a relay that says nothing it cannot be told. */
static bool guard_is_relayed(h2o_req_t *req)
{
	static const char *const tokens[] = {"x-forwarded-for", "x-forwarded-host",
		"x-forwarded-proto", "x-real-ip", "forwarded", "via"};

	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		if (guard_count(req, tokens[i]) > 0)
			return true;
	return guard_peer_is_proxy(req);
}

/* The peer is the owner of the socket at the other end, while that is there. */
static void guard_owner(h2o_req_t *req, struct rpc_peer *peer)
{
	const struct rest_connection *connection = rest_connection_of(req);
	size_t len = strlen(peer->text);

	if (guard_is_relayed(req)) {
		peer->why_not =
			"who passes on the request of somebody else, as its headers or --trusted-proxies say: over a proxy, changes need the API key";
		return;
	}
	if (!connection->owner.known) {
		peer->why_not =
			"of whose connection the kernel named no owner when it was accepted: the other end was closed, or there is no tcp_diag";
		return;
	}
	snprintf(peer->text + len, sizeof(peer->text) - len, " uid %u", connection->owner.uid);
	if (rest_connection_is_open(connection))
		rpc_peer_set_user(peer, connection->owner.uid, (gid_t)-1,
			rest_loop_of(req)->server->config.rights);
	else
		peer->why_not =
			"who has closed or half closed the connection, and must keep it open in both directions until the answer";
}

void rest_guard_identify(h2o_req_t *req, const struct rpc_method *method, struct rpc_peer *ret_peer)
{
	const struct rest_config *config = &rest_loop_of(req)->server->config;

	*ret_peer = (struct rpc_peer){0};
	guard_describe(req, ret_peer->text, sizeof(ret_peer->text));
	if (!method->changes)
		return;
	ret_peer->has_key = config->access->key_len > 0;
	if (ret_peer->has_key || config->anyone_may_change)
		ret_peer->may_change = RPC_MAY;
	else if (config->ask_owner)
		guard_owner(req, ret_peer);
}

void rest_guard_observe(
	h2o_req_t *req, const struct rpc_method *method, enum rpc_code code, const char *why)
{
	struct rpc_peer peer = {0};

	if (!method->changes)
		return;
	guard_describe(req, peer.text, sizeof(peer.text));
	rpc_observe_refusal(rest_loop_of(req)->server->config.observer, method, &peer, code, why);
}
