/* SPDX-License-Identifier: MIT */
/* What the privileged helper sees for itself. */
#pragma once

#include "core/helper/service.h"

/* Reads the device as it is now. 0 or errno; ENOENT only when there is none. */
int helper_open_device(
	const struct helper_service *service, struct pci_address address, struct device **ret);

/* Finds out who uses the devices. batch: see core/helper/look_cache.h. 0 or errno; the caller
 * clears ret->holders either way. */
int helper_look(const struct helper_service *service, uint32_t batch, enum use_look look,
	const struct pci_address *addresses, size_t n, struct use_answer *ret);
