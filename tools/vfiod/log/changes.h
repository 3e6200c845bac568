/* SPDX-License-Identifier: MIT */
/* One line in the log for each change of devices and for each one that was refused. */
#pragma once

#include "rpc/service/call.h"

struct changes_log;

/* What the line needs to know of a user beyond the uid: writes the name, or "" when it is not
 * known yet. Must not block. */
struct changes_log_names {
	void (*name)(void *arg, uid_t uid, char *ret, size_t size);
	void *arg;
};

/* NULL when memory is short. names is copied. */
struct changes_log *changes_log_new(const struct changes_log_names *names);

/* The observer that writes the lines; borrowed. Refusals are limited for each caller; how many were
 * left out is said with the next one. */
const struct rpc_observer *changes_log_observer(struct changes_log *log);

/* Once no call is left; NULL is fine. */
void changes_log_free(struct changes_log *log);
