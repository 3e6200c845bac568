/* SPDX-License-Identifier: MIT */
/* The daemon, called and waited for. */
#pragma once

#include "rpc/nng/client.h"
#include "tools/vfioctl/session/settings.h"

struct remote;

/* Makes ready to call the daemon that the settings name; connects at the first call. Reads the
 * files the settings name. 0, or a negative errno with a sentence in fault. */
int remote_open(const struct settings *settings, struct remote **ret_remote, struct fault *fault);

/* Calls a method ("vfio.v1.DeviceService/GetHost") and waits for its answer, which the caller frees
 * with protobuf_c_message_free_unpacked(message, NULL). NULL: the call failed as *ret_status tells,
 * which the caller frees with rpc_status_free and which is NULL when memory is short. Blocks for
 * as long as the settings say. */
ProtobufCMessage *remote_call(struct remote *remote, const char *method,
	const ProtobufCMessage *request, Rpc__V1__Status **ret_status);

/* Whether a call that failed like this never came to a daemon that serves. */
bool remote_unreachable(const struct remote *remote, const Rpc__V1__Status *status);

/* Closes and frees; NULL is fine. */
void remote_close(struct remote *remote);
