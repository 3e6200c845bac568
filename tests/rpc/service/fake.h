/* SPDX-License-Identifier: MIT */
/* A DeviceService without devices, whose calls end when the test says so. */
#pragma once

#include "rpc/service/call.h"
#include "vfio/v1/device_service.pb-c.h"

/* What it answers depends on the (first) address of the request: "hold" waits for fake_finish,
 * "missing" is NOT_FOUND with a detail, "big" is an answer of several MB, "large" one of half of
 * one, anything else succeeds at once. A Device's class_name tells the how-manieth run it was. */
struct fake;

struct fake *fake_new(void);
void fake_free(struct fake *fake);
ProtobufCService *fake_service(struct fake *fake);

/* How many calls were started. */
unsigned fake_runs(struct fake *fake);

/* Blocks until at least n calls are held. */
void fake_wait_held(struct fake *fake, unsigned n);

/* Ends all held calls, on this thread. */
void fake_finish(struct fake *fake);
