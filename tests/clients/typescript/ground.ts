// SPDX-License-Identifier: MIT
// What all tests stand on: the client, and the simulated host behind the daemon.
import assert from "node:assert/strict";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import createClient, { type Client, type ClientOptions } from "openapi-fetch";
import type { components, paths } from "./vfiod.js";
import { type Document, Witness } from "./witness.js";

export type Schemas = components["schemas"];
export type Vfiod = Client<paths>;

/** A variable that tests/clients/on-simhost, or the one who runs it, sets. */
export function environment(name: string): string {
	const value = process.env[name];
	if (!value) throw new Error(`${name} is not set`);
	return value;
}

const host = environment("VFIOD_HOST");

/** The document that the types were made of. */
export const document = JSON.parse(
	readFileSync(environment("VFIOD_OPENAPI"), "utf8"),
) as Document;

export const witness = new Witness(document);

export function connect(options: ClientOptions = {}): Vfiod {
	const client = createClient<paths>({ baseUrl: environment("VFIOD_HTTP"), ...options });
	client.use(witness.middleware);
	return client;
}

/** Runs a command of the simulated host. */
export function control(command: string): void {
	writeFileSync(join(host, "control"), command + "\n");
}

/** The driver that has a device, asked of the host and not of the daemon; empty for none. */
export function driverOf(address: string): string {
	try {
		return basename(readlinkSync(join(host, "sys/bus/pci/devices", address, "driver")));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
		throw error;
	}
}

type Result<Data, Failure> =
	| { data: Data; error?: never; response: Response }
	| { data?: never; error: Failure; response: Response };

/** What a call answered, which must have succeeded. */
export function answerOf<Data>(result: Result<Data, Schemas["Error"]>): Data {
	if (result.error) assert.fail(`${result.response.status}: ${result.error.message}`);
	return result.data;
}

/** The error that a call was answered with, of that HTTP status and name. */
export function errorOf<Name extends Schemas["Error"]["status"]>(
	result: Result<unknown, Schemas["Error"]>,
	http: number,
	name: Name,
): Schemas["Error"] & { status: Name } {
	assert.ok(result.error, `${result.response.status}: expected ${http} ${name}`);
	const { error, response } = result;
	assert.deepEqual([response.status, error.status], [http, name], error.message);
	assert.equal(error.error, error.message);
	return { ...error, status: name };
}
