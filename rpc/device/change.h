/* SPDX-License-Identifier: MIT */
/* Operations that change devices. They may block until the call's deadline and a little longer. */
#pragma once

#include "rpc/device/operation.h"

device_operation device_bind_devices;
device_operation device_unbind_devices;
