/* SPDX-License-Identifier: MIT */
/* The cases as tests: against a vfiod that is started for them, or a server that runs already. */
#pragma once

#include "tests/contract/cases.h"

/* Against what, and how. */
struct suite {
	const char *program; /* the vfiod to start; NULL: one that runs already, which is: */
	const char *rest, *rpc, *host; /* as daemon_attach takes them */
	const char *variant;	       /* how it was started: an entry of variants.json */
	const char *fresh;	       /* a command that makes server and host fresh; NULL: none */
	bool extras;		       /* hold it to what vfiod adds to the contract, too */
	bool mutants; /* each value that a case expects is made wrong in turn, and has to be noticed
		       */
};

/* Runs all cases and says on the standard output which were left out, and why. The number of those
 * that failed. */
int suite_run(const struct suite *suite, struct cases *cases);
