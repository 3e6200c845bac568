/* SPDX-License-Identifier: MIT */
/*
 * What keeps an IOMMU group from its VFIO user, and what would really help, member by member.
 *
 * Pure functions of a group that has been read.
 */
#pragma once

#include "core/error.h"
#include "core/pci/group.h"

/* Room for what to do about a member. */
enum { OBSTACLE_SIZE = 768 };

/* Appends a problem for each member that blocks the group and that no request can bind: a bridge,
 * or one that is no PCI device. */
void obstacles_judge(const struct iommu_group *group, struct core_problems *refusals);

/* Writes why the member, which blocks the group, does so, and what to do about it. refusals: what
 * speaks against binding it, for guards are told, too. */
void obstacle_describe(const struct iommu_group *group, const struct group_member *member,
	const struct core_problems *refusals, char buf[static OBSTACLE_SIZE]);

/* The same for one that is no PCI device. */
void obstacle_describe_stranger(const struct iommu_group *group,
	const struct group_stranger *stranger, char buf[static OBSTACLE_SIZE]);
