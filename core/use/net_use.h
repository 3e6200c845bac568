/* SPDX-License-Identifier: MIT */
/* The network interfaces that the host uses. */
#pragma once

#include "core/use/host_use.h"

/* Appends a problem when the device carries an interface in use: one that is a member of a bond,
 * bridge or team, has something stacked upon it, or is up with a route or a global address. */
void usage_check_network(
	const struct usage *usage, struct pci_address address, struct core_problems *problems);
