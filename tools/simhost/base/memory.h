/* SPDX-License-Identifier: MIT */
/*
 * Memory that is there. A host that runs out of memory half way through a change would be one that
 * no kernel shows; the simulated host ends instead, saying so.
 *
 * This folder has what all of simhost uses and includes no other of it, only core/.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* Zeroed memory, never NULL; free() frees it. */
void *memory_new(size_t size);

/* A copy of the text, never NULL unless text is; free() frees it. */
char *memory_copy(const char *text);

/* Puts a copy of the text in place of the one that is there. */
void memory_replace(char **place, const char *text);

/* Makes room for one more element in an array that holds count of them and grows by doubling: call
 * it before each append. Returns the array, perhaps moved. */
void *memory_room(void *array, size_t count, size_t element);

/* A stream into memory, never NULL: once it is closed, *text has len bytes and a NUL. free() frees
 * it. */
FILE *memory_stream(char **text, size_t *len);

/* A text made as by printf; free() frees it. */
__attribute__((format(printf, 1, 2))) char *memory_print(const char *format, ...);
