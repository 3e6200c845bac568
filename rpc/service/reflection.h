/* SPDX-License-Identifier: MIT */
/* rpc.v1.Reflection: the server describes itself. */
#pragma once

#include <protobuf-c/protobuf-c.h>

/* A new service that answers the descriptors of proto/. NULL when memory is short. Its calls never
 * block and are done before the invocation returns. */
ProtobufCService *rpc_reflection_new(void);

/* Frees the service; NULL is fine. */
void rpc_reflection_free(ProtobufCService *reflection);
