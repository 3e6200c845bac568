/* SPDX-License-Identifier: MIT */
/* Errors as a sentence. */
#pragma once

/* Room for one sentence that says what is wrong. */
#define RPC_TEXT_ERROR 320

/* Writes a formatted sentence to error and returns result, so that a failure is one statement. */
int rpc_text_refuse(char error[RPC_TEXT_ERROR], int result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
