/* SPDX-License-Identifier: MIT */
/* What the hand refuses, whatever main thought. */
#include "core/hand_internal.h"

#include <errno.h>
#include <stdio.h>

static bool is_bridge(const struct hand_service *s, struct pci_address address)
{
	char path[PCI_ADDRESS_SIZE + 8], name[PCI_ADDRESS_SIZE];
	uint64_t class;

	pci_address_format(address, name);
	snprintf(path, sizeof(path), "%s/class", name);
	return sysfs_read_u64(s->sysfs.devices_fd, path, &class) == 0 && class >> 16 == 0x06;
}

/* What the allowlist keeps away from users must stay on its native driver; giving back is always
 * right. */
static bool is_denied(const struct hand_service *s, const struct hand_request *request)
{
	char path[PCI_ADDRESS_SIZE + 16], name[PCI_ADDRESS_SIZE], driver[DRIVER_NAME_SIZE];
	uint64_t vendor, device;

	pci_address_format(request->address, name);
	snprintf(path, sizeof(path), "%s/vendor", name);
	if (sysfs_read_u64(s->sysfs.devices_fd, path, &vendor) < 0)
		return false; /* gone: the write itself will tell */
	snprintf(path, sizeof(path), "%s/device", name);
	if (sysfs_read_u64(s->sysfs.devices_fd, path, &device) < 0 ||
		allowlist_allows(s->config->allow, (uint16_t)vendor, (uint16_t)device))
		return false;
	if (request->op == HAND_NODE_SET)
		return true;
	if (request->op == HAND_BIND || request->op == HAND_OVERRIDE_SET)
		return driver_is_vfio(request->name);
	snprintf(path, sizeof(path), "%s/driver", name);
	return request->op == HAND_UNBIND &&
	       sysfs_link_name(s->sysfs.devices_fd, path, driver, sizeof(driver)) > 0 &&
	       !driver_is_vfio(driver);
}

int hand_judge(const struct hand_service *s, const struct hand_request *request)
{
	if (hand_changes_device(request->op) && is_bridge(s, request->address))
		return EPERM;
	if ((hand_changes_device(request->op) || request->op == HAND_NODE_SET) &&
		is_denied(s, request))
		return EPERM;
	return 0;
}
