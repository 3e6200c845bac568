/* SPDX-License-Identifier: MIT */
/*
 * Checks protobuf bytes from outside against their descriptor, then unpacks them in bounds.
 *
 * protobuf-c's unpack recurses as deep as the bytes say, cuts strings at a NUL, does not look at
 * UTF-8, merges a repeated singular submessage wrongly and allocates up to 69 times the input.
 * The check walks the same bytes without allocating, so that what reaches unpack is harmless.
 */
#include "rpc/nng/wire.h"

#include "core/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WIRE_VARINT = 0,
	WIRE_64BIT = 1,
	WIRE_LENGTH = 2,
	WIRE_GROUP_START = 3,
	WIRE_GROUP_END = 4,
	WIRE_32BIT = 5,

	VARINT_MAX = 10,  /* bytes of a 64-bit varint */
	TAG_MAX = 5,	  /* bytes of a 32-bit varint */
	FIELDS_MAX = 128, /* fields of one message whose occurrences are counted */

	UNPACK_FACTOR = 64,
	UNPACK_BASE = 16384,
};

/* A message being read, and the place in the one around it. */
struct frame {
	const struct frame *outer;
	const ProtobufCMessageDescriptor *descriptor;
	const ProtobufCFieldDescriptor *field; /* being read; NULL while unknown or at a tag */
	unsigned number;		       /* its number */
	size_t index;			       /* which of a repeated field, from 0 */
	unsigned depth;
	const uint8_t *at;
	const uint8_t *end;
	struct fault *fault;
};

/* Writes "outer[2].inner" for the field being read and returns its length. */
static size_t path_write(const struct frame *frame, char *text, size_t size)
{
	size_t len = frame->outer ? path_write(frame->outer, text, size) : 0;
	const char *dot = len > 0 ? "." : "";
	int added;

	if (len >= size)
		return size;
	if (!frame->field && frame->number > 0)
		added = snprintf(text + len, size - len, "%sfield %u", dot, frame->number);
	else if (!frame->field)
		added = 0;
	else if (frame->field->label == PROTOBUF_C_LABEL_REPEATED)
		added = snprintf(
			text + len, size - len, "%s%s[%zu]", dot, frame->field->name, frame->index);
	else
		added = snprintf(text + len, size - len, "%s%s", dot, frame->field->name);
	return len + (size_t)added;
}

static int wire_refuse(const struct frame *frame, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int wire_refuse(const struct frame *frame, const char *fmt, ...)
{
	char path[sizeof(frame->fault->text) / 2] = "", reason[sizeof(path)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	if (path_write(frame, path, sizeof(path)) == 0)
		return fault_set(frame->fault, -EBADMSG, "%s", reason);
	return fault_set(frame->fault, -EBADMSG, "%s: %s", path, reason);
}

/* Reads a varint of at most max bytes. */
static int read_varint(struct frame *frame, unsigned max, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < max; i++) {
		if (frame->at == frame->end)
			return wire_refuse(frame, "the message ends within a number");
		value |= (uint64_t)(*frame->at & 0x7f) << (7 * i);
		if (!(*frame->at++ & 0x80)) {
			*ret_value = value;
			return 0;
		}
	}
	return wire_refuse(frame, "a number has more than %u bytes", max);
}

static int skip_bytes(struct frame *frame, uint64_t count)
{
	if (count > (uint64_t)(frame->end - frame->at))
		return wire_refuse(frame, "the message ends within a value");
	frame->at += count;
	return 0;
}

static unsigned wire_type_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return WIRE_32BIT;
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return WIRE_64BIT;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return WIRE_LENGTH;
	default:
		return WIRE_VARINT;
	}
}

/* Skips one value of a wire type that has no length in front. */
static int skip_scalar(struct frame *frame, unsigned wire_type)
{
	uint64_t ignored;

	switch (wire_type) {
	case WIRE_VARINT:
		return read_varint(frame, VARINT_MAX, &ignored);
	case WIRE_64BIT:
		return skip_bytes(frame, 8);
	case WIRE_32BIT:
		return skip_bytes(frame, 4);
	case WIRE_GROUP_START:
	case WIRE_GROUP_END:
		return wire_refuse(frame, "groups are not supported");
	default:
		return wire_refuse(frame, "%u is not a wire type", wire_type);
	}
}

static int check_packed(struct frame *frame, const uint8_t *end)
{
	unsigned wire_type = wire_type_of(frame->field->type);
	const uint8_t *outer_end = frame->end;
	int r = 0;

	frame->end = end;
	while (r == 0 && frame->at < end)
		r = skip_scalar(frame, wire_type);
	frame->end = outer_end;
	return r;
}

static int check_message(struct frame *frame);

/* Checks a value that has its length in front. */
static int check_length(struct frame *frame)
{
	const ProtobufCFieldDescriptor *field = frame->field;
	const uint8_t *value;
	uint64_t len = 0;
	int r = read_varint(frame, VARINT_MAX, &len);

	if (r < 0)
		return r;
	value = frame->at;
	if (len > (uint64_t)(frame->end - value))
		return wire_refuse(frame, "the message ends within a value");
	if (field && wire_type_of(field->type) != WIRE_LENGTH)
		return check_packed(frame, value + len);
	if (field && field->type == PROTOBUF_C_TYPE_STRING && !text_valid(value, len))
		return wire_refuse(frame, "%s",
			memchr(value, '\0', len) ? "a string must not contain NUL"
						 : "a string must be valid UTF-8");
	if (field && field->type == PROTOBUF_C_TYPE_MESSAGE) {
		struct frame inner = {
			.outer = frame,
			.descriptor = field->descriptor,
			.depth = frame->depth + 1,
			.at = value,
			.end = value + len,
			.fault = frame->fault,
		};

		r = check_message(&inner);
	}
	frame->at = value + len;
	return r;
}

/* Whether protobuf-c would take a value of this wire type for the field. */
static bool wire_type_fits(const ProtobufCFieldDescriptor *field, unsigned wire_type)
{
	unsigned own = wire_type_of(field->type);

	if (wire_type == own)
		return true;
	return wire_type == WIRE_LENGTH && field->label == PROTOBUF_C_LABEL_REPEATED;
}

/* Notes one more occurrence of the field at frame->field. */
static int count_field(struct frame *frame, uint32_t counts[FIELDS_MAX])
{
	const ProtobufCFieldDescriptor *field = frame->field;
	size_t place = (size_t)(field - frame->descriptor->fields);

	if (place >= FIELDS_MAX)
		return wire_refuse(frame, "the message type has more than %d fields", FIELDS_MAX);
	frame->index = counts[place]++;
	if (frame->index > 0 && field->type == PROTOBUF_C_TYPE_MESSAGE &&
		field->label != PROTOBUF_C_LABEL_REPEATED)
		return wire_refuse(frame, "given more than once");
	return 0;
}

static int check_field(struct frame *frame, uint32_t counts[FIELDS_MAX])
{
	uint64_t tag = 0;
	unsigned wire_type;
	int r;

	frame->field = NULL;
	frame->number = 0;
	r = read_varint(frame, TAG_MAX, &tag);
	if (r < 0)
		return r;
	wire_type = tag & 7;
	if (tag >> 3 == 0 || tag > UINT32_MAX)
		return wire_refuse(
			frame, "%llu is not a field number", (unsigned long long)(tag >> 3));
	frame->number = (unsigned)(tag >> 3);
	frame->field = protobuf_c_message_descriptor_get_field(frame->descriptor, frame->number);
	if (frame->field) {
		r = count_field(frame, counts);
		if (r < 0)
			return r;
		if (!wire_type_fits(frame->field, wire_type))
			return wire_refuse(
				frame, "wire type %u is not that of the field", wire_type);
	}
	return wire_type == WIRE_LENGTH ? check_length(frame) : skip_scalar(frame, wire_type);
}

static int check_message(struct frame *frame)
{
	uint32_t counts[FIELDS_MAX] = {0};
	int r = 0;

	if (frame->depth > RPC_WIRE_MAX_DEPTH)
		return fault_set(frame->fault, -EBADMSG,
			"messages are nested more than %d levels deep", RPC_WIRE_MAX_DEPTH);
	while (r == 0 && frame->at < frame->end)
		r = check_field(frame, counts);
	return r;
}

int rpc_wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t len,
	struct fault *fault)
{
	static const uint8_t nothing[1];
	struct frame frame = {
		.descriptor = descriptor,
		.depth = 1,
		.at = len > 0 ? bytes : nothing,
		.fault = fault,
	};

	frame.end = frame.at + len;
	return check_message(&frame);
}

struct budget {
	size_t left;
	bool exceeded;
};

static void *budget_alloc(void *data, size_t size)
{
	struct budget *budget = data;

	if (size > budget->left) {
		budget->exceeded = true;
		return NULL;
	}
	budget->left -= size;
	return malloc(size);
}

static void budget_free(void *data, void *pointer)
{
	(void)data;
	free(pointer);
}

int rpc_wire_unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t len,
	ProtobufCMessage **ret_message, struct fault *fault)
{
	struct budget budget = {.left = len * UNPACK_FACTOR + UNPACK_BASE};
	ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};
	ProtobufCMessage *message;
	int r = rpc_wire_check(descriptor, bytes, len, fault);

	if (r < 0)
		return r;
	message = protobuf_c_message_unpack(descriptor, &allocator, len, bytes);
	if (!message && budget.exceeded)
		return fault_set(fault, -ENOMEM,
			"the message needs more than %d times its size in memory", UNPACK_FACTOR);
	if (!message)
		return fault_set(fault, -EBADMSG, "the bytes are not a %s", descriptor->name);
	*ret_message = message;
	return 0;
}
