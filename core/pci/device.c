/* SPDX-License-Identifier: MIT */
/* Reading a device and asking it what changes. */
#include "core/base/util.h"
#include "core/pci/device_table.h"
#include "core/pci/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Where an attribute is: below the kept directory, or, past the limit on fds, by its path. */
struct place {
	int dirfd;
	char path[PCI_ADDRESS_SIZE + NAME_MAX];
	const char *name;
};

static void place_of(struct place *place, const struct devices *devices,
	const struct device *device, const char *attribute)
{
	if (device->fd >= 0) {
		place->dirfd = device->fd;
		place->name = attribute;
		return;
	}
	place->dirfd = devices->sysfs->devices_fd;
	snprintf(place->path, sizeof(place->path), "%s/%s", device->text, attribute);
	place->name = place->path;
}

ssize_t device_read(const struct devices *devices, const struct device *device,
	const char *attribute, char *buf, size_t size)
{
	struct place place;

	place_of(&place, devices, device, attribute);
	return sysfs_read(place.dirfd, place.name, buf, size);
}

ssize_t device_link(const struct devices *devices, const struct device *device,
	const char *attribute, char *buf, size_t size)
{
	struct place place;

	place_of(&place, devices, device, attribute);
	return sysfs_link_name(place.dirfd, place.name, buf, size);
}

bool device_has(const struct devices *devices, const struct device *device, const char *attribute)
{
	struct place place;

	place_of(&place, devices, device, attribute);
	return sysfs_exists(place.dirfd, place.name);
}

/* Reads a number that every device has; *error keeps the first failure. */
static uint32_t read_required(const struct devices *devices, const struct device *device,
	const char *attribute, uint32_t max, int *error)
{
	char text[32], *end;
	ssize_t n = device_read(devices, device, attribute, text, sizeof(text));

	if (n < 0) {
		*error = *error ? *error : (int)n;
		return 0;
	}
	unsigned long value = strtoul(text, &end, 0);
	if (end == text || *end || value > max)
		*error = *error ? *error : -EINVAL;
	return (uint32_t)value;
}

static long read_optional(const struct devices *devices, const struct device *device,
	const char *attribute, long otherwise)
{
	char text[32], *end;

	if (device_read(devices, device, attribute, text, sizeof(text)) <= 0)
		return otherwise;
	long value = strtol(text, &end, 0);
	return *end ? otherwise : value;
}

/* Reads a number that some devices have. One that is there and cannot be read is a failure, or a
 * device short of descriptors would look like a plain one. */
static uint32_t if_any(const struct devices *devices, const struct device *device,
	const char *attribute, int *error)
{
	char text[32];
	ssize_t n = device_read(devices, device, attribute, text, sizeof(text));

	if (n < 0 && n != -ENOENT && n != -EFBIG && *error == 0)
		*error = (int)n;
	return n > 0 ? (uint32_t)strtoul(text, NULL, 0) : 0;
}

/* `resource` has a line `start end flags` for each region; one of size 0 is all zeros. */
static void read_regions(const struct devices *devices, struct device *device)
{
	enum { IO = 0x100, PREFETCH = 0x2000 };
	struct place place;
	size_t len;

	place_of(&place, devices, device, "resource");
	CLEANUP(free_cleanup) char *text = sysfs_slurp(place.dirfd, place.name, 8192, &len);
	char *save = NULL;
	char *line = text ? strtok_r(text, "\n", &save) : NULL;
	for (uint8_t i = 0; line && i < DEVICE_MAX_REGIONS;
		i++, line = strtok_r(NULL, "\n", &save)) {
		uint64_t start = 0, end = 0, flags = 0;

		if (sscanf(line, "%lx %lx %lx", &start, &end, &flags) != 3 || end <= start)
			continue;
		device->regions[device->n_regions++] = (struct device_region){
			.index = i,
			.type = flags & IO	   ? REGION_IO
				: flags & PREFETCH ? REGION_PREFETCHABLE
						   : REGION_MEMORY,
			.size = end - start + 1,
		};
	}
}

static void read_names(struct names *names, struct device *d)
{
	names_vendor(names, d->vendor, d->vendor_name, sizeof(d->vendor_name));
	names_device(names, d->vendor, d->device, d->device_name, sizeof(d->device_name));
	names_subsystem(names, d->vendor, d->device, d->subsystem_vendor, d->subsystem_device,
		d->subsystem_name, sizeof(d->subsystem_name));
	names_class(names, d->class, d->class_name, sizeof(d->class_name));
}

/* Whether it leads to another bus. Its header tells, and the kernel shows the number of that bus
 * for headers of types 1 and 2 alone (drivers/pci/pci-sysfs.c, pci_bridge_attrs). The class does
 * not: an NVSwitch is of base class 06 and an endpoint. The kernel has checked these two classes
 * against the header (drivers/pci/probe.c, pci_setup_device). */
static bool has_bus(const struct devices *devices, const struct device *d)
{
	return d->class >> 8 == 0x0604 || d->class >> 8 == 0x0607 ||
	       device_has(devices, d, "secondary_bus_number");
}

const char *device_host_part(const struct device *d)
{
	static const char *const names[] = {
		"host bridge", "ISA bridge", "EISA bridge", "MCA bridge"};

	return d->class >> 16 == 0x06 && (d->class >> 8 & 0xff) < ARRAY_SIZE(names)
		       ? names[d->class >> 8 & 0xff]
		       : NULL;
}

/* On a host with interleaved CPUs the list has hundreds of numbers, and most devices have the same.
 * A page is what the kernel prints at most. 0 or -ENOMEM. */
static int read_cpus(const struct devices *devices, struct device *d)
{
	char text[4096];

	if (device_read(devices, d, "local_cpulist", text, sizeof(text)) < 0)
		text[0] = '\0';
	d->local_cpus = strdup(text);
	return d->local_cpus ? 0 : -ENOMEM;
}

static int read_identity(const struct devices *devices, struct device *d)
{
	char link[PCI_ADDRESS_SIZE];
	int error = 0;

	d->vendor = (uint16_t)read_required(devices, d, "vendor", 0xffff, &error);
	d->device = (uint16_t)read_required(devices, d, "device", 0xffff, &error);
	d->class = read_required(devices, d, "class", 0xffffff, &error);
	d->subsystem_vendor = (uint16_t)if_any(devices, d, "subsystem_vendor", &error);
	d->subsystem_device = (uint16_t)if_any(devices, d, "subsystem_device", &error);
	d->revision = (uint8_t)if_any(devices, d, "revision", &error);
	d->boot_vga = if_any(devices, d, "boot_vga", &error) == 1;
	d->total_vfs = if_any(devices, d, "sriov_totalvfs", &error);
	if (error)
		return error;
	d->is_bridge = device_host_part(d) || has_bus(devices, d);
	d->is_virtual = device_link(devices, d, "physfn", link, sizeof(link)) > 0 &&
			pci_address_parse(link, &d->physfn);
	if (device_read(devices, d, "reset_method", d->reset_methods, sizeof(d->reset_methods)) < 0)
		d->reset_methods[0] = '\0';
	read_regions(devices, d);
	if (devices->names)
		read_names(devices->names, d);
	return read_cpus(devices, d);
}

/* Reads group and NUMA node. 0 or a negative errno. */
static int read_placement(const struct devices *devices, struct device *d)
{
	char text[16], *end;

	d->group = -1;
	if (device_link(devices, d, "iommu_group", text, sizeof(text)) > 0) {
		unsigned long group = strtoul(text, &end, 10);
		if (!*end && group <= INT32_MAX)
			d->group = (int32_t)group;
	}
	d->numa_node = (int32_t)read_optional(devices, d, "numa_node", -1);
	d->direct_region[0] = '\0';
	return d->group < 0 ? 0 : region_read_direct(devices->sysfs, d->group, d->direct_region);
}

int device_driver(const struct devices *devices, const struct device *device,
	char driver[static DRIVER_NAME_SIZE])
{
	char vendor[16];
	ssize_t n = device_link(devices, device, "driver", driver, DRIVER_NAME_SIZE);

	if (n > 0)
		return 0;
	if (n != -ENOENT)
		return (int)n;
	/* No link: driverless, or gone altogether. */
	driver[0] = '\0';
	n = device_read(devices, device, "vendor", vendor, sizeof(vendor));
	return n == -ENODEV ? -ENOENT : n < 0 ? (int)n : 0;
}

/* Whether the cache may keep the descriptor: the last eighth of those that the process may have is
 * for whoever else needs one, the reading of attributes too. */
static bool may_keep(int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	       (rlim_t)fd < limit.rlim_cur - limit.rlim_cur / 8;
}

/* Opens the device's directory, to be kept; past the limit it goes by paths, slower but true. */
static int open_folder(const struct devices *devices, struct device *d)
{
	if (devices->sysfs->devices_fd < 0)
		return -ENOENT;
	d->fd = openat(devices->sysfs->devices_fd, d->text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return errno == EMFILE || errno == ENFILE ? 0 : -errno;
	if (!may_keep(d->fd)) {
		close(d->fd);
		d->fd = -1;
	}
	return 0;
}

int device_open(const struct devices *devices, struct pci_address address, struct device **ret)
{
	struct device *d = calloc(1, sizeof(*d));
	int error;

	if (!d)
		return -ENOMEM;
	d->address = address;
	d->fd = -1;
	atomic_init(&d->refs, 1);
	pci_address_format(address, d->text);
	error = open_folder(devices, d);
	if (!error)
		error = device_driver(devices, d, d->driver);
	if (!error)
		error = read_identity(devices, d);
	if (!error)
		error = read_placement(devices, d);
	if (error) {
		device_unref(d);
		return error;
	}
	*ret = d;
	return 0;
}

int device_renew(const struct devices *devices, const struct device *old, struct device **ret)
{
	if (old->fd < 0)
		return -ENOENT;
	struct device *d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	memcpy(d, old, offsetof(struct device, driver));
	atomic_init(&d->refs, 1);
	d->local_cpus = strdup(old->local_cpus);
	d->fd = fcntl(old->fd, F_DUPFD_CLOEXEC, 0);
	int error = d->fd < 0	     ? -errno
		    : !d->local_cpus ? -ENOMEM
				     : device_driver(devices, d, d->driver);
	if (!error)
		error = read_placement(devices, d);
	if (error) {
		device_unref(d);
		return error;
	}
	*ret = d;
	return 0;
}

struct device *device_ref(struct device *device)
{
	atomic_fetch_add(&device->refs, 1);
	return device;
}

void device_unref(struct device *device)
{
	if (!device || atomic_fetch_sub(&device->refs, 1) != 1)
		return;
	fd_cleanup(&device->fd);
	free(device->local_cpus);
	free(device);
}

uint32_t device_use_count(const struct devices *devices, const struct device *device)
{
	long count = read_optional(devices, device, "enable", 0);

	return count > 0 ? (uint32_t)count : 0;
}

void device_vfio_name(
	const struct devices *devices, const struct device *device, char *buf, size_t size)
{
	struct place place;
	struct dirent *entry;

	buf[0] = '\0';
	if (!device->driver[0])
		return;
	place_of(&place, devices, device, "vfio-dev");
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(place.dirfd, place.name);
	while (dir && (entry = sysfs_readdir(dir))) {
		if (strncmp(entry->d_name, "vfio", 4) != 0 || strlen(entry->d_name) >= size)
			continue;
		snprintf(buf, size, "%s", entry->d_name);
		return;
	}
}

/* The inode of what is at the path; 0 for nothing. */
static int inode_of(int dirfd, const char *path, int flags, uint64_t *ret)
{
	struct stat status = {0};

	if (fstatat(dirfd, path, &status, flags) < 0 && errno != ENOENT)
		return -errno;
	*ret = status.st_ino;
	return 0;
}

int device_inodes(
	const struct devices *devices, const struct device *device, struct device_inodes *ret)
{
	struct device_inodes inodes = {0};
	struct place place;
	int error;

	if (device->fd >= 0)
		error = inode_of(device->fd, "", AT_EMPTY_PATH, &inodes.folder);
	else
		error = inode_of(devices->sysfs->devices_fd, device->text, 0, &inodes.folder);
	place_of(&place, devices, device, "driver");
	if (!error)
		error = inode_of(place.dirfd, place.name, AT_SYMLINK_NOFOLLOW, &inodes.link);
	if (!error && !inodes.folder)
		error = -ENOENT;
	if (!error)
		*ret = inodes;
	return error;
}

bool driver_is_vfio(const char *driver)
{
	size_t n = strlen(driver);

	return strcmp(driver, "vfio-pci") == 0 ||
	       (n > 8 && strcmp(driver + n - 8, "vfio_pci") == 0);
}

bool driver_name_is_safe(const char *driver)
{
	size_t n = strlen(driver);

	for (const char *s = driver; *s; s++) {
		if (*s < ' ' || *s > '~' || *s == '/')
			return false;
	}
	return n > 0 && n < DRIVER_NAME_SIZE && driver[0] != '.';
}

bool device_is_vfio(const struct devices *devices, const struct device *device)
{
	return device->driver[0] &&
	       (strcmp(device->driver, "vfio-pci") == 0 || device_has(devices, device, "vfio-dev"));
}

uint32_t device_num_vfs(const struct devices *devices, const struct device *device)
{
	char name[24], target[PCI_ADDRESS_SIZE];
	uint32_t n = 0;

	/* VFs are enabled and numbered together, so the first missing link is the count. */
	while (n < device->total_vfs) {
		snprintf(name, sizeof(name), "virtfn%u", n);
		if (device_link(devices, device, name, target, sizeof(target)) < 0)
			break;
		n++;
	}
	return n;
}
