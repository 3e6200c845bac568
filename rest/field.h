/* SPDX-License-Identifier: MIT */
/* The fields of a protobuf-c message, by descriptor. Internal to rest/. */
#pragma once

#include "core/base/fault.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* Where in the request a value stands, for messages. Lives on the callers' stacks. */
struct rest_path {
	const struct rest_path *up; /* NULL at the top */
	const char *name;	    /* as the client spelled it */
	long index;		    /* of an element, or -1 */
};

/* Writes "groups[2].devices" into text, cut to size; an empty string for NULL. Returns text. */
const char *rest_path_text(const struct rest_path *path, char *text, size_t size);

/* The field a client calls by its own or its lowerCamelCase name, or NULL. */
const ProtobufCFieldDescriptor *rest_field_find(
	const ProtobufCMessageDescriptor *type, const char *name);

/* Writes the field's lowerCamelCase name, cut to size. Returns text. */
const char *rest_field_camel(const ProtobufCFieldDescriptor *field, char *text, size_t size);

bool rest_field_is_repeated(const ProtobufCFieldDescriptor *field);
bool rest_field_in_oneof(const ProtobufCFieldDescriptor *field);

/* Whether the field is a map: protobuf-c shows one as a repeated message of key and value. */
bool rest_field_is_map(const ProtobufCFieldDescriptor *field);

/* Size of one value of the field's type in its message. */
size_t rest_field_size(const ProtobufCFieldDescriptor *field);

/* The number of elements of a repeated field. */
size_t *rest_field_count(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message);

/* Where a singular field's value stands. */
void *rest_field_slot(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message);

/* Notes that a singular field has a value, where the message keeps such a note. */
void rest_field_mark(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message);

/* Whether another member of the field's oneof has a value already. */
bool rest_field_oneof_taken(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message);

/* Parses text strictly as one value of the field's type, not a message, into slot. Strings and
 * bytes are allocated with malloc, as protobuf_c_message_free_unpacked wants it. text is
 * NUL-terminated, valid UTF-8 and has no other NUL. 0, -EINVAL with the fault set, or -ENOMEM. */
int rest_field_parse(const ProtobufCFieldDescriptor *field, const char *text, size_t len,
	void *slot, const struct rest_path *path, struct fault *fault);

/* Stores a whole number if the field's integer type can hold it; value is a sign and an amount. */
bool rest_field_store_integer(
	const ProtobufCFieldDescriptor *field, bool negative, uint64_t amount, void *slot);

/* Stores a number in a float or double field; false when a float cannot hold it. */
bool rest_field_store_real(const ProtobufCFieldDescriptor *field, double value, void *slot);

/* What the client should have sent: "string", "boolean", "integer", … */
const char *rest_field_wants(const ProtobufCFieldDescriptor *field);
