/* SPDX-License-Identifier: MIT */
/* The table of methods, generated from proto/ by tools/protoc-gen-vfiod. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* One RPC. All pointers have static storage. */
struct rpc_method {
	const char *name;			   /* "vfio.v1.DeviceService/BindDevices" */
	const ProtobufCServiceDescriptor *service; /* the service it belongs to */
	unsigned index;				   /* its place in service->methods */
	bool changes; /* not NO_SIDE_EFFECTS: needs the right to change devices, waits longer */
};

/* Every method of every service in proto/, sorted by name (strcmp). */
extern const struct rpc_method rpc_methods[];
extern const size_t rpc_method_count;

/* The encoded google.protobuf.FileDescriptorSet of proto/, imports before importers, without
 * source info. */
extern const unsigned char rpc_descriptor_set[];
extern const size_t rpc_descriptor_set_size;

/* The method of that name, or NULL. Name need not be NUL-terminated. Never blocks. */
const struct rpc_method *rpc_method_find(const char *name, size_t len);

/* Descriptors of the method's request and response messages. */
const ProtobufCMessageDescriptor *rpc_method_input(const struct rpc_method *method);
const ProtobufCMessageDescriptor *rpc_method_output(const struct rpc_method *method);
