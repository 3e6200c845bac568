/* SPDX-License-Identifier: MIT */
/* Failures over HTTP. */
#include "rest/answer.h"

#include "rest/transcode.h"

#include <string.h>

static const int answer_http[] = {
	[RPC_OK] = 200,
	[RPC_CANCELLED] = 499,
	[RPC_UNKNOWN] = 500,
	[RPC_INVALID_ARGUMENT] = 400,
	[RPC_DEADLINE_EXCEEDED] = 504,
	[RPC_NOT_FOUND] = 404,
	[RPC_ALREADY_EXISTS] = 409,
	[RPC_PERMISSION_DENIED] = 403,
	[RPC_RESOURCE_EXHAUSTED] = 429,
	[RPC_FAILED_PRECONDITION] = 400,
	[RPC_ABORTED] = 409,
	[RPC_OUT_OF_RANGE] = 400,
	[RPC_UNIMPLEMENTED] = 501,
	[RPC_INTERNAL] = 500,
	[RPC_UNAVAILABLE] = 503,
	[RPC_DATA_LOSS] = 500,
	[RPC_UNAUTHENTICATED] = 401,
};

static const struct {
	int status;
	const char *reason;
} answer_reasons[] = {
	{200, "OK"},
	{204, "No Content"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{417, "Expectation Failed"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{499, "Client Closed Request"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
};

int rest_answer_http_status(int code)
{
	if (code < 0 || (size_t)code >= sizeof(answer_http) / sizeof(answer_http[0]))
		return 500;
	return answer_http[code];
}

const char *rest_answer_reason(int http_status)
{
	for (size_t i = 0; i < sizeof(answer_reasons) / sizeof(answer_reasons[0]); i++)
		if (answer_reasons[i].status == http_status)
			return answer_reasons[i].reason;
	return "Error";
}

static const ProtobufCMessageDescriptor *answer_type(
	const ProtobufCMessageDescriptor *const *types, const char *url)
{
	const char *slash = strrchr(url, '/');
	const char *name = slash ? slash + 1 : url;

	for (; types && *types; types++)
		if (strcmp((*types)->name, name) == 0)
			return *types;
	return NULL;
}

static void answer_opaque(struct rest_json *json, const char *url)
{
	rest_json_literal(json, "{\"@type\":");
	rest_json_string(json, url, strlen(url));
	rest_json_literal(json, "}");
}

static void answer_detail(struct rest_json *json, const Google__Protobuf__Any *any,
	const ProtobufCMessageDescriptor *const *types)
{
	const ProtobufCMessageDescriptor *type = answer_type(types, any->type_url);
	ProtobufCMessage *message = NULL;
	size_t start = json->len;

	if (type)
		message = protobuf_c_message_unpack(type, NULL, any->value.len, any->value.data);
	if (!message || rest_transcode_write(json, message) < 0) {
		json->len = start;
		answer_opaque(json, any->type_url);
	}
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}

void rest_answer_error(struct rest_json *json, int code, const char *message,
	const Rpc__V1__Status *details, const ProtobufCMessageDescriptor *const *types)
{
	const char *name = rpc_code_name(code);
	size_t len = strlen(message);

	rest_json_literal(json, "{\"error\":");
	rest_json_string(json, message, len);
	rest_json_literal(json, ",\"code\":");
	rest_json_signed(json, code);
	rest_json_literal(json, ",\"status\":");
	rest_json_string(json, name, strlen(name));
	rest_json_literal(json, ",\"message\":");
	rest_json_string(json, message, len);
	rest_json_literal(json, ",\"details\":[");
	for (size_t i = 0; details && i < details->n_details; i++) {
		if (i > 0)
			rest_json_literal(json, ",");
		answer_detail(json, details->details[i], types);
	}
	rest_json_literal(json, "]}");
}
