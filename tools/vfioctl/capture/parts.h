/* SPDX-License-Identifier: MIT */
/*
 * What a capture is made of.
 *
 * Everything is read first, part by part, and then printed in the order of a host file. Names that
 * come from the host go into the file only when capture_is_name says so; sentences about what is
 * left out become comments by capture_note.
 */
#pragma once

#include "core/device.h"
#include "core/hand.h"
#include "core/sysfs.h"

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
	char override_text[HAND_OVERRIDE_SIZE];
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
	struct hand_holder items[1024];
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
	bool unsafe_interrupts; /* not remapped, and VFIO does not put up with that */
};

/* --- reading: 0, or -1 when memory is short ------------------------------------------------------
 */

/* Drivers first; devices point to them. */
int capture_read_drivers(struct capture *c);
/* 0, or a negative errno: the folder of the devices cannot be read. */
int capture_read_devices(struct capture *c);
int capture_read_overrides(struct capture *c);
int capture_read_nets(struct capture *c);
int capture_read_disks(struct capture *c);
int capture_read_holders(struct capture *c);

/* --- printing ------------------------------------------------------------------------------------
 */

void capture_print_host(struct capture *c);
void capture_print_drivers(struct capture *c);
void capture_print_devices(struct capture *c);
void capture_print_nets(struct capture *c);
void capture_print_disks(struct capture *c);
void capture_print_mounts(struct capture *c);
void capture_print_holders(struct capture *c);

/* bars= and rom= of one device, as its `resource` has them. */
void capture_print_bars(struct capture *c, const struct capture_device *d);

/* A comment of its own line. What is not printable ASCII becomes a question mark. */
void capture_note(struct capture *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- helpers -------------------------------------------------------------------------------------
 */

/* Whether a host file can have the text as a name: letters, digits and few other signs. */
bool capture_is_name(const char *text);

/* Whether it can stand between quotes. */
bool capture_is_text(const char *text);

/* The name for the file: the host's own, or one made of kind and number where that cannot be
 * written or holds a hardware address. */
void capture_label(
	const char *name, const char *kind, unsigned number, char out[static CAPTURE_NAME_SIZE]);

/* A file below the root as a string; the caller frees it. NULL with errno set. */
char *capture_slurp(const struct capture *c, const char *path);

/* Takes the next line off *text into buf, cut to its size. False at the end, or when text is NULL.
 */
bool capture_line(const char **text, char *buf, size_t size);

/* items with room for one more; NULL when memory is short. */
void *capture_room(void *items, size_t count, size_t size);

struct capture_device *capture_device_at(const struct capture *c, struct pci_address address);
struct capture_driver *capture_driver_named(const struct capture *c, const char *name);

/* The driver that the file makes take devices of these ids by itself, or NULL. */
const struct capture_driver *capture_driver_by_id(
	const struct capture *c, uint16_t vendor, uint16_t device);

/* Reads an attribute of a device into buf, "" when it has none. Its length, or a negative errno. */
ssize_t capture_attribute(const struct capture *c, const struct capture_device *d, const char *name,
	char *buf, size_t size);

/* The same for one that is a number. */
unsigned capture_number(const struct capture *c, const struct capture_device *d, const char *name,
	unsigned otherwise);

/* The device that a path of the device tree is below, with the rest of the path in *ret_below:
 * "net/eth0". NULL when it is below none. */
struct capture_device *capture_device_above(
	const struct capture *c, const char *path, const char **ret_below);

/* Whether interfaces and disks of the device show in the file: it is there, on a driver of its own.
 */
bool capture_has_children(const struct capture_device *d);

/* Prints path=, where the path below the device is not the usual one. */
void capture_print_path(struct capture *c, const char *path, const char *usual, const char *label);

/* Runs work in a child that shares arg, which is memory of capture_share. It has silence_ms between
 * one byte written to beat and the next, and to its end. False when it was silent for longer: it is
 * killed, and left behind if the kernel does not let it die; or when it cannot be started. */
bool capture_in_child(void (*work)(void *arg, int beat), void *arg, int silence_ms);

/* Zeroed memory that children share; NULL when there is none. */
void *capture_share(size_t size);
void capture_unshare(void *memory, size_t size);
