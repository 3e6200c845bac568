/* SPDX-License-Identifier: MIT */
/*
 * The steps of a case that are the host's, paths being below its folder:
 *   {"control": LINE | [LINES]}        commands of the simulated host, which must succeed
 *   {"write": PATH, "text": TEXT}      what another tool, or the kernel's user, would write
 *   {"file": PATH, "is": X}            what is in a file, without its last newline
 *   {"link": PATH, "is": X}            the last component of where a link leads
 *   {"exists": PATH, "is": true | false}
 *   {"file" | "link" | "exists", "is", "wait": true}   waits a while for it to become so
 * A file or link that is not there is {"$absent": true}.
 */
#pragma once

#include "tests/contract/tape.h"
#include "tests/contract/why.h"

/* Whether the step is the host's. */
bool host_step_is(const json_t *step);

/* Runs the step below root and holds what is there against want; in a replay root may be NULL. */
bool host_step_run(const char *root, struct tape *tape, const json_t *step, const json_t *want,
	struct why *why);
