/* SPDX-License-Identifier: MIT */
/* Builds the status of a call, laid out as protobuf-c's unpack would have it. */
#include "rpc/service/status.h"

#include "core/base/array.h"
#include "core/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_URL_PREFIX "type.googleapis.com/"

static const char *const code_names[] = {
	[RPC_OK] = "OK",
	[RPC_CANCELLED] = "CANCELLED",
	[RPC_UNKNOWN] = "UNKNOWN",
	[RPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
	[RPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
	[RPC_NOT_FOUND] = "NOT_FOUND",
	[RPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
	[RPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
	[RPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
	[RPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
	[RPC_ABORTED] = "ABORTED",
	[RPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
	[RPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
	[RPC_INTERNAL] = "INTERNAL",
	[RPC_UNAVAILABLE] = "UNAVAILABLE",
	[RPC_DATA_LOSS] = "DATA_LOSS",
	[RPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
};

const char *rpc_code_name(int code)
{
	if (code < 0 || (size_t)code >= sizeof(code_names) / sizeof(code_names[0]))
		return code_names[RPC_UNKNOWN];
	return code_names[code];
}

Rpc__V1__Status *rpc_status_vnew(enum rpc_code code, const char *fmt, va_list args)
{
	Rpc__V1__Status *status = malloc(sizeof(*status));
	char *text = NULL;

	if (!status || vasprintf(&text, fmt, args) < 0) {
		free(status);
		return NULL;
	}
	text_clean(text);
	rpc__v1__status__init(status);
	status->code = code;
	status->message = text;
	return status;
}

Rpc__V1__Status *rpc_status_new(enum rpc_code code, const char *fmt, ...)
{
	Rpc__V1__Status *status;
	va_list args;

	va_start(args, fmt);
	status = rpc_status_vnew(code, fmt, args);
	va_end(args);
	return status;
}

/* Frees an Any that is all malloc's; half-built ones too. */
static void any_free(Google__Protobuf__Any *any)
{
	if (any)
		google__protobuf__any__free_unpacked(any, NULL);
}

static Google__Protobuf__Any *any_new(const ProtobufCMessage *message)
{
	Google__Protobuf__Any *any = malloc(sizeof(*any));
	size_t size = protobuf_c_message_get_packed_size(message);
	char *url = NULL;

	if (!any)
		return NULL;
	google__protobuf__any__init(any);
	if (asprintf(&url, TYPE_URL_PREFIX "%s", message->descriptor->name) < 0) {
		any_free(any);
		return NULL;
	}
	any->type_url = url;
	any->value.data = malloc(size + !size);
	if (!any->value.data) {
		any_free(any);
		return NULL;
	}
	any->value.len = protobuf_c_message_pack(message, any->value.data);
	return any;
}

int rpc_status_add_detail(Rpc__V1__Status *status, const ProtobufCMessage *message)
{
	Google__Protobuf__Any *any = any_new(message);
	Google__Protobuf__Any **added;

	if (!any)
		return -ENOMEM;
	added = ARRAY_ADD(status->details, status->n_details);
	if (!added) {
		any_free(any);
		return -ENOMEM;
	}
	*added = any;
	return 0;
}

void rpc_status_free(Rpc__V1__Status *status)
{
	if (status)
		rpc__v1__status__free_unpacked(status, NULL);
}
