/* SPDX-License-Identifier: MIT */
/* Encodes and decodes the envelope: rpc.v1.Request and rpc.v1.Response. */
#include "rpc/nng/envelope.h"

#include "core/base/util.h"
#include "rpc/nng/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rpc_bytes_free(struct rpc_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct rpc_bytes){0};
}

int rpc_bytes_copy(const uint8_t *data, size_t len, struct rpc_bytes *ret_bytes)
{
	uint8_t *copy = malloc(len + !len);

	if (!copy)
		return -ENOMEM;
	if (len > 0)
		memcpy(copy, data, len);
	*ret_bytes = (struct rpc_bytes){copy, len};
	return 0;
}

int rpc_bytes_pack(const ProtobufCMessage *message, struct rpc_bytes *ret_bytes)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = malloc(size + !size);

	if (!data)
		return -ENOMEM;
	*ret_bytes = (struct rpc_bytes){data, protobuf_c_message_pack(message, data)};
	return 0;
}

/* The packed structs only borrow: protobuf-c has no const strings. */
static char *envelope_borrow(const char *text)
{
	return (char *)(text ? text : "");
}

/* NULL without a key, and when memory is short. */
static char *envelope_bearer(const char *key)
{
	char *text;

	return key && asprintf(&text, "Bearer %s", key) >= 0 ? text : NULL;
}

int rpc_envelope_encode_request(const struct rpc_envelope *envelope,
	const ProtobufCMessage *message, struct rpc_bytes *ret_bytes)
{
	CLEANUP(rpc_bytes_free) struct rpc_bytes payload = {0};
	CLEANUP(free_cleanup) char *bearer = envelope_bearer(envelope->api_key);
	Rpc__V1__Request request = RPC__V1__REQUEST__INIT;
	Rpc__V1__Request__MetadataEntry key = RPC__V1__REQUEST__METADATA_ENTRY__INIT;
	Rpc__V1__Request__MetadataEntry *metadata[] = {&key};
	int r = rpc_bytes_pack(message, &payload);

	if (r < 0)
		return r;
	if (envelope->api_key && !bearer)
		return -ENOMEM;
	request.method = envelope_borrow(envelope->method);
	request.payload = (ProtobufCBinaryData){payload.len, payload.data};
	request.timeout_ms = envelope->timeout_ms;
	request.request_id = envelope_borrow(envelope->request_id);
	if (bearer) {
		key.key = envelope_borrow("authorization");
		key.value = bearer;
		request.metadata = metadata;
		request.n_metadata = 1;
	}
	return rpc_bytes_pack(&request.base, ret_bytes);
}

int rpc_envelope_decode_request(
	const uint8_t *bytes, size_t len, Rpc__V1__Request **ret_request, struct fault *fault)
{
	ProtobufCMessage *message;
	int r = rpc_wire_unpack(&rpc__v1__request__descriptor, bytes, len, &message, fault);

	if (r == 0)
		*ret_request = (Rpc__V1__Request *)message;
	return r;
}

int rpc_envelope_encode_response(const Rpc__V1__Status *status, const ProtobufCMessage *message,
	const char *request_id, struct rpc_bytes *ret_bytes)
{
	CLEANUP(rpc_bytes_free) struct rpc_bytes payload = {0};
	Rpc__V1__Status no_memory = RPC__V1__STATUS__INIT;
	Rpc__V1__Response response = RPC__V1__RESPONSE__INIT;
	Rpc__V1__Status failed;

	no_memory.code = RPC_RESOURCE_EXHAUSTED;
	no_memory.message = envelope_borrow("the server is out of memory");
	response.request_id = envelope_borrow(request_id);
	if (message) {
		if (rpc_bytes_pack(message, &payload) < 0)
			return -ENOMEM;
		response.payload = (ProtobufCBinaryData){payload.len, payload.data};
	} else {
		failed = status ? *status : no_memory;
		response.status = &failed;
	}
	return rpc_bytes_pack(&response.base, ret_bytes);
}

int rpc_envelope_decode_response(
	const uint8_t *bytes, size_t len, Rpc__V1__Response **ret_response, struct fault *fault)
{
	ProtobufCMessage *message;
	int r = rpc_wire_unpack(&rpc__v1__response__descriptor, bytes, len, &message, fault);

	if (r == 0)
		*ret_response = (Rpc__V1__Response *)message;
	return r;
}

const char *rpc_envelope_metadata(const Rpc__V1__Request *request, const char *key)
{
	for (size_t i = request->n_metadata; i > 0; i--) {
		if (strcmp(request->metadata[i - 1]->key, key) == 0)
			return request->metadata[i - 1]->value;
	}
	return NULL;
}
