/* SPDX-License-Identifier: MIT */
/* Every write to /sys, and the one read that can block as long. All return 0 or errno. */
#pragma once

#include "core/helper/service.h"

/* Whether the text may be the name of a driver. Then it is a single name in a path. */
bool helper_name_is_safe(const char *name);

/* The same for a VFIO driver. Only the name tells such a driver from others. */
bool helper_is_vfio_name(const char *name);

int helper_write_override(
	const struct helper_service *service, const struct helper_request *request);
int helper_write_unbind(const struct helper_service *service, const struct helper_request *request);
int helper_write_bind(const struct helper_service *service, const struct helper_request *request);
int helper_write_probe(const struct helper_service *service, const struct helper_request *request);
int helper_write_load(const struct helper_service *service, const char *name);
int helper_write_override_get(
	const struct helper_service *service, struct pci_address address, char *text, size_t size);
