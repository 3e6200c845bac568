/* SPDX-License-Identifier: MIT */
/* One who listens to vfiod's events. */
#pragma once

#include "vfio/v1/event.pb-c.h"

struct ear;

/* Subscribes to all events published at the URL; nng connects by itself, again and again. */
struct ear *ear_open(const char *url);

/* Waits for an event of that type about that device, passing over others. NULL: none came in time.
 * The caller frees it with vfio__v1__event__free_unpacked. */
Vfio__V1__Event *ear_wait(struct ear *ear, const char *type, const char *address, int ms);

/* NULL is fine. */
void ear_close(struct ear *ear);
