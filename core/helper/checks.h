/* SPDX-License-Identifier: MIT */
/* What the privileged helper refuses, whatever main asks for (docs/safety.md has the table). */
#pragma once

#include "core/helper/service.h"

/* Checks the command against what the helper itself reads. To be called with the device's lock
 * held. 0, or the errno of the refusal, whose reason is in *reply. */
int helper_judge(const struct helper_service *service, const struct helper_request *request,
	struct helper_reply *reply);

/* Why no node may get this owner and mode: a sentence to follow what failed; static storage. NULL
 * when one may. */
const char *helper_node_refusal(
	const struct helper_client *client, const struct node_access *access);
