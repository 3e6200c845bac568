/* SPDX-License-Identifier: MIT */
/* Hostile bytes as an envelope, and its payload as every request there is. */
#include "rpc/nng/envelope.h"
#include "rpc/nng/wire.h"
#include "rpc/service/method.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t len)
{
	ProtobufCMessage *message;
	struct rpc_bytes packed;
	struct fault fault;

	if (rpc_wire_unpack(descriptor, bytes, len, &message, &fault) < 0)
		return;
	if (rpc_bytes_pack(message, &packed) == 0) {
		/* What was accepted and packed again is accepted again. */
		if (rpc_wire_check(descriptor, packed.data, packed.len, &fault) < 0)
			abort();
		rpc_bytes_free(&packed);
	}
	protobuf_c_message_free_unpacked(message, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	Rpc__V1__Request *request;
	Rpc__V1__Response *response;
	struct fault fault;

	for (size_t i = 0; i < rpc_method_count; i++) {
		unpack(rpc_method_input(&rpc_methods[i]), bytes, len);
		unpack(rpc_method_output(&rpc_methods[i]), bytes, len);
	}
	if (rpc_envelope_decode_response(bytes, len, &response, &fault) == 0)
		rpc__v1__response__free_unpacked(response, NULL);
	if (rpc_envelope_decode_request(bytes, len, &request, &fault) < 0)
		return 0;
	for (size_t i = 0; i < rpc_method_count; i++)
		unpack(rpc_method_input(&rpc_methods[i]), request->payload.data,
			request->payload.len);
	rpc__v1__request__free_unpacked(request, NULL);
	return 0;
}
