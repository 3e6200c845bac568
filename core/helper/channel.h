/* SPDX-License-Identifier: MIT */
/* Messages between main and the privileged helper. The helper trusts nothing that it receives. */
#pragma once

#include "core/helper/service.h"

enum helper_got { HELPER_GOT_COMMAND, HELPER_GOT_NOTHING, HELPER_GOT_END };

/* The channel by which the command must come. */
enum helper_way helper_way_of(uint32_t op);

/* Whether the command's child can be killed without leaving anything half done. */
bool helper_only_reads(uint32_t op);

/* Takes one message, without waiting. HELPER_GOT_COMMAND: the caller closes ret->reply_fd.
 * HELPER_GOT_NOTHING: the message was no valid command, and nothing of it is left open.
 * HELPER_GOT_END: main is gone. */
enum helper_got helper_receive(
	const struct helper_service *service, enum helper_way way, struct helper_command *ret);

/* Whether main has closed a channel, or the sender of a command its end of the reply. */
bool helper_has_hung_up(int fd);

/* Sends the answer, in as many messages as the holders need. Waits two seconds at most for a slow
 * reader; an answer that was cut off lacks its last message. */
void helper_answer(int reply_fd, struct helper_reply *reply, const struct holders *holders);

/* Answers with errno alone, without waiting. */
void helper_answer_error(int reply_fd, int error);
