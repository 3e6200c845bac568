/* SPDX-License-Identifier: MIT */
/*
 * The lingering end of a connection.
 *
 * h2o closes a connection with bytes unread after an early answer (a body too long), and the kernel
 * then resets it, which can destroy the answer before the client has read it. So a second
 * descriptor keeps the socket for a moment, while what still comes is dropped.
 */
#pragma once

#include "rest/connection.h"

/* Has the socket linger when h2o closes it. */
void rest_linger_wanted(struct rest_connection *connection);

/* Starts it, once h2o has closed its own descriptor. */
void rest_linger_start(struct rest_connection *connection);
