/* SPDX-License-Identifier: MIT */
/*
 * DeviceService over core: messages in, calls of core, messages out.
 *
 * ListDevices, GetDeviceInfo, CheckIommuGroups and GetGroupPaths only read attributes that never
 * block and answer on the caller's thread, before the invocation returns. Everything else may block
 * (it asks the privileged helper, or the disk) and answers from a worker thread.
 */
#pragma once

#include "rpc/device/operation.h"

struct device_service;

/* A service over env. NULL when memory is short. */
struct device_service *device_service_new(const struct device_env *env);

/* What transports invoke. Lives as long as the service. */
ProtobufCService *device_service_base(struct device_service *service);

/* Takes no more work and waits until what is under way has ended, at most until deadline_ns
 * (CLOCK_MONOTONIC). True when all has. */
bool device_service_drain(struct device_service *service, int64_t deadline_ns);

/* Frees a drained service; NULL is fine. */
void device_service_free(struct device_service *service);
