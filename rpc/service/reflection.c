/* SPDX-License-Identifier: MIT */
/* The service rpc.v1.Reflection: answers the descriptors of proto/. */
#include "rpc/service/reflection.h"

#include "rpc/service/call.h"

#include <stdlib.h>

struct reflection {
	Rpc__V1__Reflection_Service service; /* first: what callers hold */
	Google__Protobuf__FileDescriptorSet *set;
};

static void reflection_get_file_descriptor_set(Rpc__V1__Reflection_Service *service,
	const Rpc__V1__GetFileDescriptorSetRequest *request,
	Google__Protobuf__FileDescriptorSet_Closure done, void *closure_data)
{
	(void)request;
	done(((struct reflection *)service)->set, closure_data);
}

ProtobufCService *rpc_reflection_new(void)
{
	static const Rpc__V1__Reflection_Service service = RPC__V1__REFLECTION__INIT(reflection_);
	struct reflection *reflection = calloc(1, sizeof(*reflection));

	if (!reflection)
		return NULL;
	reflection->service = service;
	/* Options that descriptor.proto does not know stay, as unknown fields, and are packed. */
	reflection->set = google__protobuf__file_descriptor_set__unpack(
		NULL, rpc_descriptor_set_size, rpc_descriptor_set);
	if (!reflection->set) {
		free(reflection);
		return NULL;
	}
	return &reflection->service.base;
}

void rpc_reflection_free(ProtobufCService *reflection)
{
	if (!reflection)
		return;
	google__protobuf__file_descriptor_set__free_unpacked(
		((struct reflection *)reflection)->set, NULL);
	free(reflection);
}
