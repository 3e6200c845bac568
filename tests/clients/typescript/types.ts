// SPDX-License-Identifier: MIT
// What a compiler must refuse, and what it must know. Nothing here runs.
import type { Schemas, Vfiod } from "./ground.js";

type OptionalOf<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];
type None<T extends never> = T;

/** vfiod sends every field of every answer: those that a type leaves open. */
type Objects = { [Name in keyof Schemas]: Schemas[Name] extends object ? Name : never };
type Answers = Exclude<Objects[keyof Schemas], `${string}Request`>;
export type Open = None<{ [Name in Answers]: OptionalOf<Schemas[Name]> }[Answers]>;

/** What must be given in a request, and nothing else. */
type Given<Name extends keyof Schemas> = Exclude<keyof Schemas[Name], OptionalOf<Schemas[Name]>>;
type Listed = Exclude<Extract<keyof Schemas, `${string}Request`>, "GetDeviceInfoRequest">;
export type Surplus = None<Exclude<Given<Listed>, "pci_addresses">>;

export async function refused(vfiod: Vfiod): Promise<void> {
	const pci_addresses = ["0000:01:00.0"];

	// @ts-expect-error: no such path
	await vfiod.POST("/api/v1/vfio/devices/bnid", { body: { pci_addresses } });
	// @ts-expect-error: the path has no GET
	await vfiod.GET("/api/v1/vfio/devices/bind", { body: { pci_addresses } });
	// @ts-expect-error: a body is required
	await vfiod.POST("/api/v1/vfio/devices/bind");
	// @ts-expect-error: and so are the addresses
	await vfiod.POST("/api/v1/vfio/devices/bind", { body: {} });
	// @ts-expect-error: a list
	await vfiod.POST("/api/v1/vfio/devices/bind", { body: { pci_addresses: "0000:01:00.0" } });
	// @ts-expect-error: of text
	await vfiod.POST("/api/v1/vfio/devices/bind", { body: { pci_addresses: [1] } });
	// @ts-expect-error: info takes one address, and calls it pci_address
	await vfiod.POST("/api/v1/vfio/devices/info", { body: { pci_addresses } });
	// @ts-expect-error: true or false
	await vfiod.POST("/api/v1/vfio/devices/bind", { body: { pci_addresses, dry_run: "yes" } });
	// @ts-expect-error: left out, or given
	await vfiod.POST("/api/v1/vfio/devices/bind", { body: { pci_addresses, force: undefined } });
	// @ts-expect-error: a number
	await vfiod.GET("/api/v1/vfio/devices", { params: { query: { page_size: "5" } } });
	// @ts-expect-error: no such filter
	await vfiod.GET("/api/v1/vfio/devices", { params: { query: { vendor: "8086" } } });
}

/** openapi-fetch lets a field pass that no schema has; not so where it is said what a body is. */
export function refusedBodies(): object[] {
	const pci_addresses = ["0000:01:00.0"];

	return [
		// @ts-expect-error: it is called dry_run
		{ pci_addresses, dryrun: true } satisfies Schemas["BindDevicesRequest"],
		// @ts-expect-error: only bind gives nodes to somebody
		{ pci_addresses, node_owner: "" } satisfies Schemas["UnbindDevicesRequest"],
		// @ts-expect-error: one address, and it is called pci_address
		{ pci_addresses } satisfies Schemas["GetDeviceInfoRequest"],
	];
}

export async function known(vfiod: Vfiod): Promise<string> {
	const path = "/api/v1/vfio/devices/info";
	const info = await vfiod.POST(path, { body: { pci_address: "0000:01:00.0" } });

	// @ts-expect-error: there may be no data …
	void info.data.driver;
	if (info.error) {
		// @ts-expect-error: … there is none beside an error …
		void info.data.driver;
		// @ts-expect-error: a name that no error has
		if (info.error.status === "NOTFOUND") return "";
		return info.error.details.map((detail) => detail.reason).join();
	}
	// @ts-expect-error: … and no error beside data
	void info.error.message;
	// @ts-expect-error: the field is called iommu_group
	void info.data.iommuGroup;
	// @ts-expect-error: text, for it is 64 bits wide
	const size: number | undefined = info.data.regions[0]?.size;
	void size;
	return info.data.sriov.physical_function;
}
