// SPDX-License-Identifier: MIT
// Who is let in: by a daemon with an API key, and by one that serves another network.
import assert from "node:assert/strict";
import { answerOf, connect, environment, errorOf } from "./ground.js";

const path = "/api/v1/vfio/devices/bind";
const body = { pci_addresses: ["0000:81:00.0"] };

/** VOLANT_API_KEY is set. */
export const keyTests: Record<string, () => Promise<void>> = {
	async "401: no key, or a wrong one"() {
		errorOf(await connect().POST(path, { body }), 401, "UNAUTHENTICATED");
		const wrong = connect({ headers: { "X-Volant-API-Key": "guessed" } });
		errorOf(await wrong.POST(path, { body }), 401, "UNAUTHENTICATED");
		errorOf(await wrong.GET("/openapi"), 401, "UNAUTHENTICATED");
		assert.deepEqual(answerOf(await wrong.GET("/healthz")), { status: "ok" });
	},

	async "a key in the header"() {
		const vfiod = connect({ headers: { "X-Volant-API-Key": environment("VOLANT_API_KEY") } });
		assert.equal(answerOf(await vfiod.POST(path, { body })).success, true);
	},

	async "a key as bearer token"() {
		const authorization = `Bearer ${environment("VOLANT_API_KEY")}`;
		const vfiod = connect({ headers: { Authorization: authorization } });
		const given = await vfiod.POST("/api/v1/vfio/devices/unbind", { body });
		assert.equal(answerOf(given).success, true);
	},
};

/** VOLANT_API_ALLOW_CIDR has no loopback address. */
export const networkTests: Record<string, () => Promise<void>> = {
	async "403: an address that is not let in"() {
		errorOf(await connect().POST(path, { body }), 403, "PERMISSION_DENIED");
		errorOf(await connect().GET("/healthz"), 403, "PERMISSION_DENIED");
	},
};
