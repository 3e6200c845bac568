/* SPDX-License-Identifier: MIT */
/* The operations that change devices. They may block until a little after the call's deadline. */
#pragma once

#include "rpc/device/operation.h"

device_operation device_bind_devices;
device_operation device_unbind_devices;
