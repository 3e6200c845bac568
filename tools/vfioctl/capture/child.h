/* SPDX-License-Identifier: MIT */
/* Reading what may block, in a process that can be left behind. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Runs work in a child that shares arg, which is memory of capture_share. It has silence_ms between
 * one byte written to beat and the next, and to its end. False when it was silent for longer: it is
 * killed, and left behind if the kernel does not let it die; or when it cannot be started. */
bool capture_in_child(void (*work)(void *arg, int beat), void *arg, int silence_ms);

/* Zeroed memory that children share; NULL when there is none. */
void *capture_share(size_t size);
void capture_unshare(void *memory, size_t size);
