/* SPDX-License-Identifier: MIT */
/* Errors as a sentence. */
#include "rpc/service/text.h"

#include <stdarg.h>
#include <stdio.h>

int rpc_text_refuse(char error[RPC_TEXT_ERROR], int result, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, RPC_TEXT_ERROR, fmt, args);
	va_end(args);
	return result;
}
