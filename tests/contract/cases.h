/* SPDX-License-Identifier: MIT */
/*
 * The cases, read from files of JSON, and how one is run.
 *
 * A file is {"about", "variant", "defaults", "cases": [CASE]}; the variant names an entry of
 * variants.json, the way the daemon is started; a file without one starts a daemon per case. A
 * case is {"name", "spec"} and
 *   {"request": {…}, "rpc": {…}, "expect": {…}}   sent over REST, and over RPC where the file's
 *                            defaults or the case name a method ("rpc": false: not this one).
 *                            The message of the RPC is the request's body unless given; the answer
 *                            has to be the same unless "expect_rpc" is given. "request": false: RPC
 *                            alone.
 *   {"steps": [of such], "shared": true}   one after the other, over one connection
 *   {"start": {"args", "env"}, "expect": {"exit", "stderr"}}   a daemon that does not come up
 * What requests and expectations hold: face.h, match.h, bytes.h. "spec" says what is proved.
 */
#pragma once

#include "tests/contract/daemon.h"

/* One case, with the defaults merged in. */
struct contract_case {
	char name[200];	     /* "info: an absent device" */
	const char *variant; /* NULL: none */
	const char *program;
	struct daemon **daemon; /* the one of its variant */
	const json_t *json;
};

struct cases {
	json_t *variants;
	struct contract_case *items;
	size_t count;
	json_t *files; /* keeps what the items borrow */
};

/* Reads every file of the folder, in order of their names. False with why set. */
bool cases_load(const char *folder, struct cases *ret, struct why *why);
void cases_clear(struct cases *cases);

/* What the case expects: {"rest", "rpc"} for each of its steps. The caller lets go of it. */
json_t *case_expectations(const struct contract_case *c);

/* Runs the case and holds what comes back against such expectations. */
bool case_run(const struct contract_case *c, const json_t *expectations, struct why *why);
