/* SPDX-License-Identifier: MIT */
/* Converts what core knows to messages of vfio.v1, and its errors to statuses. */
#pragma once

#include "core/doctor.h"
#include "core/host.h"
#include "rpc/device/arena.h"
#include "rpc/service/call.h"
#include "vfio/v1/device_service.pb-c.h"

/* A Device message and the texts it points to: no allocation, for it is what every read answers.
 * Strings of the device itself are borrowed from it. */
struct device_message {
	Vfio__V1__Device message;
	Vfio__V1__Sriov sriov;
	Vfio__V1__Region regions[DEVICE_MAX_REGIONS];
	Vfio__V1__Region *region_list[DEVICE_MAX_REGIONS];
	char *reset_list[16];
	char reset_text[64];
	char vendor[5], device[5], subsystem_vendor[5], subsystem_device[5], class[7], revision[3];
	char group[12], numa[12], vfio[32], physfn[PCI_ADDRESS_SIZE];
	struct device_origin origin;
};

/* Fills in m from device d, which must outlive it. */
void device_message_fill(struct host *host, const struct device *d, struct device_message *m);

Vfio__V1__Device__State device_convert_state(enum device_state state);

/* Each builds a message in the arena; NULL, or incomplete with arena->failed set, when memory is
 * short. Core objects are borrowed: they must outlive the message. */
/* The groups' blockers come with what would help. */
Vfio__V1__IommuGroup **device_convert_groups(
	struct host *host, struct arena *arena, struct iommu_group *const *groups, size_t n);
Vfio__V1__DeviceProblem **device_convert_problems(
	struct arena *arena, const struct core_problems *problems);
Vfio__V1__PlanStep **device_convert_plan(struct arena *arena, const struct plan *plan);
Vfio__V1__DeviceChange **device_convert_changes(
	struct arena *arena, const struct change_result *result);
Vfio__V1__HostCheck **device_convert_checks(
	struct arena *arena, const struct doctor_report *report);

/* Makes a core error the call's status: the one place where core codes become RPC codes. */
void device_convert_error(struct rpc_call *call, const struct core_error *err);
