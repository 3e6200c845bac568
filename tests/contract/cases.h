/* SPDX-License-Identifier: MIT */
/*
 * The cases, read from files of JSON, and how one is run. docs/contract.md describes the files.
 *
 * A folder of cases has two files beside them: variants.json, the ways a daemon is started, and
 * operations.json, what the operations of the contract are called on either face and which members
 * their answers have.
 */
#pragma once

#include "tests/contract/daemon.h"
#include "tests/contract/tape.h"

enum { CASE_REST = 1, CASE_RPC = 2, CASE_BOTH = 3 };

/* One case, with the defaults merged in. One that wants a host of its own is there once for each
 * face, for the second would find the host as the first has left it. */
struct contract_case {
	char name[200];	     /* "info: an absent device" */
	const char *variant; /* NULL: none */
	unsigned faces;	     /* to ask by, where a step offers them */
	bool own_host;	     /* it changes the host, and wants a fresh daemon on a fresh one */
	const json_t *json;
};

struct cases {
	json_t *variants, *operations;
	struct contract_case *items;
	size_t count;
	json_t *files; /* keeps what the items borrow */
};

/* What a case is run against: a daemon, or what one has said. */
struct case_ground {
	const char *program;   /* for the cases that start their own daemon */
	struct daemon *daemon; /* NULL in a replay, and for those */
	struct tape *tape;     /* NULL: nothing is kept */
};

/* Reads every file of the folder, in order of their names. False with why set. */
bool cases_load(const char *folder, struct cases *ret, struct why *why);
void cases_clear(struct cases *cases);

/* What the case expects: {"rest", "rpc", "is", "meanwhile"} for each of its steps. The caller lets
 * go of it. */
json_t *case_expectations(const struct contract_case *c);

/* Whether a server that has these faces alone, on a host that can be reached or not, can be held
 * to it. */
bool case_can_run(const struct contract_case *c, unsigned faces, bool host);

/* Runs the case and holds what comes back against such expectations. */
bool case_run(const struct contract_case *c, const struct case_ground *ground,
	const json_t *expectations, struct why *why);
