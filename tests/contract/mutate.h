/* SPDX-License-Identifier: MIT */
/*
 * Expectations made wrong, to see that a case notices.
 *
 * An expectation that no answer can fail proves nothing, so each of its values is altered in turn
 * and the case has to fail every time.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* A copy of the expectation with its value number n altered, or NULL when it has no more than n.
 * *ret_path, of size bytes, says which. The caller lets go of the copy. */
json_t *mutate(const json_t *expect, size_t n, char *ret_path, size_t size);
