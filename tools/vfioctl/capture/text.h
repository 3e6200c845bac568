/* SPDX-License-Identifier: MIT */
/* Text of the host, made fit for a host file; and what reading it takes. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

/* Whether a host file can have the text as a name: letters, digits and few other signs. */
bool capture_is_name(const char *text);

/* Whether a host file can have it as a driver's name, in quotes if need be. */
bool capture_is_driver(const char *text);

/* Prints a driver's name, in quotes when it has to be. */
void capture_print_driver_name(struct capture *c, const char *name);

/* Whether it can stand between quotes. */
bool capture_is_text(const char *text);

/* The name for the file: the host's own, or one made of kind and number where that cannot be
 * written or holds a hardware address. */
void capture_label(
	const char *name, const char *kind, unsigned number, char out[static CAPTURE_NAME_SIZE]);

/* A comment of its own line. What is not printable ASCII becomes a question mark. */
void capture_note(struct capture *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A file below the root as a string; the caller frees it. NULL with errno set. */
char *capture_slurp(const struct capture *c, const char *path);

/* Takes the next line off *text into buf, cut to its size. False at the end, or when text is NULL.
 */
bool capture_line(const char **text, char *buf, size_t size);
