/* SPDX-License-Identifier: MIT */
/* Why something failed, as a sentence for a person. */
#include "core/base/fault.h"

#include <stdarg.h>
#include <stdio.h>

int fault_set(struct fault *fault, int result, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, args);
	va_end(args);
	return result;
}
