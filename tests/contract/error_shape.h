/* SPDX-License-Identifier: MIT */
/* The one shape of every error. */
#pragma once

#include "tests/contract/why.h"

#include <jansson.h>

/* The number of a google.rpc.Code by its name, -1 for no such name; *ret_http is its canonical HTTP
 * status. */
int error_shape_code(const char *name, int *ret_http);

/* Whether the body is an error of exactly that shape and what the case expects of it: {"code":
 * NAME, "text": WHAT, "details": WHAT}. */
bool error_shape_check(const json_t *body, const json_t *want, struct why *why);
