/* SPDX-License-Identifier: MIT */
/* The thread of an event loop. Internal to rest/. */
#pragma once

#include "rest/loop.h"

/* Gets a loop ready to start: its own fd of the listening socket. A negative errno. */
int rest_serve_prepare(struct rest_loop *loop, struct rest_server *server);

/* The thread: serves until told to stop, then until the last connection has gone. */
void *rest_serve_main(void *data);
