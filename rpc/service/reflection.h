/* SPDX-License-Identifier: MIT */
/* The service rpc.v1.Reflection: answers the descriptors of proto/. */
#pragma once

#include <protobuf-c/protobuf-c.h>

/* A new service that answers the descriptors of proto/. NULL when memory is short. Its calls never
 * block and are done before the invocation returns. */
ProtobufCService *rpc_reflection_new(void);

/* Frees the service; NULL is fine. */
void rpc_reflection_free(ProtobufCService *reflection);
