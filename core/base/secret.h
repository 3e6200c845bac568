/* SPDX-License-Identifier: MIT */
/* Secrets that callers present. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes given are the secret, in a time that depends on their length alone. */
bool secret_equal(const char *given, size_t len, const char *secret);

/* The token of an "Authorization: Bearer TOKEN" value, within value; NULL for another scheme. */
const char *secret_bearer(const char *value, size_t len, size_t *ret_len);
