// SPDX-License-Identifier: MIT
// What a client is told when a call fails, as types and on the simulated host.
import assert from "node:assert/strict";
import { connect, control, driverOf, errorOf, type Schemas } from "./ground.js";

const vfiod = connect();
const nic = "0000:01:00.0";
const absent = "0000:7f:00.0";

function bind(body: Schemas["BindDevicesRequest"]) {
	return vfiod.POST("/api/v1/vfio/devices/bind", { body });
}

function unbind(body: Schemas["UnbindDevicesRequest"]) {
	return vfiod.POST("/api/v1/vfio/devices/unbind", { body });
}

/** What a caller makes of a failure. Every name is handled, or this does not compile. */
function advice(error: Schemas["Error"]): "ask differently" | "look" | "wait" | "give up" {
	switch (error.status) {
		case "INVALID_ARGUMENT":
		case "OUT_OF_RANGE":
		case "UNIMPLEMENTED":
			return "ask differently";
		case "NOT_FOUND":
		case "ALREADY_EXISTS":
		case "FAILED_PRECONDITION":
			return "look";
		case "ABORTED":
		case "DEADLINE_EXCEEDED":
		case "RESOURCE_EXHAUSTED":
		case "UNAVAILABLE":
			return "wait";
		case "CANCELLED":
		case "DATA_LOSS":
		case "INTERNAL":
		case "PERMISSION_DENIED":
		case "UNAUTHENTICATED":
		case "UNKNOWN":
			return "give up";
	}
}

export const errorTests: Record<string, () => Promise<void>> = {
	async "400: a malformed address"() {
		const error = errorOf(await bind({ pci_addresses: ["../../0"] }), 400, "INVALID_ARGUMENT");
		assert.equal(advice(error), "ask differently");
		const reasons = error.details.map((detail) => [detail.pci_address, detail.reason]);
		assert.deepEqual(reasons, [["../../0", "INVALID_ADDRESS"]]);
	},

	async "400: no address, which the schema forbids and the types cannot"() {
		errorOf(await bind({ pci_addresses: [] }), 400, "INVALID_ARGUMENT");
	},

	async "400: a field that no schema has, which openapi-fetch lets pass"() {
		const body = { pci_addresses: [nic], dryrun: true };
		const error = errorOf(await bind(body), 400, "INVALID_ARGUMENT");
		assert.match(error.message, /dryrun/);
		assert.equal(driverOf(nic), "e1000e");
	},

	async "400: a filter that is none"() {
		const query = { id: "everything" };
		const result = await vfiod.GET("/api/v1/vfio/devices", { params: { query } });
		errorOf(result, 400, "INVALID_ARGUMENT");
	},

	async "400: a bridge and a network card in use, each with its reason"() {
		const pci_addresses = ["0000:00:07.0", "0000:00:02.0"];
		const error = errorOf(await bind({ pci_addresses }), 400, "FAILED_PRECONDITION");
		assert.equal(advice(error), "look");
		const reasons = error.details.map((detail) => [detail.pci_address, detail.reason]);
		assert.deepEqual(reasons, [
			["0000:00:07.0", "IS_BRIDGE"],
			["0000:00:02.0", "NIC_IN_USE"],
		]);
	},

	async "400: a device that a virtual machine has"() {
		const body = { pci_addresses: [nic] };
		assert.ok((await bind(body)).data);
		control(`hold ${nic} device 4242 qemu-system-x86`);
		const error = errorOf(await unbind(body), 400, "FAILED_PRECONDITION");
		const holder = error.details[0]?.holders[0];
		assert.deepEqual([holder?.pid, holder?.command], [4242, "qemu-system-x86"]);
		assert.equal(driverOf(nic), "vfio-pci");
		control(`release ${nic} 4242`);
		assert.ok((await unbind(body)).data);
		assert.equal(driverOf(nic), "e1000e");
	},

	async "404: a device that is not there"() {
		const error = errorOf(await unbind({ pci_addresses: [nic, absent] }), 404, "NOT_FOUND");
		assert.equal(advice(error), "look");
		assert.equal(error.message, `PCI device not found: ${absent}`);
		const path = "/api/v1/vfio/devices/info";
		const info = await vfiod.POST(path, { body: { pci_address: absent } });
		errorOf(info, 404, "NOT_FOUND");
	},

	async "409: the kernel refuses, and all is undone"() {
		const pci_addresses = ["0000:81:00.0", nic];
		control(`fail driver_override 1 EIO ${nic}`);
		const error = errorOf(await bind({ pci_addresses }), 409, "ABORTED");
		assert.equal(advice(error), "wait");
		assert.equal(error.details[0]?.pci_address, nic);
		assert.deepEqual(pci_addresses.map(driverOf), ["e1000e", "e1000e"]);
	},

	async "413: a body that is too long"() {
		const force = ["X".repeat(128 * 1024)];
		const error = errorOf(await bind({ pci_addresses: [nic], force }), 413, "INVALID_ARGUMENT");
		assert.equal(advice(error), "ask differently");
	},

	async "415: a body that is said to be text"() {
		const result = await vfiod.POST("/api/v1/vfio/devices/bind", {
			body: { pci_addresses: [nic] },
			headers: { "Content-Type": "text/plain" },
		});
		errorOf(result, 415, "INVALID_ARGUMENT");
	},
};
