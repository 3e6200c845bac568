/* SPDX-License-Identifier: MIT */
/* Answers to what is no request, or never became one, without h2o. */
#pragma once

#include "rest/connection.h"
#include "rpc/service/status.h"

/* Sends the error shape as the connection's last answer, and ends it then. */
void rest_refusal_send(
	struct rest_connection *connection, int http_status, enum rpc_code code, const char *why);
