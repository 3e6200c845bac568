/* SPDX-License-Identifier: MIT */
/* Why a case failed. */
#include "tests/contract/why.h"

#include <stdarg.h>
#include <stdio.h>

bool why_not(struct why *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return false;
}
