/* SPDX-License-Identifier: MIT */
/* Every write to /sys, each made by a child of the privileged helper. */
#include "core/helper/write.h"
#include "core/base/util.h"
#include "core/helper/look.h"
#include "core/helper/overrides.h"
#include "core/pci/real.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <stdio.h>
#include <string.h>

bool helper_name_is_safe(const char *name)
{
	return driver_name_is_safe(name);
}

bool helper_is_vfio_name(const char *name)
{
	return helper_name_is_safe(name) && driver_is_vfio(name);
}

/* What an override held before we came may be any text; what it must not do is end the line. */
static bool override_is_safe(const char *text)
{
	for (const char *s = text; *s; s++) {
		if (!isprint((unsigned char)*s))
			return false;
	}
	return true;
}

/* Writes one attribute. A link in a simulated host may lead out of it. 0 or errno. */
static int write_at(const struct helper_service *s, int dirfd, const char *path, const char *text)
{
	CLEANUP(fd_cleanup) int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return errno;
	if (!s->sysfs.is_real && sysfs_file_is_real(fd))
		return EPERM;
	ssize_t n = write(fd, text, len);
	if (n < 0)
		return errno;
	return (size_t)n == len ? 0 : EIO;
}

static int write_device(const struct helper_service *s, struct pci_address address,
	const char *attribute, const char *text)
{
	char path[PCI_ADDRESS_SIZE + 32], name[PCI_ADDRESS_SIZE];

	pci_address_format(address, name);
	snprintf(path, sizeof(path), "%s/%s", name, attribute);
	return write_at(s, s->sysfs.devices_fd, path, text);
}

int helper_write_override_get(
	const struct helper_service *s, struct pci_address address, char *text, size_t size)
{
	char path[PCI_ADDRESS_SIZE + 32], name[PCI_ADDRESS_SIZE];
	size_t len;

	pci_address_format(address, name);
	snprintf(path, sizeof(path), "%s/driver_override", name);
	/* This one waits, for the device's lock. The text stays as it is: a cleaned one would be
	 * restored as what it never was. */
	CLEANUP(fd_cleanup) int fd = openat(s->sysfs.devices_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	CLEANUP(free_cleanup) char *value = sysfs_slurp_fd(fd, size, &len);
	if (!value)
		return errno;
	value[strcspn(value, "\n")] = '\0';
	if (strcmp(value, "(null)") == 0)
		value[0] = '\0';
	if (strlen(value) >= size)
		return EFBIG;
	snprintf(text, size, "%s", value);
	return override_is_safe(text) ? 0 : EINVAL;
}

/* What somebody else put there is kept before it is written over, that it may be given back. 0 or
 * errno. */
static int keep_override(const struct helper_service *s, const struct helper_request *request)
{
	CLEANUP(device_cleanup) struct device *d = NULL;
	char now[OVERRIDE_SIZE] = "";
	int error = helper_write_override_get(s, request->address, now, sizeof(now));

	if (error || now[0] == '\0' || helper_is_vfio_name(now) || strcmp(now, request->name) == 0)
		return error;
	error = helper_open_device(s, request->address, &d);
	return error ? error : helper_overrides_add(s, d, now);
}

/* One that is back where it was need not be kept. */
static void forget_override(const struct helper_service *s, const struct helper_request *request)
{
	CLEANUP(device_cleanup) struct device *d = NULL;

	if (request->name[0] && !helper_is_vfio_name(request->name) &&
		helper_open_device(s, request->address, &d) == 0)
		helper_overrides_drop(s, d, request->name);
}

int helper_write_override(const struct helper_service *s, const struct helper_request *request)
{
	char text[OVERRIDE_SIZE + 1];
	int error = override_is_safe(request->name) ? keep_override(s, request) : EINVAL;

	if (error)
		return error;
	/* Zero bytes change nothing; a newline alone clears it. */
	snprintf(text, sizeof(text), "%s\n", request->name);
	error = write_device(s, request->address, "driver_override", text);
	if (!error)
		forget_override(s, request);
	return error;
}

static int write_driver(const struct helper_service *s, struct pci_address address,
	const char *driver, const char *attribute)
{
	char path[DRIVER_NAME_SIZE + 48], text[PCI_ADDRESS_SIZE];

	if (!helper_name_is_safe(driver))
		return EINVAL;
	pci_address_format(address, text);
	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%.*s/%s", DRIVER_NAME_SIZE, driver,
		attribute);
	return write_at(s, s->sysfs.root_fd, path, text);
}

int helper_write_bind(const struct helper_service *s, const struct helper_request *request)
{
	return write_driver(s, request->address, request->name, "bind");
}

/* Loads the modules of that name or alias, but for those on the administrator's blacklist. 0 or
 * errno. */
static int load_modules(const char *name)
{
	struct kmod_list *list = NULL, *item;
	struct kmod_ctx *kmod = kmod_new(NULL, NULL);
	int error = kmod ? kmod_module_new_from_lookup(kmod, name, &list) : -ENOMEM;

	if (!error && !list)
		error = -ENOENT;
	kmod_list_foreach(item, list)
	{
		struct kmod_module *module = kmod_module_get_module(item);

		if (error >= 0)
			error = kmod_module_probe_insert_module(
				module, KMOD_PROBE_APPLY_BLACKLIST, NULL, NULL, NULL, NULL);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	kmod_unref(kmod);
	return error < 0 ? -error : 0;
}

int helper_write_load(const struct helper_service *s, const char *name)
{
	if (!s->sysfs.is_real)
		return EPERM;
	if (strcmp(name, "vfio-pci") != 0 && strcmp(name, "vfio_iommu_type1") != 0)
		return EINVAL;
	return load_modules(name);
}

/* Whether the device is free for the driver that its ids say, and that driver is not there. */
static bool lacks_driver(const struct helper_service *s, const struct helper_request *request)
{
	char path[PCI_ADDRESS_SIZE + 16], name[PCI_ADDRESS_SIZE], text[OVERRIDE_SIZE] = "";

	pci_address_format(request->address, name);
	snprintf(path, sizeof(path), "%s/driver", name);
	return sysfs_link_name(s->sysfs.devices_fd, path, text, sizeof(text)) == -ENOENT &&
	       helper_write_override_get(s, request->address, text, sizeof(text)) == 0 && !text[0];
}

/* The alias comes from the kernel, so main chooses no module. */
static int load_driver(const struct helper_service *s, const char *name)
{
	char path[PCI_ADDRESS_SIZE + 16], alias[256];

	snprintf(path, sizeof(path), "%s/modalias", name);
	ssize_t n = sysfs_read(s->sysfs.devices_fd, path, alias, sizeof(alias));
	if (n < 0)
		return (int)-n;
	return strncmp(alias, "pci:", 4) == 0 ? load_modules(alias) : EINVAL;
}

/* udev loaded the driver's module when the device appeared. It may have been unloaded since, or
 * the device was VFIO's from the start. */
int helper_write_probe(const struct helper_service *s, const struct helper_request *request)
{
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(request->address, text);
	int error = write_at(s, s->sysfs.root_fd, "sys/bus/pci/drivers_probe", text);
	if (error || !s->sysfs.is_real || !lacks_driver(s, request) || load_driver(s, text))
		return error;
	return write_at(s, s->sysfs.root_fd, "sys/bus/pci/drivers_probe", text);
}

/* From the driver that main thinks has it, and no other: the kernel looks, so whatever another tool
 * does meanwhile is not undone unseen. One that has no driver is as it was to be. */
int helper_write_unbind(const struct helper_service *s, const struct helper_request *request)
{
	char path[PCI_ADDRESS_SIZE + 16], name[PCI_ADDRESS_SIZE], driver[DRIVER_NAME_SIZE];
	int error = write_driver(s, request->address, request->name, "unbind");

	if (error != ENODEV && error != ENOENT)
		return error;
	pci_address_format(request->address, name);
	snprintf(path, sizeof(path), "%s/driver", name);
	return sysfs_link_name(s->sysfs.devices_fd, path, driver, sizeof(driver)) == -ENOENT
		       ? 0
		       : error;
}
