/* SPDX-License-Identifier: MIT */
/*
 * Which texts may be written to a device's driver_override again.
 *
 * Before the privileged helper overwrites what another program has put there, it keeps that text in
 * a file beside the device's lock. Besides a VFIO driver's name and nothing, only these texts may
 * be written. They are valid for this boot and this device.
 */
#pragma once

#include "core/helper/service.h"

/* Whether the text has been kept. 1 or 0, or a negative errno. */
int helper_overrides_has(
	const struct helper_service *service, const struct device *device, const char *text);

/* Keeps one. 0 or errno. */
int helper_overrides_add(
	const struct helper_service *service, const struct device *device, const char *text);

/* Forgets one that has been written back. Best effort: one too many does no harm. */
void helper_overrides_drop(
	const struct helper_service *service, const struct device *device, const char *text);
