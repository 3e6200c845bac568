/* SPDX-License-Identifier: MIT */
/* What the privileged helper sees for itself. */
#include "core/helper/look.h"
#include "core/base/array.h"
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/helper/look_cache.h"
#include "core/pci/device_table.h"
#include "core/use/native_nodes.h"

#include <errno.h>

int helper_open_device(
	const struct helper_service *s, struct pci_address address, struct device **ret)
{
	/* Without names, which cost a file of a megabyte and decide nothing. */
	const struct devices devices = {.sysfs = &s->sysfs};
	char name[PCI_ADDRESS_SIZE];
	int error = -device_open(&devices, address, ret);

	if (error != ENOENT && error != ENODEV)
		return error;
	/* One that is there and lacks what every device has is not one that is gone. */
	pci_address_format(address, name);
	return sysfs_exists(s->sysfs.devices_fd, name) ? EIO : ENOENT;
}

/* What the kernel itself does with the device. */
static int look_at_kernel(
	const struct sysfs *sysfs, struct pci_address address, struct use_answer *ret)
{
	ret->claimed = disk_claim_any(sysfs, address, &ret->blind);
	ret->console = native_nodes_have_console(sysfs, address) &&
		       native_nodes_show_console(sysfs->root_fd);
	return 0;
}

/* Adds the addresses of all devices of the host. 0 or errno. */
static int list_devices(const struct sysfs *sysfs, struct pci_address **ret, size_t *ret_n)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->devices_fd, ".");
	CLEANUP(free_cleanup) struct pci_address *addresses = NULL;
	struct pci_address address;
	size_t n = 0;

	if (!dir)
		return errno;
	for (struct dirent *entry; (entry = sysfs_readdir(dir));) {
		if (!pci_address_parse(entry->d_name, &address))
			continue;
		struct pci_address *added = ARRAY_ADD(addresses, n);
		if (!added)
			return ENOMEM;
		*added = address;
	}
	*ret = STEAL(addresses);
	*ret_n = n;
	return 0;
}

/* Keeps of the holders those of these devices. */
static void keep_those_of(struct holders *holders, const struct pci_address *addresses, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < holders->count; i++) {
		bool wanted = false;

		for (size_t j = 0; !wanted && j < n; j++)
			wanted = pci_address_equal(holders->items[i].address, addresses[j]);
		if (wanted)
			holders->items[kept++] = holders->items[i];
	}
	holders->count = kept;
}

/* For a change, which will ask for its other devices too, of all devices at once. When there are
 * too many nodes, of the device alone. 0 or errno. */
static int look_at_nodes(const struct helper_service *s, uint32_t batch,
	const struct pci_address *addresses, size_t n, struct holders *ret)
{
	CLEANUP(free_cleanup) struct pci_address *all = NULL;
	int64_t begin = now_ns();
	size_t n_all = 0;

	if (batch == 0 || !s->looks || list_devices(&s->sysfs, &all, &n_all) != 0)
		return holders_of_nodes(&s->sysfs, addresses, n, ret);
	if (!look_cache_get(s->looks, batch, USE_LOOK_NODES, ret)) {
		int error = holders_of_nodes(&s->sysfs, all, n_all, ret);
		if (error || ret->is_truncated) {
			holders_clear(ret);
			return holders_of_nodes(&s->sysfs, addresses, n, ret);
		}
		look_cache_put(s->looks, batch, USE_LOOK_NODES, begin, ret);
	}
	keep_those_of(ret, addresses, n);
	return 0;
}

/* Looks for VFIO users, whose devices are told afterwards. 0 or errno. */
static int look_at_vfio(const struct helper_service *s, uint32_t batch, enum use_look look,
	int (*find)(const struct sysfs *sysfs, struct holders *ret), struct holders *ret)
{
	int64_t begin = now_ns();

	if (look_cache_get(s->looks, batch, look, ret))
		return 0;
	int error = find(&s->sysfs, ret);
	if (!error)
		look_cache_put(s->looks, batch, look, begin, ret);
	return error;
}

int helper_look(const struct helper_service *s, uint32_t batch, enum use_look look,
	const struct pci_address *addresses, size_t n, struct use_answer *ret)
{
	*ret = (struct use_answer){0};
	switch (look) {
	case USE_LOOK_FILES:
		return look_at_vfio(s, batch, look, holders_of_vfio, &ret->holders);
	case USE_LOOK_MAPPINGS:
		return look_at_vfio(s, batch, look, holders_of_mappings, &ret->holders);
	case USE_LOOK_NODES:
		return look_at_nodes(s, batch, addresses, n, &ret->holders);
	case USE_LOOK_KERNEL:
		return n == 1 ? look_at_kernel(&s->sysfs, addresses[0], ret) : EINVAL;
	case USE_LOOK_DISKS:
		disk_claim_find_blind(&s->sysfs, &ret->blind);
		return 0;
	}
	return EINVAL;
}
