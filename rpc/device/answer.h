/* SPDX-License-Identifier: MIT */
/* Answers a call, and tells when its work has to give up waiting. */
#pragma once

#include "core/error.h"
#include "rpc/device/arena.h"
#include "rpc/service/call.h"

/* When the work of a call gives up (CLOCK_MONOTONIC, in ns): a little before its caller does, so
 * that the answer can still tell which device it waited for and who holds it. */
int64_t device_work_deadline(const struct rpc_call *call);

/* Answers with the error, or with the message unless the arena ran out of memory. */
void device_answer(struct rpc_call *call, ProtobufCClosure done, const struct core_error *err,
	const struct arena *arena, const ProtobufCMessage *message);
