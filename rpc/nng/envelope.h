/* SPDX-License-Identifier: MIT */
/* Encodes and decodes the envelope: rpc.v1.Request and rpc.v1.Response. */
#pragma once

#include "core/base/fault.h"
#include "rpc/service/status.h"
#include "rpc/v1/rpc.pb-c.h"

/* The most bytes of an encoded Request that a server decodes (docs/rpc.md, "Limits"). */
#define RPC_REQUEST_MAX ((size_t)256 * 1024)

/* Bytes on the heap, owned by whoever holds the struct. All zero: none. */
struct rpc_bytes {
	uint8_t *data;
	size_t len;
};

/* Frees the bytes and leaves none. */
void rpc_bytes_free(struct rpc_bytes *bytes);

/* Copies len bytes. 0 or -ENOMEM. */
int rpc_bytes_copy(const uint8_t *data, size_t len, struct rpc_bytes *ret_bytes);

/* Packs a message. 0 or -ENOMEM. */
int rpc_bytes_pack(const ProtobufCMessage *message, struct rpc_bytes *ret_bytes);

/* What a client puts around a request message. Strings are borrowed; NULL stands for empty. */
struct rpc_envelope {
	const char *method;
	uint32_t timeout_ms;
	const char *request_id;
	const char *api_key; /* NULL: none; otherwise sent as "authorization: Bearer KEY" */
};

/* The bytes of a Request. The caller frees them. 0 or -ENOMEM. */
int rpc_envelope_encode_request(const struct rpc_envelope *envelope,
	const ProtobufCMessage *message, struct rpc_bytes *ret_bytes);

/* A Request from bytes of any origin. The caller frees it with rpc__v1__request__free_unpacked.
 * 0, -EBADMSG or -ENOMEM with a sentence in fault. */
int rpc_envelope_decode_request(
	const uint8_t *bytes, size_t len, Rpc__V1__Request **ret_request, struct fault *fault);

/* The bytes of a Response: of the message when there is one, of the status otherwise (NULL: memory
 * was short). request_id may be NULL. The caller frees them. 0 or -ENOMEM. */
int rpc_envelope_encode_response(const Rpc__V1__Status *status, const ProtobufCMessage *message,
	const char *request_id, struct rpc_bytes *ret_bytes);

/* A Response from bytes of any origin. The caller frees it with rpc__v1__response__free_unpacked.
 * 0, -EBADMSG or -ENOMEM with a sentence in fault. */
int rpc_envelope_decode_response(
	const uint8_t *bytes, size_t len, Rpc__V1__Response **ret_response, struct fault *fault);

/* The value of a metadata key (lower-case), the last one if it is repeated; NULL: absent. */
const char *rpc_envelope_metadata(const Rpc__V1__Request *request, const char *key);
