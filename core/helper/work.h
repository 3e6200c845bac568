/* SPDX-License-Identifier: MIT */
/* What a child of the privileged helper does with its command. */
#pragma once

#include "core/helper/service.h"

/* Takes the command's lock (*ret_lock; -1 when it needs none) and checks the command. 0: the child
 * may write. Else the errno of the refusal, whose reason is in *reply. */
int helper_begin(const struct helper_service *service, const struct helper_command *command,
	int *ret_lock, struct helper_reply *reply);

/* Runs the command, gives the lock back and answers. May block without limit. */
void helper_finish(
	const struct helper_service *service, const struct helper_command *command, int lock);
