/* SPDX-License-Identifier: MIT */
/* Answers: headers common to all, and bodies. */
#include "rest/reply.h"

#include "rest/answer.h"
#include "rest/flow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Above this, a body's memory goes with the answer instead of being copied. */
#define REPLY_COPY_MAX 16384

void rest_reply_header(h2o_req_t *req, const char *name, const char *value)
{
	h2o_add_header_by_str(
		&req->pool, &req->res.headers, name, strlen(name), 0, NULL, value, strlen(value));
}

h2o_iovec_t rest_reply_request_header(h2o_req_t *req, const char *name)
{
	ssize_t at = h2o_find_header_by_str(&req->headers, name, strlen(name), -1);
	h2o_iovec_t value = {NULL, 0};

	if (at >= 0)
		value = req->headers.entries[at].value;
	/* Blanks around a value are no part of it; h2o drops those before it only. */
	while (value.len > 0 &&
		(value.base[value.len - 1] == ' ' || value.base[value.len - 1] == '\t'))
		value.len--;
	return value;
}

/* An answer that depends on the origin says so to caches, whoever asked. */
static void reply_cors(h2o_req_t *req)
{
	const struct rest_access *access = rest_loop_of(req)->server->config.access;
	h2o_iovec_t origin;
	const char *allowed;

	if (!access->any_origin && access->origin_count == 0)
		return;
	rest_reply_header(req, "vary", "Origin");
	origin = rest_reply_request_header(req, "origin");
	allowed = origin.base ? rest_access_origin(access, origin.base, origin.len) : NULL;
	if (!allowed)
		return;
	rest_reply_header(req, "access-control-allow-origin", allowed);
	if (*allowed != '*')
		rest_reply_header(req, "access-control-allow-credentials", "true");
}

static void reply_send(h2o_req_t *req, int http_status, h2o_iovec_t body)
{
	static h2o_generator_t generator = {NULL, NULL};
	bool head = h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
	struct rest_connection *connection = rest_connection_of(req);

	req->res.status = http_status;
	req->res.reason = rest_answer_reason(http_status);
	if (body.base) {
		req->res.content_length = body.len;
		h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
			H2O_STRLIT("application/json"));
	}
	rest_reply_header(req, "x-content-type-options", "nosniff");
	reply_cors(req);
	if (rest_flow_is_last(connection) || req->conn->ctx->shutdown_requested)
		req->http1_is_persistent = 0;
	h2o_start_response(req, &generator);
	h2o_send(req, &body, body.base && !head ? 1 : 0, H2O_SEND_STATE_FINAL);
	rest_flow_answered(connection, req);
}

static void reply_no_store(h2o_req_t *req)
{
	h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL,
		H2O_STRLIT("no-store"));
}

static void reply_free_stolen(void *stolen)
{
	free(*(char **)stolen);
}

/* The body must live until it is written, which is as long as the request's pool. */
static h2o_iovec_t reply_keep(h2o_req_t *req, struct rest_json *body)
{
	h2o_iovec_t kept = {body->data, body->len};
	char **stolen;

	if (body->len <= REPLY_COPY_MAX) {
		kept = h2o_strdup(&req->pool, body->data, body->len);
		rest_json_reset(body);
		return kept;
	}
	stolen = h2o_mem_alloc_shared(&req->pool, sizeof(*stolen), reply_free_stolen);
	*stolen = body->data;
	*body = (struct rest_json){0};
	return kept;
}

void rest_reply_json(h2o_req_t *req, int http_status, struct rest_json *body)
{
	static const char exhausted[] =
		"{\"error\":\"out of memory\",\"code\":8,\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"out of memory\",\"details\":[]}";

	reply_no_store(req);
	if (body->failed) {
		rest_json_clear(body);
		reply_send(req, 429, h2o_iovec_init(exhausted, sizeof(exhausted) - 1));
		return;
	}
	reply_send(req, http_status, reply_keep(req, body));
}

void rest_reply_error(h2o_req_t *req, int http_status, enum rpc_code code, const char *fmt, ...)
{
	struct rest_json body = {0};
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	rest_answer_error(&body, code, message, NULL, NULL);
	rest_reply_json(req, http_status ? http_status : rest_answer_http_status(code), &body);
	rest_json_clear(&body);
}

void rest_reply_static(h2o_req_t *req, int http_status, const char *bytes, size_t len)
{
	reply_send(req, http_status, h2o_iovec_init(bytes, bytes ? len : 0));
}
