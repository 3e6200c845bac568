/* SPDX-License-Identifier: MIT */
/*
 * What a capture is made of.
 *
 * Everything is read first, part by part, and then printed in the order of a host file. Names that
 * come from the host go into the file only when capture_is_name says so; sentences about what is
 * left out become comments by capture_note.
 *
 * Functions that read return 0, or -1 when memory is short, unless they say otherwise.
 */
#pragma once

#include "core/helper/helper.h"
#include "core/pci/device.h"
#include "core/pci/sysfs.h"

#include <stdbool.h>
#include <stdio.h>

enum {
	CAPTURE_NAME_SIZE = 64,
	CAPTURE_PATH_SIZE = 256,
	CAPTURE_MAX_FILE = 16 << 20, /* of a file in /proc */
};

struct capture_driver {
	char name[CAPTURE_NAME_SIZE];
	char module[CAPTURE_NAME_SIZE];
	bool builtin, vfio, managed_dma, sriov, passive;
	unsigned enabled, disabled; /* its devices, bridges apart */
};

/* What is known of driver_override. */
enum capture_override { OVERRIDE_NONE, OVERRIDE_SET, OVERRIDE_UNKNOWN };

/* A PCI function. */
struct capture_device {
	struct pci_address address;
	struct device *device;		  /* a reference; NULL: it left while it was read */
	struct capture_driver *driver;	  /* NULL: none */
	struct capture_device *parent;	  /* the bridge it is behind; NULL on a root bus */
	struct capture_device *no_bridge; /* what it is behind that is no bridge to the format */
	bool is_vfio, is_noiommu;
	bool by_id; /* a VFIO driver took it by its id, without an override */
	unsigned enabled, n_vfs;
	char vfio_name[32];
	enum capture_override override;
	char override_text[OVERRIDE_SIZE];
};

/* A network interface. */
struct capture_net {
	char name[CAPTURE_NAME_SIZE];  /* the host's */
	char label[CAPTURE_NAME_SIZE]; /* in the file */
	char upper[CAPTURE_NAME_SIZE]; /* the host's name of what is stacked upon it; "" */
	bool is_slave;		       /* of a bond, bridge or team: the upper one is its master */
	char path[CAPTURE_PATH_SIZE];  /* below the device; "" for the usual one */
	const struct capture_device *device; /* NULL: virtual */
};

/* A disk, a partition, or what is built upon them. */
struct capture_disk {
	char name[CAPTURE_NAME_SIZE];
	char label[CAPTURE_NAME_SIZE];
	char on[CAPTURE_NAME_SIZE]; /* of a partition: the host's name of its disk */
	char path[CAPTURE_PATH_SIZE];
	char number[32];
	const struct capture_device *device; /* NULL: virtual, or a partition */
};

/* Who uses VFIO; of fixed size, for a child finds it out. */
struct capture_holders {
	size_t count;
	bool is_truncated;
	struct holder items[1024];
};

struct capture {
	FILE *out;
	struct sysfs sysfs;
	struct devices *cache;
	struct capture_device *devices; /* sorted by address */
	size_t n_devices;
	struct capture_driver *drivers; /* sorted by name */
	size_t n_drivers;
	struct capture_net *nets; /* sorted by name */
	size_t n_nets;
	struct capture_disk *disks; /* sorted by name */
	size_t n_disks;
	struct capture_holders holders;
	bool holders_unknown;
	char *iomem;		/* /proc/iomem; owned; NULL where it cannot be read */
	bool unsafe_interrupts; /* not remapped, and VFIO does not put up with that */
};
