/* SPDX-License-Identifier: MIT */
/* Faults of input, as text. */
#include "core/base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int rest_fault_set(struct rest_fault *fault, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, args);
	va_end(args);
	return -EINVAL;
}
