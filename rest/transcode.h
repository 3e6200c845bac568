/* SPDX-License-Identifier: MIT */
/*
 * JSON to protobuf-c messages and back, by descriptor.
 *
 * The mapping is proto3's canonical one, with two choices of ours: names go out as the .proto
 * spells them (snake_case; lowerCamelCase is taken too), and fields with their default value are
 * written, unless they are in a oneof. Maps are refused. No function here blocks; all are safe
 * from any thread.
 */
#pragma once

#include "core/base/fault.h"
#include "rest/json.h"

#include <protobuf-c/protobuf-c.h>

/* Deepest nesting of arrays and objects that is read or written. */
#define REST_DEPTH_MAX 32

/* Reads a JSON object as a message of the type. On success *ret is the caller's, freed with
 * protobuf_c_message_free_unpacked(*ret, NULL). Anything that is not exactly such an object, an
 * unknown or repeated name included, is -EINVAL with the fault naming the field, or line and
 * column. -ENOMEM when memory is short. */
int rest_transcode_read(const ProtobufCMessageDescriptor *type, const char *json, size_t len,
	ProtobufCMessage **ret, struct fault *fault);

/* Appends the message as JSON. 0; -EINVAL for a message that has a map or nests too deep, which
 * no answer of ours does; running out of memory shows in json->failed. */
int rest_transcode_write(struct rest_json *json, const ProtobufCMessage *message);

/* Appends one field of the message as JSON: what response_body names. As above; -EINVAL also when
 * there is no such field. */
int rest_transcode_write_field(
	struct rest_json *json, const ProtobufCMessage *message, const char *name);
