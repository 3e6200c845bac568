/* SPDX-License-Identifier: MIT */
/* Hexadecimal digits. */
#pragma once

/* The digit's value, or -1 for what is none. Any case. */
static inline int rest_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
