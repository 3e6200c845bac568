/* SPDX-License-Identifier: MIT */
/* Runs one flood from this process, on one thread. */
#pragma once

#include "tests/contract/daemon.h"
#include "tests/floods/flood.h"

#include <signal.h>

/* Floods the server until *stop is set, or for so many seconds. Once all connections were made, or
 * tried for two seconds, writes a byte to ready_fd. No more than a hundred thousand connections
 * are ever made. */
void crowd_run(const struct flood *flood, const struct daemon *server, unsigned seconds,
	int ready_fd, const volatile sig_atomic_t *stop, struct flood_done *ret);
