/* SPDX-License-Identifier: MIT */
/* Options that descriptor.proto does not know. */
#include "tools/protoc-gen-vfiod/option.h"

#include <string.h>

static bool is_part(const ProtobufCMessageUnknownField *field, uint32_t number)
{
	return field->tag == number && field->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

/* The data of an unknown field begins with its own length. */
static size_t length_size(const ProtobufCMessageUnknownField *field)
{
	size_t size = 0;

	while (size < field->len && field->data[size] & 0x80)
		size++;
	return size < field->len ? size + 1 : size;
}

/* `option (x).a = 1; option (x).b = 2;` sends x twice; a message's encoding in two parts is the
 * parts, one after the other. Returns how many bytes there are; bytes may be NULL. */
static size_t option_gather(const ProtobufCMessage *options, uint32_t number, uint8_t *bytes)
{
	size_t size = 0;

	for (unsigned i = 0; i < options->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
		size_t skip = length_size(field);

		if (!is_part(field, number))
			continue;
		if (bytes)
			memcpy(bytes + size, field->data + skip, field->len - skip);
		size += field->len - skip;
	}
	return size;
}

static bool is_set(const ProtobufCMessage *options, uint32_t number)
{
	for (unsigned i = 0; options && i < options->n_unknown_fields; i++)
		if (is_part(&options->unknown_fields[i], number))
			return true;
	return false;
}

void *option_message(struct pool *pool, struct report *report, const struct source *place,
	const ProtobufCMessage *options, uint32_t number, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message;
	uint8_t *bytes;
	size_t size;

	if (!is_set(options, number))
		return NULL;
	size = option_gather(options, number, NULL);
	bytes = pool_alloc(pool, size);
	option_gather(options, number, bytes);
	message = protobuf_c_message_unpack(type, &pool->allocator, size, bytes);
	if (!message)
		report_at(report, place, "option %s does not decode as the type of that name",
			type->name);
	return message;
}
