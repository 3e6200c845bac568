/* SPDX-License-Identifier: MIT */
/* Why something was refused or failed, for people and for programs. */
#pragma once

#include "rpc/service/status.h"
#include "vfio/v1/problem.pb-c.h"

#include <stdbool.h>
#include <stdio.h>

/* Writes one device's problem: its reason, the sentence unless it was said already, what to do
 * and who holds the device. said may be NULL. */
void problem_print(
	FILE *out, bool colour, const Vfio__V1__DeviceProblem *problem, const char *said);

/* Writes a failed call as a sentence after the name, and a problem for each detail that is one.
 * status NULL: memory was short. */
void problem_print_status(FILE *out, bool colour, const char *name, const Rpc__V1__Status *status);

/* Writes a failed call as one line of JSON, in the shape of the REST interface. 0 or -ENOMEM. */
int problem_print_json(FILE *out, const Rpc__V1__Status *status);
