/* SPDX-License-Identifier: MIT */
/* The PCI drivers of a capture. */
#include "tools/vfioctl/capture/driver.h"
#include "core/base/array.h"
#include "tools/vfioctl/capture/text.h"

#include "core/base/util.h"
#include "core/pci/group.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
	return strcmp(
		((const struct capture_driver *)a)->name, ((const struct capture_driver *)b)->name);
}

struct capture_driver *capture_driver_named(const struct capture *c, const char *name)
{
	struct capture_driver key;

	if (c->n_drivers == 0 || strlen(name) >= sizeof(key.name))
		return NULL;
	snprintf(key.name, sizeof(key.name), "%s", name);
	return bsearch(&key, c->drivers, c->n_drivers, sizeof(*c->drivers), compare_names);
}

/* All of them are named like this: vfio-pci, mlx5_vfio_pci, nvgrace_gpu_vfio_pci. */
static bool is_vfio(const char *name)
{
	size_t n = strlen(name);

	return n >= 8 &&
	       (strcmp(name + n - 8, "vfio-pci") == 0 || strcmp(name + n - 8, "vfio_pci") == 0);
}

static void default_module(const char *name, char out[static CAPTURE_NAME_SIZE])
{
	snprintf(out, CAPTURE_NAME_SIZE, "%s", name);
	for (char *s = out; *s; s++)
		*s = isalnum((unsigned char)*s) ? *s : '_';
}

static int add_driver(struct capture *c, const char *name)
{
	struct capture_driver *d = ARRAY_ADD(c->drivers, c->n_drivers);

	if (!d)
		return -1;
	*d = (struct capture_driver){
		.builtin = true,
		.vfio = is_vfio(name),
		.managed_dma = group_driver_tolerated(name),
	};
	snprintf(d->name, sizeof(d->name), "%s", name);
	default_module(name, d->module);
	return 0;
}

/* A module's folder links to its drivers, also when it is built in; what can be unloaded has a
 * state. */
static void read_module(struct capture *c, int modules, const char *module)
{
	static const char PREFIX[] = "pci:";
	char path[CAPTURE_PATH_SIZE + 16];

	snprintf(path, sizeof(path), "%s/drivers", module);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(modules, path);
	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		struct capture_driver *d = capture_driver_named(c, entry->d_name + strlen(PREFIX));
		if (!d)
			continue;
		snprintf(d->module, sizeof(d->module), "%s", module);
		snprintf(path, sizeof(path), "%s/initstate", module);
		d->builtin = !sysfs_exists(modules, path);
	}
}

int capture_read_drivers(struct capture *c)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(c->sysfs.root_fd, "sys/bus/pci/drivers");

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		if (capture_is_driver(entry->d_name) && add_driver(c, entry->d_name) < 0)
			return -1;
	}
	if (c->n_drivers > 0)
		qsort(c->drivers, c->n_drivers, sizeof(*c->drivers), compare_names);
	CLEANUP(dir_cleanup) DIR *modules = sysfs_opendir(c->sysfs.root_fd, "sys/module");
	for (struct dirent *entry; modules && (entry = sysfs_readdir(modules));) {
		if (capture_is_name(entry->d_name))
			read_module(c, dirfd(modules), entry->d_name);
	}
	return 0;
}

/* --- ids -----------------------------------------------------------------------------------------
 */

/* Whether the driver's line has to name the device's ids, for the device cannot name its driver: a
 * virtual function has no line, and a VFIO driver's name would come with an override. */
static bool needs_id(const struct capture_device *d, const struct capture_driver *drv)
{
	return d->device && d->driver == drv && (drv->vfio ? d->by_id : d->device->is_virtual);
}

/* Whether the driver's line need not name the ids, for a device that has them names the driver. */
static bool is_told(
	const struct capture *c, const struct capture_driver *drv, uint16_t vendor, uint16_t device)
{
	for (size_t i = 0; !drv->vfio && i < c->n_devices; i++) {
		const struct capture_device *d = &c->devices[i];

		if (d->device && d->driver == drv && !d->device->is_virtual &&
			d->device->vendor == vendor && d->device->device == device)
			return true;
	}
	return false;
}

static bool has_id(const struct capture *c, size_t until, const struct capture_driver *drv,
	uint16_t vendor, uint16_t device)
{
	for (size_t i = 0; i < until; i++) {
		const struct capture_device *d = &c->devices[i];

		if (needs_id(d, drv) && d->device->vendor == vendor && d->device->device == device)
			return true;
	}
	return false;
}

const struct capture_driver *capture_driver_by_id(
	const struct capture *c, uint16_t vendor, uint16_t device)
{
	for (int vfio = 1; vfio >= 0; vfio--) {
		for (size_t i = 0; i < c->n_drivers; i++) {
			const struct capture_driver *drv = &c->drivers[i];

			if (drv->vfio == vfio && (has_id(c, c->n_devices, drv, vendor, device) ||
							 is_told(c, drv, vendor, device)))
				return drv;
		}
	}
	return NULL;
}

/* Each once, in the order of devices. */
static void print_ids(struct capture *c, const struct capture_driver *drv)
{
	const char *before = drv->vfio ? " new_id=" : " ids=";

	for (size_t i = 0; i < c->n_devices; i++) {
		const struct device *d = c->devices[i].device;

		if (!needs_id(&c->devices[i], drv) || has_id(c, i, drv, d->vendor, d->device) ||
			is_told(c, drv, d->vendor, d->device))
			continue;
		fprintf(c->out, "%s%04x:%04x", before, d->vendor, d->device);
		before = ",";
	}
}

static void print_driver(struct capture *c, const struct capture_driver *d)
{
	char module[CAPTURE_NAME_SIZE];

	default_module(d->name, module);
	fputs("driver ", c->out);
	capture_print_driver_name(c, d->name);
	print_ids(c, d);
	if (strcmp(module, d->module) != 0)
		fprintf(c->out, " module=%s", d->module);
	if (d->vfio)
		fputs(" vfio", c->out);
	if (d->managed_dma)
		fputs(" managed_dma", c->out);
	if (d->sriov && !d->vfio)
		fputs(" sriov", c->out);
	if (d->disabled > 0 && d->enabled == 0 && !d->vfio)
		fputs(" passive", c->out);
	if (d->builtin)
		fputs(" builtin", c->out);
	fputc('\n', c->out);
}

void capture_print_drivers(struct capture *c)
{
	/* The first that matches gets a device: what VFIO drivers took by id, they take again. */
	for (size_t i = 0; i < c->n_drivers; i++) {
		if (c->drivers[i].vfio)
			print_driver(c, &c->drivers[i]);
	}
	if (!capture_driver_named(c, "vfio-pci"))
		fputs("driver vfio-pci vfio unloaded\n", c->out);
	for (size_t i = 0; i < c->n_drivers; i++) {
		if (!c->drivers[i].vfio)
			print_driver(c, &c->drivers[i]);
	}
}
