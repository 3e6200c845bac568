/* SPDX-License-Identifier: MIT */
/*
 * PCI devices, and a cache of them.
 *
 * Vendor, class and the like cannot change while a device exists. They are read once and kept, with
 * a descriptor of the device's directory. The driver is read each time. When it has changed, a new
 * struct device replaces the old one, with IOMMU group and NUMA node read again, because noiommu
 * groups come and go with the driver. Through the descriptor of a removed device every attribute
 * answers ENOENT, so a stale entry is always noticed.
 *
 * All functions may be called from any thread.
 */
#pragma once

#include "core/error.h"
#include "core/pci/address.h"
#include "core/pci/region.h"
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

/* One PCI function as it was when last read. Never changes. */
struct device {
	struct pci_address address;
	char text[PCI_ADDRESS_SIZE]; /* the address, canonical */

	/* Identity. */
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem_device;
	uint32_t class; /* 24 bits */
	uint8_t revision;
	bool is_bridge; /* never passed through: leads to another bus, or is the host's own */
	bool boot_vga;
	bool is_virtual; /* a VF; its PF is physfn */
	struct pci_address physfn;
	uint32_t total_vfs;
	uint8_t n_regions;
	struct device_region regions[DEVICE_MAX_REGIONS];
	char vendor_name[96], device_name[128], subsystem_name[128], class_name[64];
	char reset_methods[64]; /* separated by blanks */
	char *local_cpus;	/* owned; "" when unknown */

	/* Read again when the driver has changed. */
	char driver[DRIVER_NAME_SIZE];	      /* "" when there is none */
	int32_t group;			      /* -1 when there is none */
	int32_t numa_node;		      /* -1 when unknown */
	char direct_region[REGION_TEXT_SIZE]; /* of its group, as region_read_direct tells it */

	/* The table's. */
	int fd; /* the device's directory; -1 past the limit on fds */
	atomic_uint refs;
};

struct devices;
struct names;

/* Makes an empty cache. sysfs and names must outlive it; names NULL: it reads pci.ids itself. 0, or
 * -1 with err. */
int devices_new(const struct sysfs *sysfs, struct names *names, struct devices **ret,
	struct core_error *err);
void devices_free(struct devices *devices);

/* Gets the device as it is now, with a reference that the caller gives back by device_unref. 0 or a
 * negative errno; -ENOENT when there is no such device. */
int devices_get(struct devices *devices, struct pci_address address, struct device **ret);

/* The same for a caller that needs no reason. Returns the device or NULL. */
static inline struct device *devices_get_or_null(
	struct devices *devices, struct pci_address address)
{
	struct device *d = NULL;

	devices_get(devices, address, &d);
	return d;
}

/* Lists the addresses of all devices, sorted; the caller frees the array. 0 or a negative errno. */
int devices_list(struct devices *devices, struct pci_address **ret, size_t *ret_n);

/* Gives a reference back; NULL is fine. */
void device_unref(struct device *device);

/* Takes another reference. Returns the device. */
struct device *device_ref(struct device *device);
static inline void device_cleanup(struct device **device)
{
	device_unref(*device);
}

/* Writes the device's name below /dev/vfio/devices ("vfio3") while a VFIO driver has it, else "".
 * Read from the kernel each time, because numbers are reused. */
void device_vfio_name(
	const struct devices *devices, const struct device *device, char *buf, size_t size);

/* The kernel's count of who has enabled the device (its attribute `enable`). A native driver may
 * never bring it back to 0, and a write to the attribute raises it. 0 when it cannot be read. */
uint32_t device_use_count(const struct devices *devices, const struct device *device);

/* Whether the name is that of a VFIO driver: vfio-pci, or a variant such as mlx5_vfio_pci. */
bool driver_is_vfio(const char *driver);

/* Whether a driver of that name can be written to: it fits, and is one part of a path. Some names
 * have blanks ("TBSECP3 driver"). */
bool driver_name_is_safe(const char *driver);

/* Whether a VFIO driver has the device: it has a folder vfio-dev, or its driver is vfio-pci,
 * because older kernels have no such folder (Documentation/driver-api/vfio.rst). */
bool device_is_vfio(const struct devices *devices, const struct device *device);

/* What the bridge is to the host when it is no bridge to another bus: "host bridge", "ISA bridge",
 * "EISA bridge" or "MCA bridge". Its header is an endpoint's, so that VFIO would take it, but the
 * host itself needs it. NULL for any other device. */
const char *device_host_part(const struct device *device);

/* Whether the device's directory has an entry of that name. */
bool device_has(const struct devices *devices, const struct device *device, const char *name);

/* What tells one binding of a device from every other one of this boot: the inodes of its folder
 * and of its driver link in sysfs. The kernel makes the link anew for each binding
 * (drivers/base/dd.c, driver_sysfs_add) and the folder for each device that comes. Inode numbers of
 * sysfs count up and are not given twice in a boot: they have 64 bits since 5.5, 31 before, counted
 * around (fs/kernfs/dir.c, __kernfs_new_node). The link's ctime is of no use: it is when the inode
 * came into the cache (fs/kernfs/inode.c, set_default_inode_attr). */
struct device_inodes {
	uint64_t folder, link; /* link 0: no driver has it */
};

static inline bool device_inodes_equal(struct device_inodes a, struct device_inodes b)
{
	return a.folder == b.folder && a.link == b.link;
}

/* Reads the inodes as they are now. 0 or a negative errno. Any thread; never blocks. */
int device_inodes(
	const struct devices *devices, const struct device *device, struct device_inodes *ret);

/* How many VFs the device has now. Counts its virtfn links, because reading sriov_numvfs takes the
 * device lock and can block. */
uint32_t device_num_vfs(const struct devices *devices, const struct device *device);

/* Reads an attribute of the device as sysfs_read does. Only for attributes that never block. */
ssize_t device_read(const struct devices *devices, const struct device *device,
	const char *attribute, char *buf, size_t size);
