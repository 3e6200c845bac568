/* SPDX-License-Identifier: MIT */
/*
 * Whether an answer is what a case expects.
 *
 * A value expects its equal; an array expects as many elements, each in its place; an object
 * expects its members and lets others be, for answers may grow. An object with $-names is a
 * condition (all of them hold):
 *   {"$matches": ERE}      a string the expression finds a match in
 *   {"$contains": [TEXTS]} a string that has each of them in it
 *   {"$type": NAME}        "string", "integer", "boolean", "array" or "object"
 *   {"$length": N}         so many elements, members or bytes
 *   {"$each": X}           every element is X (and there is one)
 *   {"$some": X}           an element is X
 *   {"$keys": [NAMES]}     an object whose first members have these names, in this order
 *   {"$exact": X}          equal, without any other member
 *   {"$has": X}            X, for use beside other conditions
 *   {"$absent": true}      the member is not there
 */
#pragma once

#include "tests/contract/why.h"

#include <jansson.h>

/* path names the place for the sentence in why. */
bool match(const json_t *want, const json_t *got, const char *path, struct why *why);
