/* SPDX-License-Identifier: MIT */
/* /proc/PID: what a process has open. */
#pragma once

#include "tools/simhost/view/kind.h"

/* The folders of processes. */
void list_processes(const struct scene *s, struct listing *out);
bool find_process(const struct scene *s, const char *name, struct node *ret);
