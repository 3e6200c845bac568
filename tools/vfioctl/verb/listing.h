/* SPDX-License-Identifier: MIT */
/* The devices of a host, all pages of them. */
#pragma once

#include "tools/vfioctl/session/session.h"
#include "vfio/v1/device_service.pb-c.h"

/* Lists the devices that the request's filters let through, as one answer of as many calls as it
 * takes. The caller frees it (AUTO_MESSAGE). NULL: the failure was printed, and *ret_exit is what
 * to exit with. */
Vfio__V1__ListDevicesResponse *listing_fetch(
	struct session *session, const Vfio__V1__ListDevicesRequest *request, int *ret_exit);
