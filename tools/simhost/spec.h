/* SPDX-License-Identifier: MIT */
/*
 * What a host is made of, as a host file tells it (docs/simulated-host.md). The hardware stays what
 * it is while devices come, go and change drivers; that part of the truth is the model's.
 */
#pragma once

#include "core/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
	SPEC_BARS = 13,	    /* lines of the attribute `resource`: 6 BARs, ROM, 6 of SR-IOV */
	SPEC_ANY = -1,	    /* as PCI_ANY_ID: matches every number */
	SPEC_NO_GROUP = -1, /* not behind an IOMMU */
	SPEC_OWN_GROUP = -2 /* a group of its own, the next free number */
};

struct bar {
	uint64_t start, end, flags;
};

struct sriov {
	unsigned total; /* 0: not a physical function */
	unsigned offset, stride, enabled;
	uint16_t device; /* id of a virtual function */
	bool autoprobe;
};

struct device;

/* One PCI function of the hardware. */
struct function {
	TAILQ_ENTRY(function) link;
	struct pci_address address;
	struct function *parent; /* the bridge it is behind; NULL on a root bus */
	uint16_t vendor, device, subsystem_vendor, subsystem_device;
	uint32_t class;
	uint8_t revision, secondary, subordinate; /* the last two of a bridge: 0 when not said */
	int numa, group;			  /* SPEC_NO_GROUP, SPEC_OWN_GROUP */
	unsigned irq, link_width;
	char *link_speed, *reset; /* NULL where there is none */
	char *driver;		  /* has it at boot; NULL: whichever matches */
	char *override;		  /* at boot */
	bool driverless;	  /* nothing has it at boot, though something might match */
	bool boot_vga, conventional;
	struct bar bars[SPEC_BARS];
	struct sriov sriov;
	bool absent;	 /* pulled out */
	bool is_virtual; /* made by SR-IOV: it ends with its device */
	struct device *now;
};

TAILQ_HEAD(functions, function);

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
	bool vfio, managed_dma, sriov, passive, builtin, unloaded;
};

struct spec_parameter {
	char *module, *name, *value;
};

/* A network interface or a disk. */
struct spec_child {
	char *name, *path, *on, *master, *holders, *number;
	struct function *function; /* NULL: virtual */
	uint64_t size;		   /* of a disk, in sectors */
	bool is_disk, up, address, address6, route;
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
	unsigned version; /* major * 1000 + minor */
	unsigned cpus;
	bool amd_cpu, no_interrupt_remapping, cdev;
	enum spec_iommu iommu;
	struct functions functions;
	size_t n_functions;
	struct spec_driver *drivers;
	size_t n_drivers;
	struct spec_parameter *parameters;
	size_t n_parameters;
	struct spec_child *children;
	size_t n_children;
	struct spec_node *nodes;
	size_t n_nodes;
	struct spec_command *commands;
	size_t n_commands;
};

/* An empty host: Linux 6.1 on an Intel machine, without a device. free with spec_free. */
struct spec *spec_new(void);
void spec_free(struct spec *spec);
void function_free(struct function *function);

/* The function at the address, or NULL; in time linear in their number. */
struct function *spec_find(const struct spec *spec, struct pci_address address);

/* Reads a host file. NULL, and *ret_error a sentence that begins with file and line (the caller
 * frees it), when it cannot be read or does not say what docs/simulated-host.md asks for. */
struct spec *spec_read(const char *path, char **ret_error);

/* Reads the text of a host file; name is for the errors. */
struct spec *spec_parse(const char *text, const char *name, char **ret_error);
