// SPDX-License-Identifier: MIT
// Sees every call that a client makes, and holds it against the document.
import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Middleware } from "openapi-fetch";

interface Content {
	content: { "application/json": { schema: object } };
}

interface Described {
	operationId: string;
	requestBody?: Content;
	responses: Record<string, Content | { $ref: string }>;
}

/** As much of an OpenAPI document as is looked at here. */
export interface Document {
	paths: Record<string, Record<string, Described>>;
	components: { schemas: Record<string, { properties?: object; additionalProperties?: false }> };
}

/** An operation as it is called: "POST /api/v1/vfio/devices/bind". */
export function operationsOf(document: Document): Map<string, string> {
	const ids = new Map<string, string>();
	for (const [path, verbs] of Object.entries(document.paths))
		for (const [verb, operation] of Object.entries(verbs))
			ids.set(`${verb.toUpperCase()} ${path}`, operation.operationId);
	return ids;
}

/** Answers may grow by what the document promises; those of its own version, it names in full. */
function closed(document: Document): Document {
	const copy = structuredClone(document);
	for (const schema of Object.values(copy.components.schemas))
		if (schema.properties) schema.additionalProperties = false;
	return copy;
}

function whole(from: number, to: number) {
	return {
		type: "number" as const,
		validate: (n: number) => Number.isInteger(n) && n >= from && n <= to,
	};
}

function wholeText(from: bigint, to: bigint) {
	return (text: string) => /^-?[0-9]+$/.test(text) && BigInt(text) >= from && BigInt(text) <= to;
}

function pointer(...keys: string[]): string {
	return keys.map((key) => "/" + key.replaceAll("~", "~0").replaceAll("/", "~1")).join("");
}

export class Witness {
	/** The operations that were answered, by their ids, with the statuses seen. */
	readonly answered = new Map<string, Set<number>>();
	readonly #document: Document;
	readonly #ajv = new Ajv2020({ strict: true, allErrors: true });
	readonly #valid = new WeakMap<Request, boolean>();

	constructor(document: Document) {
		this.#document = closed(document);
		this.#ajv.addFormat("int32", whole(-(2 ** 31), 2 ** 31 - 1));
		this.#ajv.addFormat("uint32", whole(0, 2 ** 32 - 1));
		this.#ajv.addFormat("int64", wholeText(-(2n ** 63n), 2n ** 63n - 1n));
		this.#ajv.addFormat("uint64", wholeText(0n, 2n ** 64n - 1n));
		this.#ajv.addVocabulary(Object.keys(document));
		this.#ajv.addSchema(this.#document, "vfiod");
	}

	readonly middleware: Middleware = {
		onRequest: async ({ request, schemaPath }) => {
			const operation = this.#operation(request, schemaPath);
			if (!operation.requestBody) return;
			const body: unknown = JSON.parse(await request.clone().text());
			this.#valid.set(request, this.#schema(request, schemaPath, "requestBody")(body));
		},
		onResponse: async ({ request, response, schemaPath }) => {
			const operation = this.#operation(request, schemaPath);
			const call = `${operation.operationId} answered ${response.status}`;
			const answer = operation.responses[response.status];
			assert.ok(answer, `${call}, which is not in the document`);
			assert.match(response.headers.get("content-type") ?? "", /^application\/json\b/, call);
			const check =
				"$ref" in answer
					? this.#compile(answer.$ref + pointer("content", "application/json", "schema"))
					: this.#schema(request, schemaPath, "responses", String(response.status));
			const body: unknown = await response.clone().json();
			assert.ok(check(body), `${call}: ${this.#ajv.errorsText(check.errors)}`);
			if (this.#valid.get(request) === false)
				assert.equal(response.status, 400, `${call} to what its schema forbids`);
			const seen = this.answered.get(operation.operationId) ?? new Set();
			this.answered.set(operation.operationId, seen.add(response.status));
		},
	};

	#operation(request: Request, path: string): Described {
		const operation = this.#document.paths[path]?.[request.method.toLowerCase()];
		assert.ok(operation, `${request.method} ${path} is not in the document`);
		return operation;
	}

	#schema(request: Request, path: string, ...keys: string[]): ValidateFunction {
		const verb = request.method.toLowerCase();
		return this.#compile(
			"#" + pointer("paths", path, verb, ...keys, "content", "application/json", "schema"),
		);
	}

	#compile(fragment: string): ValidateFunction {
		const check = this.#ajv.getSchema("vfiod" + encodeURI(fragment));
		assert.ok(check, `no schema at ${fragment}`);
		return check;
	}
}
