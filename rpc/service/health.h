/* SPDX-License-Identifier: MIT */
/* The service rpc.v1.Health: tells whether the server serves. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* A new service that answers for those of the array (NULL-terminated, borrowed, may hold the
 * service itself later on), SERVING from the start. NULL when memory is short. Its calls never
 * block and are done before the invocation returns. */
ProtobufCService *rpc_health_new(ProtobufCService *const *services);

/* Sets whether the server serves. Thread-safe. */
void rpc_health_set(ProtobufCService *health, bool serving);

/* Frees the service; NULL is fine. */
void rpc_health_free(ProtobufCService *health);
