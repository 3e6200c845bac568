/* SPDX-License-Identifier: MIT */
/*
 * JSON into every request message and back. The first byte picks the type. What is read must be
 * writable, and what is written must read back as the same text.
 */
#include "google/protobuf/descriptor.pb-c.h"
#include "rest/query.h"
#include "rest/transcode.h"
#include "rpc/service/method.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *pick(uint8_t which)
{
	/* Beside the requests, messages with every kind of field. */
	static const ProtobufCMessageDescriptor *const more[] = {
		&google__protobuf__uninterpreted_option__descriptor,
		&google__protobuf__file_options__descriptor,
		&google__protobuf__field_descriptor_proto__descriptor,
	};
	size_t extra = sizeof(more) / sizeof(more[0]);
	size_t index = which % (2 * rpc_method_count + extra);

	if (index < extra)
		return more[index];
	index -= extra;
	if (index < rpc_method_count)
		return rpc_method_input(&rpc_methods[index]);
	return rpc_method_output(&rpc_methods[index - rpc_method_count]);
}

static void write_and_read_back(const ProtobufCMessageDescriptor *type, ProtobufCMessage *message)
{
	struct rest_json first = {0}, second = {0};
	struct fault fault;
	ProtobufCMessage *again = NULL;

	if (rest_transcode_write(&first, message) == 0) {
		if (rest_transcode_read(type, first.data, first.len, &again, &fault) != 0)
			abort();
		if (rest_transcode_write(&second, again) != 0 || first.len != second.len ||
			memcmp(first.data, second.data, first.len) != 0)
			abort();
		protobuf_c_message_free_unpacked(again, NULL);
	}
	rest_json_clear(&first);
	rest_json_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *type;
	ProtobufCMessage *message = NULL;
	struct fault fault;

	if (size < 1)
		return 0;
	type = pick(data[0]);
	if (rest_transcode_read(type, (const char *)data + 1, size - 1, &message, &fault) == 0) {
		write_and_read_back(type, message);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	if (rest_query_read(type, (const char *)data + 1, size - 1, &message, &fault) == 0)
		protobuf_c_message_free_unpacked(message, NULL);
	free(rest_query_key((const char *)data + 1, size - 1));
	return 0;
}
