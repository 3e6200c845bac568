/* SPDX-License-Identifier: MIT */
/* Sending answers by h2o. Internal to rest/; all on the loop's thread. */
#pragma once

#include "rest/json.h"
#include "rpc/service/status.h"

#include <h2o.h>

/* Sends JSON. Afterwards body is empty: its memory is either still there, for another use, or has
 * gone with the answer. One that ran out of memory is answered RESOURCE_EXHAUSTED instead. */
void rest_reply_json(h2o_req_t *req, int http_status, struct rest_json *body);

/* Sends the error shape, without details, under an HTTP status of its own or (0) the code's. */
void rest_reply_error(h2o_req_t *req, int http_status, enum rpc_code code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Sends bytes with static storage as application/json; NULL for an answer without a body (204,
 * 304). Cache-Control is the caller's. */
void rest_reply_static(h2o_req_t *req, int http_status, const char *bytes, size_t len);

/* Adds a response header; name and value must live as long as the request or be static. */
void rest_reply_header(h2o_req_t *req, const char *name, const char *value);

/* The value of a request header, the first of that lower-case name, or an empty one with base
 * NULL. */
h2o_iovec_t rest_reply_request_header(h2o_req_t *req, const char *name);
