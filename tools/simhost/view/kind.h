/* SPDX-License-Identifier: MIT */
/* The tables of what a directory has, and their kinds of things. */
#pragma once

#include "tools/simhost/model/model.h"
#include "tools/simhost/view/node.h"

#include <stdio.h>
#include <sys/stat.h>

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
	V_NODE,
	V_OBJECT,
	V_ATTRIBUTE, /* extra: which */
	V_OTHER_BUS, /* object: a child of that bus */
	V_BUS_CHILDREN,
	V_BUS_CHILD_LINK,
	V_STACK_LINK, /* extra: the other interface's place in the model's list */
	V_HOLDERS,
	V_LOOP,
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
	V_CLASS_NODES, /* object: a child of that class */
	V_CLASS_CHILD_LINK,
	V_NUMBERS,
	V_CHAR_NUMBERS,
	V_BLOCK_NUMBERS,
	V_NUMBER_LINK,
	V_CLASS_VFIO,
	V_CLASS_VFIO_LINK,
	V_CLASS_VFIO_DEV,
	V_CLASS_VFIO_DEV_LINK,
	V_CLASS_IOMMU,
	V_CLASS_CONSOLE,
	V_VIRTUAL_CONSOLE,
	V_CONSOLE,
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
	V_PROC_SYS_RANDOM,
	V_PROCESS,
	V_FDS,
	V_FD, /* extra: number */
	V_FDINFOS,
	V_FDINFO, /* extra: number */
	V_PROC_DRIVER,
	V_NVIDIA,
	V_NVIDIA_GPUS,
	V_NVIDIA_GPU,
	V_LIB,
	V_LIB_MODULES,
	V_LIB_RELEASE,
	V_RUN,
	V_UDEV,
	V_UDEV_DATA,
	V_UDEV_FILE,
	V_PLATFORM,
	V_MEMBER,
	V_MEMBER_LINK, /* in its group */
	V_BUS_PLATFORM,
	V_PLATFORM_DEVICES,
	V_PLATFORM_DEVICE_LINK,
	V_PLATFORM_DRIVERS,
	V_PLATFORM_DRIVER, /* object: a member that names it */
	V_DEV,
	V_DEV_PATH, /* extra: how many components of the child's place in /dev */
	V_CHAR_NODE,
	V_BLOCK_NODE,
	V_DEV_VFIO,
	V_DEV_CDEVS,
	V_GROUP_NODE, /* extra: which life of it */
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
		struct member *member;
	};
};

/* When reading an attribute takes the device's lock. */
enum wait { WAIT_NEVER, WAIT_OLD_KERNELS, WAIT_ALWAYS };

/* A file, link or folder. */
struct entry {
	const char *name;
	mode_t mode;
	bool (*present)(const struct scene *s); /* NULL: always */

	/* A file's content; of a link, where it leads, from /sys on (or as it is, when its folder
	 * has no path). Or, when it is always the same, text. */
	void (*show)(const struct scene *s, FILE *out);
	const char *text;
	int (*store)(struct model *m, uint32_t object, const struct write *w);
	off_t size; /* 0: a page */
	enum wait wait;
	enum view_kind kind; /* of a folder, which has this one's object */
	uint32_t (*life)(
		const struct scene *s); /* which one it is, for its inode; NULL: the same */
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

/* The kinds, each in the table of the file that knows it; the other tables have nothing there. They
 * are declared here rather than in ten headers of one line, for kind.c alone reads them. */
extern const struct kind kinds_fixed[V_COUNT], kinds_bus[V_COUNT], kinds_group[V_COUNT],
	kinds_child[V_COUNT], kinds_net[V_COUNT], kinds_disk[V_COUNT], kinds_module[V_COUNT],
	kinds_proc[V_COUNT], kinds_process[V_COUNT], kinds_dev[V_COUNT], kinds_platform[V_COUNT],
	kinds_object[V_COUNT];

/* The kind of a node, from the table that has it; NULL for a number that is none of ours. */
const struct kind *view_kind_of(struct node node);

enum {
	FOLDER = S_IFDIR | 0755,
	LINK = S_IFLNK | 0777,
	READ = S_IFREG | 0444,
	WRITE = S_IFREG | 0200,
	BOTH = S_IFREG | 0644,
};

/* How a kind begins: with its own mode and, when it is no folder, what it shows. */
#define DIR_OF .self = {.mode = FOLDER}
#define FIXED_DIR DIR_OF, .fixed = true
#define LINK_TO(fn) .self = {.mode = LINK, .show = (fn)}

static inline struct node node_at(enum view_kind kind, const struct object *object)
{
	return (struct node){.kind = (uint8_t)kind, .object = object->id};
}
