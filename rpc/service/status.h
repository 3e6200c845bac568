/* SPDX-License-Identifier: MIT */
/* The status of a call: google.rpc.Code, its names, and Rpc__V1__Status as a heap object. */
#pragma once

#include "rpc/v1/rpc.pb-c.h"

#include <stdarg.h>

/* google.rpc.Code; the numbers are on the wire. */
enum rpc_code {
	RPC_OK = 0,
	RPC_CANCELLED = 1,
	RPC_UNKNOWN = 2,
	RPC_INVALID_ARGUMENT = 3,
	RPC_DEADLINE_EXCEEDED = 4,
	RPC_NOT_FOUND = 5,
	RPC_ALREADY_EXISTS = 6,
	RPC_PERMISSION_DENIED = 7,
	RPC_RESOURCE_EXHAUSTED = 8,
	RPC_FAILED_PRECONDITION = 9,
	RPC_ABORTED = 10,
	RPC_OUT_OF_RANGE = 11,
	RPC_UNIMPLEMENTED = 12,
	RPC_INTERNAL = 13,
	RPC_UNAVAILABLE = 14,
	RPC_DATA_LOSS = 15,
	RPC_UNAUTHENTICATED = 16,
};

/* "INVALID_ARGUMENT" and so on; "UNKNOWN" for a number that is no code. Static storage. */
const char *rpc_code_name(int code);

/* A new status with a formatted message. The caller frees it with rpc_status_free. NULL when
 * memory is short: an edge answers that as RESOURCE_EXHAUSTED. */
Rpc__V1__Status *rpc_status_new(enum rpc_code code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
Rpc__V1__Status *rpc_status_vnew(enum rpc_code code, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Packs message into an Any with type URL "type.googleapis.com/<full name>" and appends it to
 * status->details. The message stays the caller's. 0, or -ENOMEM with the status unchanged. */
int rpc_status_add_detail(Rpc__V1__Status *status, const ProtobufCMessage *message);

/* Frees a status and all it holds; NULL is fine. */
void rpc_status_free(Rpc__V1__Status *status);
