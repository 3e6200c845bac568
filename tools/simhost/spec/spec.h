/* SPDX-License-Identifier: MIT */
/*
 * What a host is made of, as a host file tells it (docs/simulated-host.md). The hardware stays what
 * it is while devices come, go and change drivers; that part of the truth is the model's.
 *
 * This folder includes base/. read.c reads a file, line by line; line.c has the lines that say
 * little, and gives the others to device.c and child.c; all of these note what they find in the
 * reader of reader.h.
 */
#pragma once

#include "core/pci/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
	SPEC_MAX_FUNCTIONS = 1 << 16, /* virtual ones too */
	SPEC_MAX_DRIVERS = 1024,
	SPEC_MAX_PARAMETERS = 1024,
	SPEC_MAX_COMMANDS = 1 << 14,
	SPEC_MAX_REGIONS = 1 << 12, /* of all groups */
	SPEC_MAX_MEMBERS = 1 << 12,
	SPEC_MAX_DEPTH = 32,	   /* of bridges */
	SPEC_MAX_PATH = 12,	   /* components, of what is below a device or /dev */
	SPEC_BARS = 13,		   /* lines of the attribute `resource`: 6 BARs, ROM, 6 of SR-IOV */
	SPEC_ROM = 6,		   /* which of them is the ROM */
	SPEC_ANY = -1,		   /* as PCI_ANY_ID: matches every number */
	SPEC_NO_GROUP = -1,	   /* not behind an IOMMU */
	SPEC_OWN_GROUP = -2,	   /* a group of its own, the next free number */
	SPEC_NO_NODE = -1,	   /* on no NUMA node, as the kernel says it */
	SPEC_NODE_OF_BRIDGE = -2,  /* while a line is read: on its bridge's */
	SPEC_NO_CLASS = -1,	   /* while a line is read: not said; 000000 is one */
	SPEC_HEADER_OF_CLASS = 255 /* while a line is read: as the class says */
};

struct bar {
	uint64_t start, end, flags;
};

struct sriov {
	unsigned total; /* 0: not a physical function */
	unsigned offset, stride, enabled;
	uint16_t device; /* id of a virtual function */
	bool autoprobe;
	bool shared_group; /* of the physical function, which does not isolate them */
};

struct child;
struct device;

enum { SPEC_MAX_ATTRIBUTES = 16 }; /* of an object */

/* One PCI function of the hardware. */
struct function {
	TAILQ_ENTRY(function) link;
	struct pci_address address;
	struct function *parent; /* the bridge it is behind; NULL on a root bus */
	uint16_t vendor, device, subsystem_vendor, subsystem_device;
	uint32_t class;
	uint8_t header; /* type: 0 an endpoint, 1 a PCI bridge, 2 a CardBus bridge */
	uint8_t revision, secondary, subordinate; /* the last two of a bridge: 0 when not said */
	int numa, group;			  /* SPEC_NO_NODE; SPEC_NO_GROUP, SPEC_OWN_GROUP */
	unsigned irq, link_width, depth;
	char *link_speed, *reset; /* NULL where there is none */
	char *driver;		  /* has it at boot; NULL: whichever matches */
	char *override;		  /* at boot */
	bool driverless;	  /* nothing has it at boot, though something might match */
	bool boot_vga, conventional;
	bool boot_display; /* the attribute of newer kernels */
	bool bootfb;	   /* the firmware's frame buffer is in it until a driver takes over */
	struct bar bars[SPEC_BARS];
	struct sriov sriov;
	bool absent;	 /* pulled out */
	bool is_virtual; /* made by SR-IOV: it ends with its device */
	struct device *now;
	struct child *children; /* what drivers make of it */
};

TAILQ_HEAD(functions, function);

/* Whether it is a bridge to another bus, which its header tells, not its class. */
static inline bool function_is_bridge(const struct function *f)
{
	return f->header != 0;
}

/* What a class usually has for a header. */
static inline uint8_t header_of_class(uint32_t class)
{
	return class >> 8 == 0x0604 ? 1 : class >> 8 == 0x0607 ? 2 : 0;
}

/* An entry of a driver's table; SPEC_ANY for what it does not look at. */
struct match {
	int64_t vendor, device, subsystem_vendor, subsystem_device;
	uint32_t class, class_mask;
	bool dynamic; /* by new_id */
};

struct spec_driver {
	char *name, *module;
	struct match *matches;
	size_t n_matches;
	bool vfio, managed_dma, sriov, passive, leaves_enabled, waits, builtin, unloaded;
};

struct spec_parameter {
	char *module, *name, *value;
};

enum child_kind { CHILD_NET, CHILD_DISK, CHILD_NODE, CHILD_OBJECT, CHILD_KINDS };

/* What a driver makes of a device: a network interface, a disk, another thing with a node, or one
 * that is in sysfs alone. */
struct spec_child {
	enum child_kind kind;
	char *name;
	char *path;		     /* below the device */
	struct function *function;   /* NULL: virtual */
	const struct spec_child *on; /* of a partition: the disk */
	char *master, *lower; /* of an interface: what it is under; upon which it is, "eth0,eth1" */
	bool up, address, address6, route, pppoe, packet;
	char *holders, *file_system; /* of a disk: what is built upon it; what udev found on it */
	char *below;		     /* of a loop device: the disk that it is made of */
	uint64_t size;		     /* of a disk, in sectors */
	char *class, *dev, *number; /* of a disk or node: its class, where it is in /dev, "259:0" */
	char *bus;		    /* of an object: /sys/bus/BUS/devices has it too */
	char *vfio_group;	    /* of an object: its IOMMU group, which VFIO users open */
	char **attributes;	    /* of an object: "NAME=TEXT" */
	size_t n_attributes;
};

/* Memory that a group must not map freely: a line of its reserved_regions. */
struct spec_region {
	int group;
	uint64_t start, end;
	char *type;
};

/* A member of a group that is no PCI device, but one of the platform. */
struct spec_member {
	int group;
	char *name, *driver; /* driver NULL: none */
};

struct spec_node {
	int number;
	char *cpus;
};

/* A command of the control file, to be run once the host is up. */
struct spec_command {
	char *text;
	unsigned line;
};

enum spec_iommu { IOMMU_INTEL, IOMMU_AMD, IOMMU_NONE };

struct spec {
	char *kernel, *cmdline;
	char *boot_id;	  /* NULL: each mount has its own */
	unsigned version; /* major * 1000 + minor */
	unsigned cpus;
	bool amd_cpu, no_interrupt_remapping, cdev;
	bool console; /* on the first frame buffer */
	enum spec_iommu iommu;
	struct functions functions;
	size_t n_functions; /* and virtual ones that are there after boot */
	struct spec_driver *drivers;
	size_t n_drivers;
	struct spec_parameter *parameters;
	size_t n_parameters;
	struct spec_child **children;
	size_t n_children;
	struct spec_node *nodes;
	size_t n_nodes;
	struct spec_region *regions;
	size_t n_regions;
	struct spec_member *members;
	size_t n_members;
	struct spec_command *commands;
	size_t n_commands;
};

/* An empty host: Linux 6.1 on an Intel machine, without a device. free with spec_free. */
struct spec *spec_new(void);
void spec_free(struct spec *spec);
void function_free(struct function *function);

/* The function at the address, or NULL; in time linear in their number. */
struct function *spec_find(const struct spec *spec, struct pci_address address);
