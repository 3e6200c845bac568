/* SPDX-License-Identifier: MIT */
/* Applying rest/access.h to a request. Internal to rest/; all on the loop's thread. */
#pragma once

#include "rpc/service/call.h"

#include <h2o.h>
#include <stdbool.h>

/* Judges Host, address and key, in this order, and answers for itself: false means the request
 * has its answer. open: no key is needed. A CORS preflight needs none either. */
bool rest_guard_admit(h2o_req_t *req, h2o_iovec_t query, bool open);

/* Judges, for a change, the page that a browser says it comes from: by Origin, else by
 * Sec-Fetch-Site; what has neither comes from no page. Answers for itself: false means so. */
bool rest_guard_page(h2o_req_t *req);

/* Answers OPTIONS: the verbs of the path, and what a browser's preflight asks for. */
void rest_guard_preflight(h2o_req_t *req, const char *verbs);

/* Tells the service who calls: after rest_guard_admit, so a configured key was presented. */
void rest_guard_identify(
	h2o_req_t *req, const struct rpc_method *method, struct rpc_peer *ret_peer);

/* Tells the observer of a change that is refused, before its body is read: whose and why. */
void rest_guard_observe(
	h2o_req_t *req, const struct rpc_method *method, enum rpc_code code, const char *why);
