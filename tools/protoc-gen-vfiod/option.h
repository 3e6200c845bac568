/* SPDX-License-Identifier: MIT */
/* Options that descriptor.proto does not know: they arrive as unknown fields. */
#pragma once

#include "tools/protoc-gen-vfiod/pool.h"
#include "tools/protoc-gen-vfiod/report.h"

/* The extension of that number, unpacked as type into the pool. NULL when options (which may be
 * NULL) lack it, or when it does not decode, which is reported at place. */
void *option_message(struct pool *pool, struct report *report, const struct source *place,
	const ProtobufCMessage *options, uint32_t number, const ProtobufCMessageDescriptor *type);
