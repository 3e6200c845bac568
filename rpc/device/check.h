/* SPDX-License-Identifier: MIT */
/* The operations that check devices or the host. They may block until the call's deadline. */
#pragma once

#include "rpc/device/operation.h"

device_operation device_validate_devices;
device_operation device_get_host;
