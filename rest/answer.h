/* SPDX-License-Identifier: MIT */
/* What a failure looks like over HTTP: its status line and body (docs/operations.md, "Errors"). */
#pragma once

#include "rest/json.h"
#include "rpc/service/status.h"

/* HTTP status of a google.rpc.Code, by the canonical mapping; 500 for a number that is no code. */
int rest_answer_http_status(int code);

/* Reason phrase of the HTTP statuses that rest/ answers; "Error" for another. Static storage. */
const char *rest_answer_reason(int http_status);

/* Appends the one error shape, {"error","code","status","message","details"}. details may be
 * NULL: none; otherwise each of its Anys is unpacked by the type of that name among types
 * (NULL-terminated; NULL: none) and written flat; one of an unknown type shows as
 * {"@type": URL}. Whether memory sufficed shows in json->failed. */
void rest_answer_error(struct rest_json *json, int code, const char *message,
	const Rpc__V1__Status *details, const ProtobufCMessageDescriptor *const *types);
