/* SPDX-License-Identifier: MIT */
/*
 * A kernel's PCI core, in memory: devices, drivers, IOMMU groups, who holds what, and what a write
 * does to them. docs/simulated-host.md says what it promises; the view (view/) shows it as files.
 *
 * One lock covers all of it. What the kernel does under a device's own lock marks the device locked
 * and lets go of the model's lock while it waits, so that a write that waits for one device holds
 * up no other. Fields may be read between model_lock and model_unlock.
 *
 * Functions that change something and may wait take the lock themselves and return 0 or a negative
 * errno, as the kernel's write would. Each header says first what the view and the control file
 * call, then what the model's own files call: those are all under the model's lock, which those
 * that say they wait let go of.
 *
 * This folder includes base/ and spec/. Files of this folder include one another's headers; each
 * header includes model.h alone, which has the structs, for they point to one another.
 */
#pragma once

#include "tools/simhost/base/table.h"
#include "tools/simhost/spec/spec.h"

#include <pthread.h>
#include <sys/types.h>
#include <time.h>

enum { PAGE = 4096 };

enum object_type {
	OBJECT_DEVICE = 1,
	OBJECT_DRIVER,
	OBJECT_MODULE,
	OBJECT_PARAMETER,
	OBJECT_GROUP,
	OBJECT_VFIO,
	OBJECT_CHILD,
	OBJECT_PROCESS,
	OBJECT_MEMBER,
};

/* What every thing with a directory begins with. An id is never given to a second thing: this is
 * how a file kept open knows that its device is gone, though another has the same address. */
struct object {
	uint32_t id;
	enum object_type type;
};

struct parameter {
	struct object object;
	struct module *module;
	char *name, *value;
};

struct module {
	struct object object;
	char *name;
	bool loaded, builtin;
	bool loaded_at_boot;
	struct parameter **parameters;
	size_t n_parameters;
};

struct driver {
	struct object object;
	char *name;
	struct module *module;
	struct match *matches;
	size_t n_matches;
	size_t n_at_boot;    /* of the matches */
	bool vfio;	     /* a VFIO driver, plain or variant */
	bool managed_dma;    /* may share a group with a VFIO user */
	bool sriov;	     /* makes virtual functions */
	bool passive;	     /* leaves the device disabled */
	bool leaves_enabled; /* does not disable it in the end */
	bool waits;	     /* its unbind does, until the device's nodes are closed */
};

struct group {
	struct object object;
	int number;
	struct device **devices; /* in the order they came */
	size_t n_devices;
	bool noiommu;
	size_t n_vfio;	/* of its devices on a VFIO driver: while there is one, so is the node */
	unsigned minor; /* of the node */
	unsigned life;	/* which node it is, counted up: an open one may be an earlier one */
};

/* A device as its VFIO driver registered it: vfio-dev/vfioN. */
struct vfio {
	struct object object;
	struct device *device;
	int number;
};

/* One incarnation of a function, from its discovery to its removal. */
struct device {
	struct object object;
	struct function *function;
	struct device *parent;
	struct device **children;
	size_t n_children;
	struct group *group;
	struct driver *driver; /* until the unbind is complete */
	bool linked;	       /* the `driver` link is there: gone as soon as an unbind begins */
	unsigned bindings;     /* so far: each has a link of its own */
	struct vfio *vfio;
	char *override;
	unsigned enabled; /* by writes to `enable` */
	bool msi, d3cold, autoprobe, was_enabled;
	char *power_control, *reset;
	int numa;
	struct device *physfn; /* of a virtual function */
	unsigned vf_number;
	struct device **vfs;
	size_t n_vfs;
	bool locked; /* by an operation under way */
	bool gone;
	unsigned pins; /* operations that wait for it: the last one frees it */
};

/* A platform device in a group. */
struct member {
	struct object object;
	const struct spec_member *spec;
	bool driven; /* its driver has it */
};

struct path {
	char *text; /* owned; cut into parts */
	char *part[SPEC_MAX_PATH];
	size_t count;
};

/* What a driver makes of a device. It shows while its device is on that driver. */
struct child {
	struct object object;
	const struct spec_child *spec;
	struct child *sibling; /* of the same function, or of none */
	struct path path;      /* below the device, "net" "eth0"; empty: not in sysfs */
	struct path dev;       /* below /dev; empty: no node */
	/* Of a network interface: */
	unsigned index;
	bool up, route, address6, pppoe, packet;
	char *address, *master; /* NULL when it has none */
};

enum hold_kind {
	HOLD_GROUP_FILE,  /* the group alone */
	HOLD_DEVICE_FILE, /* group and device, as a virtual machine monitor has them */
	HOLD_MAPPED,	  /* every file closed, a mapping kept */
	HOLD_CDEV,	  /* /dev/vfio/devices/vfioN, not bound to an iommufd yet */
	HOLD_IOMMUFD,	  /* the same, bound */
	HOLD_NODE,	  /* a node that a native driver made: /dev/dri/card0 */
};

struct hold {
	struct process *process;
	enum hold_kind kind;
	struct pci_address address;
	uint32_t device; /* id */
	uint32_t group;	 /* id, 0 when it took none */
	unsigned life;	 /* of the group's node */
	int group_number;
	bool owns; /* the group's DMA */
	int vfio;  /* number */
	char *syspath;
	const struct child *node;
};

struct process {
	struct object object;
	pid_t pid;
	char *command;
	bool kept; /* there without holding anything */
};

struct mount {
	char *disk, *where, *type; /* type "swap": /proc/swaps */
};

struct model_fault {
	char *what; /* name of the attribute written, or of a driver whose probe fails */
	bool any, probe, block;
	struct pci_address address;
	unsigned countdown; /* 1: the next one */
	int error;
};

typedef void model_event_fn(void *arg, const char *event, size_t size);

struct model {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool stopping;
	bool scanning; /* the kernel's pci_rescan_remove_lock */
	struct spec *spec;
	struct table objects, devices, groups;
	uint32_t last_id;
	size_t n_devices;
	struct device **roots; /* devices on root buses, in discovery order */
	size_t n_roots;
	struct driver **drivers;
	size_t n_drivers;
	struct module **modules;
	size_t n_modules;
	struct group **group_list;
	size_t n_groups;
	struct vfio **vfios;
	size_t n_vfios;
	struct numbers vfio_numbers, minors;
	struct child **children;
	size_t n_children;
	struct table child_names;
	struct child *virtual_children;
	struct member *members; /* as many as the spec has */
	struct process **processes;
	size_t n_processes;
	struct hold **holds;
	size_t n_holds;
	struct mount *mounts;
	size_t n_mounts;
	struct model_fault *faults;
	size_t n_faults;
	bool no_autoprobe, tainted;
	bool booted; /* its devices have the drivers that the host file gives them */
	char boot_id[37];
	time_t boot_time;
	unsigned group_life, last_ifindex;
	int first_group, next_group; /* of those that the host file leaves to us */
	uint64_t event_number;
	model_event_fn *on_event;
	void *event_arg;
};

/* What is written to an attribute: the text, len bytes (1 to 4096), NUL-terminated behind them. */
struct write {
	const char *text;
	size_t len;
};

/* A host as it is after boot. Takes the spec over, also on failure. NULL, and *ret_error a sentence
 * (the caller frees it), when the spec's commands make no sense. name is for the error. */
struct model *model_new(struct spec *spec, const char *name, char **ret_error);
void model_free(struct model *m);

void model_lock(struct model *m);
void model_unlock(struct model *m);

/* Every operation that waits, now or later, fails with EIO. */
void model_stop(struct model *m);

/* Has fn called for every uevent, under the model's lock, with the kernel's text: "add@DEVPATH" and
 * the variables, each ended by a NUL. */
void model_listen(struct model *m, model_event_fn *fn, void *arg);

/* The object with that id, of that type; NULL when it is gone. Under the lock. */
void *model_object(const struct model *m, uint32_t id, enum object_type type);

/* Whether the kernel is of that version or a later one. */
bool model_since(const struct model *m, unsigned major, unsigned minor);

/* --- inside of the model --------------------------------------------------------------------- */

/* Runs the commands of the host file; name is for the error. False with *ret_error, a sentence that
 * the caller frees. Not under the lock. */
bool model_run_commands(struct model *m, const char *name, char **ret_error);

/* Forgets what is mounted. */
void mounts_free(struct model *m);

/* Gives the object its id and makes it findable. */
void object_add(struct model *m, struct object *object, enum object_type type);
void object_drop(struct model *m, struct object *object);

/* Takes the pointer out of an array of them, keeping the order. */
void array_drop(void *array, size_t *count, const void *element);

/* Waits until something changed. False when the host is going down. */
bool model_wait(struct model *m);
void model_wake(struct model *m);

/* Whoever adds or removes devices; waits. 0 or -EIO. */
int scan_begin(struct model *m);
void scan_end(struct model *m);
