/* SPDX-License-Identifier: MIT */
/* Text in memory, and text as C. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* open_memstream, ending the process when memory is short. The caller closes the stream and frees
 * *text. */
FILE *output_open(char **text, size_t *size);

/* Writes text as C string literals, each on a line of its own. */
void output_literal(FILE *stream, const char *text, size_t size);

/* Writes bytes as the elements of an array's initializer. */
void output_bytes(FILE *stream, const uint8_t *bytes, size_t size);
