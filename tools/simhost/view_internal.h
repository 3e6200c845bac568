/* SPDX-License-Identifier: MIT */
/* Inside of the view: tables of what a directory has. */
#pragma once

#include "tools/simhost/memory.h"
#include "tools/simhost/view.h"

#include "core/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum view_kind {
	V_ROOT,
	V_SYS,
	V_BUS,
	V_PCI,
	V_PCI_DEVICES,
	V_PCI_DEVICE_LINK,
	V_PCI_SLOTS,
	V_DRIVERS,
	V_DRIVER,
	V_DRIVER_DEVICE_LINK,
	V_DEVICES,
	V_HOST_BRIDGE, /* object: domain, extra: bus */
	V_DEVICE,
	V_POWER,
	V_VIRTFN_LINK,
	V_VFIO_DEVS,
	V_VFIO_DEV,
	V_CHILD_PATH, /* extra: how many components of the child's path */
	V_NET,
	V_DISK,
	V_HOLDERS,
	V_HOLDER_LINK, /* extra: which */
	V_KERNEL,
	V_GROUPS,
	V_GROUP,
	V_GROUP_DEVICES,
	V_GROUP_DEVICE_LINK,
	V_MODULES,
	V_MODULE,
	V_MODULE_DRIVERS,
	V_MODULE_DRIVER_LINK,
	V_PARAMETERS,
	V_PARAMETER,
	V_CLASS,
	V_CLASS_NET,
	V_CLASS_BLOCK,
	V_CLASS_CHILD_LINK,
	V_CLASS_VFIO,
	V_CLASS_VFIO_LINK,
	V_CLASS_VFIO_DEV,
	V_CLASS_VFIO_DEV_LINK,
	V_CLASS_IOMMU,
	V_VIRTUAL,
	V_VIRTUAL_VFIO,
	V_VIRTUAL_GROUP,
	V_VIRTUAL_IOMMU,
	V_IOMMU,
	V_FIRMWARE,
	V_ACPI,
	V_TABLES,
	V_PROC,
	V_PROC_NET,
	V_PROC_SYS,
	V_PROC_SYS_KERNEL,
	V_PROCESS,
	V_FDS,
	V_FD, /* extra: number */
	V_FDINFOS,
	V_FDINFO, /* extra: number */
	V_DEV,
	V_DEV_VFIO,
	V_DEV_CDEVS,
	V_GROUP_NODE,
	V_CDEV_NODE,
	V_COUNT
};

/* What a function of the tables works on, under the model's lock. The pointer that fits the kind's
 * type of object is set. */
struct scene {
	struct model *m;
	struct node node;
	union {
		void *object;
		struct device *device;
		struct driver *driver;
		struct group *group;
		struct vfio *vfio;
		struct child *child;
		struct module *module;
		struct parameter *parameter;
		struct process *process;
	};
};

/* When reading an attribute takes the device's lock. */
enum wait { WAIT_NEVER, WAIT_OLD_KERNELS, WAIT_ALWAYS };

/* A file, link or folder. */
struct entry {
	const char *name;
	mode_t mode;
	bool (*present)(const struct scene *s); /* NULL: always */

	/* A file's content; of a link, where it leads, from /sys on (or as it is, without one). */
	void (*show)(const struct scene *s, FILE *out);
	int (*store)(struct model *m, uint32_t object, const struct write *w);
	off_t size; /* 0: a page */
	enum wait wait;
	enum view_kind kind; /* of a folder, which has this one's object */
};

struct kind {
	struct entry self;	     /* of a folder: its mode alone */
	enum object_type type;	     /* of the object that must be there; 0: none */
	const struct entry *entries; /* ended by one without a name; may be NULL */
	const char *path;	     /* below /sys, of the folder with links; or, when it varies: */
	char *(*path_of)(const struct scene *s);
	void (*list)(const struct scene *s, struct listing *out);
	bool (*find)(const struct scene *s, const char *name, struct node *ret);
	dev_t (*rdev)(const struct scene *s);
	bool fixed; /* a folder that is there as long as the host is */
};

extern const struct kind view_kinds[V_COUNT];

/* The tables, one array for each kind that has one, ended by an entry without a name. */
extern const struct entry entries_root[], entries_sys[], entries_bus[], entries_pci[],
	entries_driver[], entries_devices[], entries_host_bridge[], entries_device[],
	entries_power[], entries_vfio_dev[], entries_net[], entries_disk[], entries_kernel[],
	entries_group[], entries_module[], entries_class[], entries_class_iommu[],
	entries_virtual[], entries_virtual_group[], entries_virtual_iommu[], entries_iommu[],
	entries_firmware[], entries_acpi[], entries_tables[], entries_proc[], entries_proc_net[],
	entries_proc_sys[], entries_proc_sys_kernel[], entries_process[], entries_dev[],
	entries_dev_vfio[];

__attribute__((format(printf, 3, 4))) void listing_add(
	struct listing *out, mode_t type, const char *format, ...);

/* The number behind a prefix ("vfio12"), canonical and to the end. False for anything else. */
bool name_number(const char *name, const char *prefix, int *ret);

static inline struct node node_at(enum view_kind kind, const struct object *object)
{
	return (struct node){.kind = (uint8_t)kind, .object = object->id};
}

/* Folders and links of the kinds, by the file they are in. */
void list_pci_devices(const struct scene *s, struct listing *out);
bool find_pci_device(const struct scene *s, const char *name, struct node *ret);
void list_drivers(const struct scene *s, struct listing *out);
bool find_driver(const struct scene *s, const char *name, struct node *ret);
void list_driver_devices(const struct scene *s, struct listing *out);
bool find_driver_device(const struct scene *s, const char *name, struct node *ret);
char *path_driver(const struct scene *s);
char *path_driver_of_device(const struct scene *s);
void show_device_path(const struct scene *s, FILE *out);

void list_host_bridges(const struct scene *s, struct listing *out);
bool find_host_bridge(const struct scene *s, const char *name, struct node *ret);
void list_root_bus(const struct scene *s, struct listing *out);
bool find_root_bus(const struct scene *s, const char *name, struct node *ret);
void list_device(const struct scene *s, struct listing *out);
bool find_device(const struct scene *s, const char *name, struct node *ret);
char *path_device(const struct scene *s);
char *path_physfn(const struct scene *s);

void list_vfio_devs(const struct scene *s, struct listing *out);
bool find_vfio_dev(const struct scene *s, const char *name, struct node *ret);
char *path_vfio_dev(const struct scene *s);
void list_groups(const struct scene *s, struct listing *out);
bool find_group(const struct scene *s, const char *name, struct node *ret);
void list_group_devices(const struct scene *s, struct listing *out);
bool find_group_device(const struct scene *s, const char *name, struct node *ret);
char *path_group_of_device(const struct scene *s);
void list_class_vfio(const struct scene *s, struct listing *out);
bool find_class_vfio(const struct scene *s, const char *name, struct node *ret);
void show_vfio_group_path(const struct scene *s, FILE *out);
void list_class_vfio_dev(const struct scene *s, struct listing *out);
bool find_class_vfio_dev(const struct scene *s, const char *name, struct node *ret);
void show_vfio_dev_path(const struct scene *s, FILE *out);
void list_virtual_vfio(const struct scene *s, struct listing *out);
bool find_virtual_vfio(const struct scene *s, const char *name, struct node *ret);
char *path_virtual_group(const struct scene *s);

void list_dev_vfio(const struct scene *s, struct listing *out);
bool find_dev_vfio(const struct scene *s, const char *name, struct node *ret);
void list_dev_cdevs(const struct scene *s, struct listing *out);
bool find_dev_cdev(const struct scene *s, const char *name, struct node *ret);
dev_t rdev_group(const struct scene *s);
dev_t rdev_cdev(const struct scene *s);

/* Children of a device (NULL: virtual ones) below a prefix of their path. */
bool find_child_below(const struct scene *s, const struct function *function,
	const struct child *prefix, size_t depth, const char *name, struct node *ret);
void list_children_of(const struct scene *s, const struct function *function, struct listing *out);
void list_child_path(const struct scene *s, struct listing *out);
bool find_child_path(const struct scene *s, const char *name, struct node *ret);
void list_virtual(const struct scene *s, struct listing *out);
bool find_virtual(const struct scene *s, const char *name, struct node *ret);
void list_class_children(const struct scene *s, struct listing *out);
bool find_class_child(const struct scene *s, const char *name, struct node *ret);
void list_holders(const struct scene *s, struct listing *out);
bool find_holder(const struct scene *s, const char *name, struct node *ret);
char *path_child(const struct scene *s);
char *path_holders(const struct scene *s);
char *path_class_of_child(const struct scene *s);
void show_child_path(const struct scene *s, FILE *out);
void show_holder(const struct scene *s, FILE *out);

void list_modules(const struct scene *s, struct listing *out);
bool find_module(const struct scene *s, const char *name, struct node *ret);
void list_module_drivers(const struct scene *s, struct listing *out);
bool find_module_driver(const struct scene *s, const char *name, struct node *ret);
char *path_module_of_driver(const struct scene *s);
void show_driver_path(const struct scene *s, FILE *out);
void list_parameters(const struct scene *s, struct listing *out);
bool find_parameter(const struct scene *s, const char *name, struct node *ret);
void show_parameter(const struct scene *s, FILE *out);

void list_processes(const struct scene *s, struct listing *out);
bool find_process(const struct scene *s, const char *name, struct node *ret);
void list_fds(const struct scene *s, struct listing *out);
bool find_fd(const struct scene *s, const char *name, struct node *ret);
void show_fd(const struct scene *s, FILE *out);
void show_fdinfo(const struct scene *s, FILE *out);

/* Prints the device's configuration space, bytes. */
void config_print(const struct device *d, FILE *out);

/* Contents of /proc. */
void show_cmdline(const struct scene *s, FILE *out);
void show_cpuinfo(const struct scene *s, FILE *out);
void show_interrupts(const struct scene *s, FILE *out);
void show_proc_modules(const struct scene *s, FILE *out);
void show_swaps(const struct scene *s, FILE *out);
void show_mountinfo(const struct scene *s, FILE *out);
void show_route(const struct scene *s, FILE *out);
void show_if_inet6(const struct scene *s, FILE *out);
