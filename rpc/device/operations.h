/* SPDX-License-Identifier: MIT */
/* The operations of DeviceService: each parses its request, asks core, and calls done once. */
#pragma once

#include "rpc/device/convert.h"
#include "rpc/device/service.h"

typedef void (*device_operation)(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *request, ProtobufCClosure done);

/* These never block. */
void device_list_devices(
	const struct device_env *, struct rpc_call *, const ProtobufCMessage *, ProtobufCClosure);
void device_get_device_info(
	const struct device_env *, struct rpc_call *, const ProtobufCMessage *, ProtobufCClosure);
void device_check_iommu_groups(
	const struct device_env *, struct rpc_call *, const ProtobufCMessage *, ProtobufCClosure);
void device_get_group_paths(
	const struct device_env *, struct rpc_call *, const ProtobufCMessage *, ProtobufCClosure);

/* These may, until the call's deadline and a little longer. */
void device_validate_devices(
	const struct device_env *, struct rpc_call *, const ProtobufCMessage *, ProtobufCClosure);
void device_bind_devices(
	const struct device_env *, struct rpc_call *, const ProtobufCMessage *, ProtobufCClosure);
void device_unbind_devices(
	const struct device_env *, struct rpc_call *, const ProtobufCMessage *, ProtobufCClosure);
void device_get_host(
	const struct device_env *, struct rpc_call *, const ProtobufCMessage *, ProtobufCClosure);

/* Answers with the error, or with the message unless the arena ran out of memory. */
void device_answer(struct rpc_call *call, ProtobufCClosure done, const struct core_error *err,
	const struct arena *arena, const ProtobufCMessage *message);
