// SPDX-License-Identifier: MIT
// Runs the tests of one daemon: "operations" (any caller is let in), "key" or "network".
import assert from "node:assert/strict";
import test from "node:test";
import { keyTests, networkTests } from "./access.js";
import { errorTests } from "./errors.js";
import { document, witness } from "./ground.js";
import { operationTests } from "./operations.js";
import { operationsOf } from "./witness.js";

/** What the types cannot know: that each test called the operation it is named after. */
async function everyOperationSucceeded(): Promise<void> {
	const succeeded = [...witness.answered].filter(([, statuses]) => statuses.has(200));
	const ids = succeeded.map(([id]) => id).toSorted();
	assert.deepEqual(ids, [...operationsOf(document).values()].toSorted());
}

const suites: Record<string, Record<string, () => Promise<void>>> = {
	operations: { ...operationTests, everyOperationSucceeded, ...errorTests },
	key: keyTests,
	network: networkTests,
};

const suite = suites[process.argv[2] ?? ""];
assert.ok(suite, `usage: main ${Object.keys(suites).join("|")}`);
for (const [name, run] of Object.entries(suite)) test(name, { timeout: 60_000 }, run);
