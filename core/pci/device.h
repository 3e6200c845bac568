/* SPDX-License-Identifier: MIT */
/*
 * Devices: identity read once, the driver looked at afresh.
 *
 * Vendor, class and the like cannot change while a device exists, so they are read once and kept
 * with the device's directory. A struct device never changes: when its driver is seen to have
 * changed, a new one takes its place (IOMMU group and NUMA node are read again then, for noiommu
 * makes groups come and go). A removed device's directory answers ENOENT for ever through a kept
 * fd, so staleness shows itself.
 *
 * All functions may be called from any thread. Readers take no lock; the first look at a device,
 * and one that finds its driver changed, take one.
 */
#pragma once

#include "core/error.h"
#include "core/pci/address.h"
#include "core/pci/sysfs.h"

#include <stdatomic.h>

enum {
	DRIVER_NAME_SIZE = 64,
	OVERRIDE_SIZE = 256,	/* longest driver_override that is understood */
	DEVICE_MAX_REGIONS = 7, /* six BARs and the expansion ROM */
};

enum region_type { REGION_MEMORY, REGION_PREFETCHABLE, REGION_IO };

struct device_region {
	uint8_t index;
	enum region_type type;
	uint64_t size; /* bytes */
};

/* One PCI function as it was when last seen. Immutable. */
struct device {
	struct pci_address address;
	char text[PCI_ADDRESS_SIZE]; /* the address, canonical */

	/* Identity. */
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem_device;
	uint32_t class; /* 24 bits */
	uint8_t revision;
	bool is_bridge; /* base class 06: never passed through */
	bool boot_vga;
	bool is_virtual; /* a VF; its PF is physfn */
	struct pci_address physfn;
	uint32_t total_vfs;
	uint8_t n_regions;
	struct device_region regions[DEVICE_MAX_REGIONS];
	char vendor_name[96], device_name[128], subsystem_name[128], class_name[64];
	char reset_methods[64]; /* separated by blanks */
	char local_cpus[128];

	/* As of the driver below; what is above is identity. */
	char driver[DRIVER_NAME_SIZE]; /* "" when there is none */
	int32_t group;		       /* -1 when there is none */
	int32_t numa_node;	       /* -1 when unknown */

	/* The table's. */
	int fd; /* the device's directory; -1 past the limit on fds */
	atomic_uint refs;
};

struct devices;
struct names;

/* A cache over an open sysfs, which must outlive it, and so must names; NULL: it reads its own. 0,
 * or -1 with err. */
int devices_new(const struct sysfs *sysfs, struct names *names, struct devices **ret,
	struct core_error *err);
void devices_free(struct devices *devices);

/* The device as it is now, with a reference the caller gives back by device_unref. NULL with errno:
 * ENOENT when there is no such device, else what went wrong. */
struct device *devices_get(struct devices *devices, struct pci_address address);

/* Addresses of all devices, sorted; the caller frees the array. 0, or a negative errno. */
int devices_list(struct devices *devices, struct pci_address **ret, size_t *ret_n);

/* Gives a reference back; NULL is fine. */
void device_unref(struct device *device);

/* Another reference to the device, which is returned. */
struct device *device_ref(struct device *device);
static inline void device_cleanup(struct device **device)
{
	device_unref(*device);
}

/* The name below /dev/vfio/devices ("vfio3") while a VFIO driver has the device, else "". Asked of
 * the kernel every time, for the number is reused. */
void device_vfio_name(
	const struct devices *devices, const struct device *device, char *buf, size_t size);

/* How many users have the device enabled: its `enable`. A native driver may leave it above 0 for
 * ever, and a plain write can raise it. 0 when it cannot be read. */
uint32_t device_use_count(const struct devices *devices, const struct device *device);

/* Whether a driver by its name is a VFIO one: vfio-pci, or a variant such as mlx5_vfio_pci. */
bool driver_is_vfio(const char *driver);

/* Whether a VFIO driver has the device: it has an entry in vfio-dev, or, on kernels that have no
 * such folder, its driver is vfio-pci (facts of the kernel: Documentation/driver-api/vfio.rst). */
bool device_is_vfio(const struct devices *devices, const struct device *device);

/* Whether the device's directory has an entry of that name. */
bool device_has(const struct devices *devices, const struct device *device, const char *name);

/* How many VFs the device has now: its virtfn links are counted, for sriov_numvfs takes the device
 * lock and can block. */
uint32_t device_num_vfs(const struct devices *devices, const struct device *device);

/* The attribute below the device's directory, as sysfs_read. Only attributes that never block. */
ssize_t device_read(const struct devices *devices, const struct device *device,
	const char *attribute, char *buf, size_t size);
