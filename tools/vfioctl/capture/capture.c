/* SPDX-License-Identifier: MIT */
/* A host as a host file: its parts in order. */
#include "tools/vfioctl/capture/capture.h"
#include "core/pci/real.h"
#include "tools/vfioctl/capture/device.h"
#include "tools/vfioctl/capture/disk.h"
#include "tools/vfioctl/capture/driver.h"
#include "tools/vfioctl/capture/group.h"
#include "tools/vfioctl/capture/hold.h"
#include "tools/vfioctl/capture/host.h"
#include "tools/vfioctl/capture/mount.h"
#include "tools/vfioctl/capture/net.h"
#include "tools/vfioctl/capture/print.h"
#include "tools/vfioctl/capture/text.h"

#include "core/base/util.h"
#include "core/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void capture_clear(struct capture *c)
{
	for (size_t i = 0; i < c->n_devices; i++)
		device_unref(c->devices[i].device);
	free(c->devices);
	free(c->drivers);
	free(c->nets);
	free(c->disks);
	free(c->iomem);
	if (c->cache)
		devices_free(c->cache);
	sysfs_close(&c->sysfs);
}

static int open_host(struct capture *c, const char *root, struct fault *fault)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	int r = sysfs_open(&c->sysfs, root);

	if (r < 0)
		return fault_set(fault, r, "cannot open %s: %s", root, strerror(-r));
	if (c->sysfs.devices_fd < 0)
		return fault_set(fault, -ENOENT,
			"%s%ssys/bus/pci/devices cannot be read: there is no PCI here", root,
			root[strlen(root) - 1] == '/' ? "" : "/");
	if (devices_new(&c->sysfs, NULL, &c->cache, &err) < 0)
		return fault_set(fault, -EIO, "%s", err.message);
	return 0;
}

static int read_host(struct capture *c, struct fault *fault)
{
	int r;

	if (capture_read_drivers(c) < 0)
		return fault_set(fault, -ENOMEM, "out of memory");
	r = capture_read_devices(c);
	if (r < 0)
		return fault_set(fault, r, "sys/bus/pci/devices cannot be read: %s", strerror(-r));
	c->iomem = capture_slurp(c, "proc/iomem");
	if (capture_read_overrides(c) < 0 || capture_read_nets(c) < 0 ||
		capture_read_disks(c) < 0 || capture_read_holders(c) < 0)
		return fault_set(fault, -ENOMEM, "out of memory");
	return 0;
}

static void print_head(struct capture *c)
{
	fputs("# The PCI devices of a host, captured by vfioctl " VFIOD_VERSION
	      " for its simulated host (simhost).\n"
	      "# Serial numbers, MAC and IP addresses, host and user names are not in it; names of\n"
	      "# network interfaces, disks and drivers are.\n",
		c->out);
}

static void print_host(struct capture *c)
{
	print_head(c);
	capture_print_host(c);
	fputc('\n', c->out);
	capture_print_drivers(c);
	fputc('\n', c->out);
	capture_print_devices(c);
	capture_print_groups(c);
	fputc('\n', c->out);
	capture_print_nets(c);
	capture_print_disks(c);
	capture_print_mounts(c);
	capture_print_holders(c);
}

int capture_write(const char *root, FILE *out, struct fault *fault)
{
	CLEANUP(capture_clear) struct capture c = {.out = out, .sysfs = SYSFS_INIT};

	int r = open_host(&c, root, fault);

	if (r == 0)
		r = read_host(&c, fault);
	if (r == 0)
		print_host(&c);
	return r;
}
