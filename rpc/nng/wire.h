/* SPDX-License-Identifier: MIT */
/* Checks protobuf bytes from outside against their descriptor, then unpacks them in bounds
 * (docs/rpc.md, "What is not unpacked"). */
#pragma once

#include "core/base/fault.h"

#include <protobuf-c/protobuf-c.h>

/* Messages within messages, the outermost included. */
#define RPC_WIRE_MAX_DEPTH 32

/* Checks what protobuf-c's unpack does not: that the bytes are well-formed, nest at most
 * RPC_WIRE_MAX_DEPTH messages, give no singular submessage twice, carry known fields in their own
 * wire type, and that every string is UTF-8 without NUL. Unknown fields are skipped; groups, which
 * protobuf-c cannot skip, are refused. Pure. 0, or -EBADMSG with a sentence that names the field.
 */
int rpc_wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t len,
	struct fault *fault);

/* Checks, then unpacks with memory in proportion to len. The caller frees *ret_message with
 * protobuf_c_message_free_unpacked(message, NULL). 0, -EBADMSG, or -ENOMEM; a sentence in fault,
 * and *ret_message untouched, on failure. */
int rpc_wire_unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t len,
	ProtobufCMessage **ret_message, struct fault *fault);
