/* SPDX-License-Identifier: MIT */
/* The devices of a host, all pages of them. */
#include "tools/vfioctl/verb/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Moves the page's devices and its token to the listing. 0 or -ENOMEM. */
static int listing_append(Vfio__V1__ListDevicesResponse *all, Vfio__V1__ListDevicesResponse *page)
{
	Vfio__V1__Device **devices =
		reallocarray(all->devices, all->n_devices + page->n_devices + 1, sizeof(*devices));
	char *token = all->next_page_token;

	if (!devices)
		return -ENOMEM;
	if (page->n_devices > 0)
		memcpy(devices + all->n_devices, page->devices, page->n_devices * sizeof(*devices));
	all->devices = devices;
	all->n_devices += page->n_devices;
	page->n_devices = 0;
	all->next_page_token = page->next_page_token;
	page->next_page_token = token;
	return 0;
}

/* Fetches the page after what there is. An exit code. */
static int listing_next(struct session *session, Vfio__V1__ListDevicesRequest *request,
	Vfio__V1__ListDevicesResponse *all)
{
	AUTO_MESSAGE Vfio__V1__ListDevicesResponse *page = NULL;
	int r = EXIT_REFUSED;

	request->page_token = all->next_page_token;
	page = session_call(session, "vfio.v1.DeviceService/ListDevices", request, &r);
	if (!page)
		return r;
	if (strcmp(page->next_page_token, all->next_page_token) == 0)
		return session_fail(
			session, EXIT_REFUSED, "the daemon answers the same page again and again");
	if (listing_append(all, page) < 0)
		return session_fail(session, EXIT_REFUSED, "out of memory");
	return EXIT_DONE;
}

Vfio__V1__ListDevicesResponse *listing_fetch(
	struct session *session, const Vfio__V1__ListDevicesRequest *request, int *ret_exit)
{
	Vfio__V1__ListDevicesRequest next = *request;
	Vfio__V1__ListDevicesResponse *all =
		session_call(session, "vfio.v1.DeviceService/ListDevices", request, ret_exit);

	while (all && all->next_page_token[0]) {
		int r = listing_next(session, &next, all);

		if (r != EXIT_DONE) {
			session_free_message(&all);
			*ret_exit = r;
			return NULL;
		}
	}
	return all;
}
