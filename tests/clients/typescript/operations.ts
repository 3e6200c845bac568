// SPDX-License-Identifier: MIT
// Every operation of the document, doing its work on the host that lab.host describes.
import assert from "node:assert/strict";
import { answerOf, connect, document, driverOf, type Schemas } from "./ground.js";
import type { operations } from "./vfiod.js";

const vfiod = connect();
const nic = "0000:01:00.0";
const behindBridge = ["0000:03:01.0", "0000:03:02.0"];

async function info(pci_address: string): Promise<Schemas["Device"]> {
	return answerOf(await vfiod.POST("/api/v1/vfio/devices/info", { body: { pci_address } }));
}

/** In the order they run. An operation that is new in the document does not compile without. */
export const operationTests: Record<keyof operations, () => Promise<void>> = {
	async getHealth() {
		assert.deepEqual(answerOf(await vfiod.GET("/healthz")), { status: "ok" });
	},

	async getOpenAPI() {
		const served: Record<string, unknown> = answerOf(await vfiod.GET("/openapi"));
		assert.deepEqual(served, document);
	},

	async getVFIOHost() {
		const host = answerOf(await vfiod.GET("/api/v1/vfio/host"));
		assert.equal(host.kernel, "6.1.0-56-amd64");
		assert.equal(host.devices, 23);
		assert.equal(host.iommu_groups, 19);
		const iommu = host.checks.find((check) => check.name === "iommu");
		assert.equal(iommu?.verdict, "PASS" satisfies Schemas["HostCheckVerdict"]);
	},

	async listVFIODevices() {
		const path = "/api/v1/vfio/devices";
		const all: Schemas["Device"][] = [];
		let page_token = "";
		do {
			const query = { page_size: 5, page_token };
			const page = answerOf(await vfiod.GET(path, { params: { query } }));
			all.push(...page.devices);
			page_token = page.next_page_token;
		} while (page_token);
		const addresses = all.map((device) => device.address);
		assert.equal(addresses.length, 23);
		assert.deepEqual(addresses, addresses.toSorted());

		const query = { id: "8086:10d3", driver: "e1000e" };
		const some = answerOf(await vfiod.GET(path, { params: { query } }));
		const expected = ["0000:00:03.0", "0000:00:04.0", nic, "0000:81:00.0"];
		assert.deepEqual(some.devices.map((device) => device.address), expected);
	},

	async getVFIODeviceInfo() {
		const device = await info("01:00.0");
		assert.equal(device.address, nic);
		assert.equal(`${device.vendor}:${device.device}`, "8086:10d3");
		assert.equal(device.driver, "e1000e");
		assert.equal(device.iommu_group, "12");
		assert.equal(device.numa_node, "-1");
		assert.equal(device.sriov.total_vfs, 0);
		assert.deepEqual(device.reset_methods, ["pm", "bus"]);
		assert.deepEqual(device.regions[0], { index: 0, size: "131072", type: "memory" });
		assert.equal((await info("0000:04:00.0")).sriov.total_vfs, 4);
	},

	async validateVFIODevices() {
		const path = "/api/v1/vfio/devices/validate";
		const good = answerOf(
			await vfiod.POST(path, { body: { pci_addresses: [nic], allowlist: ["8086:*"] } }),
		);
		assert.equal(good.valid, true);
		assert.deepEqual(good.errors, []);

		const pci_addresses = ["nonsense", "0000:7f:00.0", "0000:00:07.0", nic];
		const bad = answerOf(await vfiod.POST(path, { body: { pci_addresses } }));
		assert.equal(bad.valid, false);
		assert.equal(bad.message, bad.errors[0]);
		assert.deepEqual(
			bad.problems.map((problem) => [problem.pci_address, problem.reason]),
			[
				["nonsense", "INVALID_ADDRESS"],
				["0000:7f:00.0", "DEVICE_NOT_FOUND"],
				["0000:00:07.0", "IS_BRIDGE"],
			],
		);
	},

	async checkVFIOIOMMUGroups() {
		const groups = answerOf(
			await vfiod.POST("/api/v1/vfio/devices/iommu-groups", {
				body: { pci_addresses: [...behindBridge, nic] },
			}),
		);
		assert.deepEqual(groups.map((group) => group.id), ["12", "13"]);
		assert.deepEqual(groups[1]?.devices, ["0000:02:00.0", ...behindBridge]);
		assert.deepEqual(groups[1]?.bridges, ["0000:02:00.0"]);
		assert.equal(groups[1]?.viable, false);
		assert.deepEqual(groups[1]?.blockers.map((blocker) => blocker.driver), ["e1000"]);
	},

	async bindVFIODevices() {
		const path = "/api/v1/vfio/devices/bind";
		const plan = answerOf(
			await vfiod.POST(path, { body: { pci_addresses: [nic], dry_run: true } }),
		);
		assert.deepEqual(
			plan.steps.map((step) => step.action),
			["set_override", "unbind", "bind"],
		);
		assert.equal(driverOf(nic), "e1000e");

		const pci_addresses = [nic, ...behindBridge];
		const bound = answerOf(await vfiod.POST(path, { body: { pci_addresses } }));
		assert.equal(bound.success, true);
		assert.deepEqual(bound.bound_devices, pci_addresses);
		assert.deepEqual(bound.devices[0], {
			address: nic,
			original_driver: "e1000e",
			driver: "vfio-pci",
		});
		assert.deepEqual(bound.groups.map((group) => group.viable), [true, true]);
		assert.deepEqual(pci_addresses.map(driverOf), ["vfio-pci", "vfio-pci", "vfio-pci"]);
		const device = await info(nic);
		assert.deepEqual([device.driver, device.managed], ["vfio-pci", true]);
	},

	async getVFIOGroupPaths() {
		const paths = answerOf(
			await vfiod.POST("/api/v1/vfio/devices/group-paths", {
				body: { pci_addresses: [...behindBridge, nic] },
			}),
		);
		assert.deepEqual(paths.group_paths, ["/dev/vfio/13", "/dev/vfio/12"]);
		assert.deepEqual(paths.devices[2], {
			address: nic,
			group_path: "/dev/vfio/12",
			sysfs_path: `/sys/bus/pci/devices/${nic}`,
			device_path: "",
		});
	},

	async unbindVFIODevices() {
		const pci_addresses = [...behindBridge, nic];
		const given = answerOf(
			await vfiod.POST("/api/v1/vfio/devices/unbind", { body: { pci_addresses } }),
		);
		assert.equal(given.success, true);
		assert.deepEqual(given.unbound_devices, pci_addresses);
		assert.deepEqual(given.devices.map((device) => device.driver), ["e1000", "", "e1000e"]);
		assert.deepEqual(pci_addresses.map(driverOf), ["e1000", "", "e1000e"]);
	},
};
