/* SPDX-License-Identifier: MIT */
/* The type of an operation of DeviceService, and what operations work on. */
#pragma once

#include "rpc/service/call.h"
#include "vfio/v1/event.pb-c.h"

struct host;

/* What the operations work on; all of it must outlive the service. */
struct device_env {
	struct host *host;

	/* Called for each device that was bound or given back, from the worker that did it, with
	 * type, device and drivers filled in. NULL: nobody wants to know. */
	void (*publish)(void *arg, Vfio__V1__Event *event);
	void *publish_arg;
};

/* Parses its request, asks core, and calls done once, before it returns. */
typedef void device_operation(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *request, ProtobufCClosure done);
