/* SPDX-License-Identifier: MIT */
/* What of a case's expectations is the contract, and what vfiod adds to it. */
#pragma once

#include "tests/contract/cases.h"

/* Takes from the expectations what is vfiod's own: members of an answer that operations.json does
 * not name, the words of errors whose text is not fixed, what it says beside reason and device. */
void contract_only(const json_t *operations, const struct contract_case *c, json_t *expectations);
