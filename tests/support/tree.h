/* SPDX-License-Identifier: MIT */
/*
 * A static host for tests: a temporary folder that looks like /sys, /proc and /dev.
 *
 * Nothing in it reacts to a write; what a kernel would do is done by tree_bind and the like, which
 * tests/support/fake_helper.h calls. Every function aborts the test program when the file system
 * fails it. The files may be changed while other threads read them; the struct itself belongs to
 * one thread at a time.
 */
#pragma once

#include "core/pci/address.h"

#include <stdbool.h>
#include <stddef.h>

struct tree;

/* A PCI function. Only address is needed: what is 0 or NULL is as on a plain device. */
struct tree_device {
	const char *address;
	const char *behind; /* the bridge above it */
	unsigned vendor, device, subsystem_vendor, subsystem_device, revision;
	unsigned class;		  /* 24 bits; 0: 0x020000 */
	int group;		  /* 0: none */
	const char *driver;	  /* has it now */
	const char *native;	  /* matches its ids; NULL: driver, or none */
	const char *numa_node;	  /* NULL: "-1" */
	const char *override;	  /* NULL: unset */
	const char *reset_method; /* NULL: "flr bus" */
	const char *resource;	  /* the file's text; NULL: one BAR of 64 KiB */
	bool boot_vga;
	unsigned total_vfs; /* SR-IOV capable when not 0 */
	const char *physfn; /* it is a VF of this one, and gets its next virtfn link */
};

/* A network interface of a device, or of none when address is NULL. */
struct tree_net {
	const char *name;
	const char *address;
	bool up;
	bool route;	    /* a network's route in proc/net/route */
	bool default_route; /* the default one there */
	const char *scope6; /* "00" global or "20" link-local: an address in proc/net/if_inet6 */
	const char *master; /* a bond, bridge or team */
	const char *upper;  /* a VLAN or macvlan upon it */
};

/* A block device of a PCI device, or a virtual one when address is NULL. */
struct tree_disk {
	const char *name;
	const char *address;
	const char *parent;	/* this one is a partition of that disk */
	const char *number;	/* "259:0"; NULL: one of its own */
	const char *holder;	/* md, dm and the like that is built upon it */
	const char *mounted_on; /* a line of its number in proc/1/mountinfo */
	bool swap;
};

/* A thing with a character node, by which a native driver is used. */
struct tree_node {
	const char *address; /* of its PCI device; NULL: a virtual one */
	const char *path;    /* its folder below the device's: "drm/card0" */
	const char *number;  /* "226:0" */
	const char *node;    /* below /dev, as udev names it: "dri/card0"; NULL: udev does not */
};

/* An empty host: the folders, a vfio-pci driver, proc files without entries. */
struct tree *tree_new(void);

/*
 * The host most tests want:
 *   0000:00:01.0  root port, pcieport, group 10
 *   0000:00:02.0  the display booted on, i915, group 5
 *   0000:01:00.0  GPU 10de:2204, nvidia, group 1, NUMA node 0, behind the root port
 *   0000:01:00.1  its audio function 10de:1aef, snd_hda_intel, group 1
 *   0000:02:00.0  e1000e 8086:10d3, group 2, NUMA node 1; its interface eth0 is down
 *   0000:03:00.0  e1000e 8086:10d3, group 3; its interface eth1 has the default route
 *   0000:04:00.0  NVMe 144d:a80a, nvme, group 4; nvme0n1p1 is mounted on /
 *   0000:05:00.0  igb 8086:1521, group 6, with the VFs 0000:05:10.0 and .2 (igbvf, groups 7, 8)
 *   0000:06:00.0  NVMe 144d:a80a on vfio-pci, native driver nvme, group 9
 *   0000:07:00.0  xhci_hcd 1b21:2142 without an IOMMU group
 *   0000:08:00.0  1e49:0071 without a driver, native nvme, group 11
 *   10000:e1:00.0 NVMe 8086:0a54 behind VMD, nvme, group 12
 */
struct tree *tree_new_standard(void);

/* Removes the folder and everything in it; NULL is fine. */
void tree_free(struct tree *tree);

/* The folder to give as --root; the tree's. */
const char *tree_root(const struct tree *tree);

/* An empty folder for the store, beside the root; the tree's. */
const char *tree_state(const struct tree *tree);

/* A fresh descriptor of the folder for the privileged helper's locks. The caller closes it. */
int tree_open_locks(const struct tree *tree);

void tree_add_device(struct tree *tree, const struct tree_device *device);

/* Takes the device away with all that hangs on it, as pulling it out would. */
void tree_remove_device(struct tree *tree, const char *address);

/* Makes a driver known: its folder with bind and unbind. One that exists stays. */
void tree_add_driver(struct tree *tree, const char *name);

/* Gives the device a driver, as the end of a probe leaves things: the driver link, the driver's
 * link back, and for a VFIO driver vfio-dev/vfioN and the nodes below dev/vfio. */
void tree_bind(struct tree *tree, const char *address, const char *driver);

/* Takes its driver away, if it has one. */
void tree_unbind(struct tree *tree, const char *address);

/* From now on its native driver does not disable it when it is unbound. */
void tree_leave_enabled(struct tree *tree, const char *address);

/* The name of its driver into buf, "" for none. */
void tree_driver(const struct tree *tree, const char *address, char *buf, size_t size);

/* The override into buf, "" for none. */
void tree_override(const struct tree *tree, const char *address, char *buf, size_t size);
void tree_set_override(struct tree *tree, const char *address, const char *override);

/* The driver that matches its ids, "" for none; the tree's. */
const char *tree_native(const struct tree *tree, const char *address);

/* Everything a change may alter, as text to compare: driver, override and VFIO nodes of every
 * device. The caller frees it. */
char *tree_snapshot(const struct tree *tree);

void tree_add_net(struct tree *tree, const struct tree_net *net);
void tree_add_disk(struct tree *tree, const struct tree_disk *disk);
void tree_add_node(struct tree *tree, const struct tree_node *node);

/* Below the root: writes a file, making its folders; appends to one; reads one (the caller frees
 * it, NULL when there is none); makes a relative link from path to target, both below the root. */
void tree_write(const struct tree *tree, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void tree_append(const struct tree *tree, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
char *tree_read(const struct tree *tree, const char *path);
void tree_link(const struct tree *tree, const char *path, const char *target);
void tree_mkdir(const struct tree *tree, const char *path);
void tree_remove(const struct tree *tree, const char *path);
bool tree_exists(const struct tree *tree, const char *path);
