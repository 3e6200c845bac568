/* SPDX-License-Identifier: MIT */
/* The body of the request under way. */
#pragma once

#include "rest/connection.h"

/* Makes what has come of it the first connection->body bytes of the inbox, without its framing. A
 * request without a body is DONE. */
enum rest_chunked rest_body_take(struct rest_connection *connection);
