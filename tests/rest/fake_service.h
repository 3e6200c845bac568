/* SPDX-License-Identifier: MIT */
/*
 * A DeviceService without devices. GetDeviceInfo does as the address says:
 *   "missing"  fails NOT_FOUND with a detail
 *   "silent"   fails without a status
 *   "mute"     fails with details of a type nobody knows
 *   "peer"     answers who called, in `driver`
 *   "big"      answers a megabyte, in `driver`
 *   "thread"   answers from another thread at once
 *   "held"     answers from another thread once fake_release is called
 *   "stall"    the same, and lets nobody else on its thread come in until then
 *   "count"    answers the number of calls before it, in `driver`
 *   any other  answers it in `address`
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

ProtobufCService *fake_service(void);

/* Waits until a "held" or "stall" call has come in. */
void fake_wait_held(void);

/* Lets one of them go on, and waits until it is done. */
void fake_release(void);
