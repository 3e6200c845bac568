/* SPDX-License-Identifier: MIT */
/* Routing, and requests as messages. */
#include "rest/handler.h"

#include "rest/exchange.h"
#include "rest/flow.h"
#include "rest/guard.h"
#include "rest/query.h"
#include "rest/reply.h"
#include "rest/transcode.h"

#include <errno.h>
#include <stdio.h>

static bool handler_is(h2o_iovec_t text, const char *literal)
{
	return h2o_memis(text.base, text.len, literal, strlen(literal));
}

static bool handler_is_get(h2o_req_t *req)
{
	return handler_is(req->input.method, "GET") || handler_is(req->input.method, "HEAD");
}

static int handler_compare(h2o_iovec_t path, const char *with)
{
	size_t len = strlen(with);
	int order = memcmp(path.base, with, path.len < len ? path.len : len);

	return order ? order : (path.len > len) - (path.len < len);
}

/* The first route of the path, or NULL; those of other verbs follow it. */
static const struct rest_route *handler_find_path(h2o_iovec_t path)
{
	size_t low = 0, high = rest_route_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (handler_compare(path, rest_routes[middle].path) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == rest_route_count || handler_compare(path, rest_routes[low].path) != 0)
		return NULL;
	return &rest_routes[low];
}

static bool handler_same_path(const struct rest_route *route, const struct rest_route *first)
{
	return route < rest_routes + rest_route_count && strcmp(route->path, first->path) == 0;
}

/* The route of the verb among those of the path; GET answers HEAD, h2o leaves out the body. */
static const struct rest_route *handler_find_verb(
	const struct rest_route *first, h2o_iovec_t method)
{
	for (const struct rest_route *route = first; handler_same_path(route, first); route++)
		if (handler_is(method, route->verb) ||
			(handler_is(method, "HEAD") && strcmp(route->verb, "GET") == 0))
			return route;
	return NULL;
}

/* The verbs of a path as Allow lists them; first NULL: one of the fixed paths. */
static const char *handler_verbs(h2o_req_t *req, const struct rest_route *first)
{
	size_t size = 96, len = 0;
	char *text = h2o_mem_alloc_pool(&req->pool, size);

	if (!first)
		return "GET, HEAD, OPTIONS";
	for (const struct rest_route *route = first; handler_same_path(route, first); route++) {
		bool get = strcmp(route->verb, "GET") == 0;

		len += (size_t)snprintf(
			text + len, size - len, "%s%s, ", route->verb, get ? ", HEAD" : "");
		if (len >= size)
			break;
	}
	if (len < size)
		snprintf(text + len, size - len, "OPTIONS");
	return text;
}

static void handler_wrong_method(h2o_req_t *req, const struct rest_route *first)
{
	const char *verbs = handler_verbs(req, first);

	if (handler_is(req->input.method, "OPTIONS")) {
		rest_guard_preflight(req, verbs);
		return;
	}
	rest_reply_header(req, "allow", verbs);
	rest_reply_error(req, 405, RPC_UNIMPLEMENTED,
		"method %.*s is not allowed here; allowed: %s",
		(int)(req->input.method.len < 32 ? req->input.method.len : 32),
		req->input.method.base, verbs);
}

static bool handler_is_json(h2o_req_t *req)
{
	ssize_t at = h2o_find_header(&req->headers, H2O_TOKEN_CONTENT_TYPE, -1);
	h2o_iovec_t type;
	const char *semicolon;

	if (at < 0)
		return false;
	type = req->headers.entries[at].value;
	semicolon = memchr(type.base, ';', type.len);
	if (semicolon)
		type.len = (size_t)(semicolon - type.base);
	while (type.len > 0 && (type.base[type.len - 1] == ' ' || type.base[type.len - 1] == '\t'))
		type.len--;
	return h2o_lcstris(type.base, type.len, H2O_STRLIT("application/json"));
}

static int handler_read_body(h2o_req_t *req, const struct rest_route *route, h2o_iovec_t query,
	ProtobufCMessage **ret, struct fault *fault)
{
	int r = rest_query_refuse(query.base, query.len, fault);

	if (r < 0)
		return r;
	return rest_transcode_read(
		rpc_method_input(route->method), req->entity.base, req->entity.len, ret, fault);
}

/* What a request will be answered with, once it is whole. */
struct handler_plan {
	const struct handler_page *page; /* or, where NULL: */
	const struct rest_route *route;
	h2o_iovec_t query;
};

static void handler_call(h2o_req_t *req, const struct rest_route *route, h2o_iovec_t query)
{
	struct fault fault;
	ProtobufCMessage *message = NULL;
	struct rpc_peer peer;
	int r;

	if (route->method->changes && !rest_guard_page(req)) {
		rest_guard_observe(req, route->method, RPC_PERMISSION_DENIED,
			"a page of another site asked for it");
		return;
	}
	if (route->has_body)
		r = handler_read_body(req, route, query, &message, &fault);
	else
		r = rest_query_read(
			rpc_method_input(route->method), query.base, query.len, &message, &fault);
	if (r < 0) {
		rest_reply_error(req, 0,
			r == -EINVAL ? RPC_INVALID_ARGUMENT : RPC_RESOURCE_EXHAUSTED, "%s",
			fault.text);
		return;
	}
	rest_guard_identify(req, route->method, &peer);
	rest_exchange_start(req, route, &peer, message);
}

static void handler_health(h2o_req_t *req)
{
	static const char healthy[] = "{\"status\":\"ok\"}";

	rest_reply_header(req, "cache-control", "no-store");
	rest_reply_static(req, 200, healthy, sizeof(healthy) - 1);
}

static void handler_openapi(h2o_req_t *req)
{
	const char *etag = rest_loop_of(req)->server->etag;
	h2o_iovec_t known = rest_reply_request_header(req, "if-none-match");

	rest_reply_header(req, "cache-control", "no-cache");
	rest_reply_header(req, "etag", etag);
	if (handler_is(known, etag))
		rest_reply_static(req, 304, NULL, 0);
	else
		rest_reply_static(req, 200, rest_openapi, rest_openapi_size);
}

/* The paths that are no operation. */
static const struct handler_page {
	const char *path;
	void (*answer)(h2o_req_t *req);
	bool open; /* needs no key */
} handler_pages[] = {
	{"/healthz", handler_health, true},
	{"/openapi", handler_openapi, false},
	{"/openapi.json", handler_openapi, false},
};

static const struct handler_page *handler_find_page(h2o_iovec_t path)
{
	for (size_t i = 0; i < sizeof(handler_pages) / sizeof(handler_pages[0]); i++)
		if (handler_is(path, handler_pages[i].path))
			return &handler_pages[i];
	return NULL;
}

static void handler_go_on(h2o_req_t *req, void *arg)
{
	const struct handler_plan *plan = arg;

	if (plan->page)
		plan->page->answer(req);
	else
		handler_call(req, plan->route, plan->query);
}

/* All that can be refused is by now, before a byte of the body is kept. */
static void handler_plan(h2o_req_t *req, const struct handler_page *page,
	const struct rest_route *route, h2o_iovec_t query)
{
	struct handler_plan *plan = h2o_mem_alloc_pool(&req->pool, sizeof(*plan));

	*plan = (struct handler_plan){page, route, query};
	rest_flow_when_whole(&(struct rest_whole){req, handler_go_on, plan, rest_reply_error});
}

static void handler_route(h2o_req_t *req, const struct rest_route *first, h2o_iovec_t query)
{
	const struct rest_route *route = handler_find_verb(first, req->input.method);

	if (!route)
		handler_wrong_method(req, first);
	else if (route->has_body && !handler_is_json(req))
		rest_reply_error(req, 415, RPC_INVALID_ARGUMENT,
			"the Content-Type must be application/json");
	else
		handler_plan(req, NULL, route, query);
}

/* A request was not let in. */
static void handler_observe(h2o_req_t *req, const struct rest_route *first)
{
	const struct rest_route *route = first ? handler_find_verb(first, req->input.method) : NULL;

	if (route)
		rest_guard_observe(req, route->method, RPC_UNAUTHENTICATED,
			"its Host, address or API key is not one that is let in");
}

static void handler_dispatch(h2o_req_t *req, h2o_iovec_t path, h2o_iovec_t query)
{
	const struct handler_page *page = handler_find_page(path);
	const struct rest_route *first = page ? NULL : handler_find_path(path);

	if (!rest_guard_admit(req, query, page && page->open)) {
		handler_observe(req, first);
		return;
	}
	if (page && handler_is_get(req))
		handler_plan(req, page, NULL, query);
	else if (page)
		handler_wrong_method(req, NULL);
	else if (first)
		handler_route(req, first, query);
	else
		rest_reply_error(req, 0, RPC_NOT_FOUND, "no such path");
}

/* On the path as sent, never on h2o's normalised one: what is not literally a route is none. */
static int handler_on_request(h2o_handler_t *self, h2o_req_t *req)
{
	h2o_iovec_t path = req->input.path, query = {NULL, 0};
	char *mark = memchr(path.base, '?', path.len);

	(void)self;
	if (path.len == 0 || path.base[0] != '/') {
		rest_reply_error(req, 400, RPC_INVALID_ARGUMENT,
			"the request target must be a path, as in /healthz");
		return 0;
	}
	if (mark) {
		query = h2o_iovec_init(mark + 1, path.len - (size_t)(mark - path.base) - 1);
		path.len = (size_t)(mark - path.base);
	}
	handler_dispatch(req, path, query);
	return 0;
}

void rest_handler_register(h2o_pathconf_t *path)
{
	h2o_handler_t *handler = h2o_create_handler(path, sizeof(*handler));

	handler->on_req = handler_on_request;
}
