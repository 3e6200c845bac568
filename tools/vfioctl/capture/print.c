/* SPDX-License-Identifier: MIT */
/* The PCI functions of a capture, as they are printed. */
#include "tools/vfioctl/capture/print.h"
#include "tools/vfioctl/capture/bars.h"
#include "tools/vfioctl/capture/device.h"
#include "tools/vfioctl/capture/driver.h"
#include "tools/vfioctl/capture/text.h"

#include "core/pci/display.h"

#include <stdlib.h>
#include <string.h>

/* A node that is not the bridge's, which a device has unless told otherwise. */
static void print_node(struct capture *c, const struct capture_device *d)
{
	int inherited = d->parent ? d->parent->device->numa_node : -1;
	int node = d->device->numa_node;

	if (node == inherited || (node < 0 && inherited < 0))
		return;
	if (node < 0)
		fputs(" numa=none", c->out);
	else
		fprintf(c->out, " numa=%d", node);
}

static void print_driver(struct capture *c, const struct capture_device *d)
{
	const char *name = d->driver ? d->driver->name : NULL;
	bool implied = name && d->is_vfio && strcmp(d->override_text, name) == 0;

	if (!d->by_id) {
		fputs(" driver=", c->out);
		capture_print_driver_name(c, name ? name : "none");
	}
	if (d->override == OVERRIDE_SET && !implied)
		fprintf(c->out, " override=\"%s\"", d->override_text);
}

/* What the link could do, for what it does follows the device's sleep. */
static void print_link(struct capture *c, const struct capture_device *d)
{
	char speed[32];

	if (capture_attribute(c, d, "max_link_speed", speed, sizeof(speed)) < 0) {
		fputs(" conventional", c->out);
		return;
	}
	if (speed[0] < '0' || speed[0] > '9' || !capture_is_text(speed))
		return; /* "Unknown" */
	unsigned width = capture_number(c, d, "max_link_width", 0);
	if (width > 0 && width <= 32) /* 255: unknown */
		fprintf(c->out, " link=\"%s x%u\"", speed, width);
}

static void print_reset(struct capture *c, const struct capture_device *d)
{
	const char *methods = d->device->reset_methods;
	char none[64];

	/* No method is not the same as no attribute. */
	if (!methods[0] && capture_attribute(c, d, "reset_method", none, sizeof(none)) < 0)
		return;
	if (capture_is_text(methods))
		fprintf(c->out, " reset=\"%s\"", methods);
}

/* The bus behind a bridge, when it is not that of the first device there. */
static void print_secondary(struct capture *c, const struct capture_device *d)
{
	unsigned bus = capture_is_bridge(d) ? capture_number(c, d, "secondary_bus_number", 0) : 0;

	for (size_t i = 0; bus && i < c->n_devices; i++) {
		const struct capture_device *child = &c->devices[i];
		if (child->parent != d || child->device->is_virtual)
			continue;
		if (child->address.bus == bus)
			return;
		break;
	}
	if (bus && bus <= 0xff)
		fprintf(c->out, " secondary=%02x", bus);
}

static void note_oddities(struct capture *c, const struct capture_device *d)
{
	const char *name = d->device->text;

	if (d->no_bridge)
		capture_note(c, "%s is behind %s, which is no PCI bridge", name,
			d->no_bridge->device->text);
	if (d->override == OVERRIDE_UNKNOWN)
		capture_note(c,
			"%s: driver_override could not be read (an unbind may be waiting), or not be written here",
			name);
	if (d->device->driver[0] && !d->driver)
		capture_note(c, "%s is on a driver that is not named here", name);
}

/* A header that is not what the class says: of a bridge, for the rest are endpoints. */
static void print_header(struct capture *c, const struct capture_device *d)
{
	uint32_t class = d->device->class >> 8;

	if (capture_is_bridge(d) && class != 0x0604 && class != 0x0607)
		fputs(" header=1", c->out);
}

static void print_display(struct capture *c, const struct capture_device *d)
{
	if (d->device->boot_vga)
		fputs(" boot_vga", c->out);
	if (capture_number(c, d, "boot_display", 0) == 1)
		fputs(" boot_display", c->out);
	if (!d->driver && c->iomem && display_in_iomem(c->iomem, d->address))
		fputs(" bootfb", c->out);
}

static void print_device(struct capture *c, const struct capture_device *d)
{
	const struct device *dev = d->device;

	note_oddities(c, d);
	fprintf(c->out, "device %s id=%04x:%04x class=%06x", dev->text, dev->vendor, dev->device,
		dev->class);
	print_header(c, d);
	if (dev->subsystem_vendor || dev->subsystem_device)
		fprintf(c->out, " subsystem=%04x:%04x", dev->subsystem_vendor,
			dev->subsystem_device);
	if (dev->revision)
		fprintf(c->out, " revision=%02x", dev->revision);
	if (d->parent)
		fprintf(c->out, " parent=%s", d->parent->device->text);
	if (dev->group < 0 || d->is_noiommu)
		fputs(" group=none", c->out);
	else
		fprintf(c->out, " group=%d", dev->group);
	print_node(c, d);
	print_driver(c, d);
	unsigned irq = capture_number(c, d, "irq", 0);
	if (irq)
		fprintf(c->out, " irq=%u", irq);
	print_display(c, d);
	print_link(c, d);
	print_reset(c, d);
	capture_print_bars(c, d);
	print_secondary(c, d);
	fputc('\n', c->out);
}

static void note_function(struct capture *c, const struct capture_device *vf, const char *expected)
{
	const char *driver = vf->driver ? vf->driver->name : "none";

	if (strcmp(driver, expected) != 0)
		capture_note(c, "virtual function %s: its driver was %s, here it is %s",
			vf->device->text, driver, expected);
}

/* Virtual functions have no lines of their own: the driver that takes their ids gets them. */
static void note_functions(
	struct capture *c, const struct capture_device *pf, unsigned id, bool probed)
{
	const struct capture_driver *drv =
		probed ? capture_driver_by_id(c, pf->device->vendor, (uint16_t)id) : NULL;

	for (size_t i = 0; i < c->n_devices; i++) {
		const struct capture_device *vf = &c->devices[i];
		if (vf->device && vf->device->is_virtual &&
			pci_address_equal(vf->device->physfn, pf->address))
			note_function(c, vf, drv ? drv->name : "none");
	}
}

/* How many of them fit below bus ff, which is more than what a device may promise. */
static unsigned print_fitting(
	struct pci_address a, unsigned total, unsigned offset, unsigned stride)
{
	unsigned own = (unsigned)(a.bus << 8 | a.slot << 3 | a.function);
	unsigned room = own + offset > 0xffff ? 0 : (0xffff - own - offset) / stride + 1;

	return total < room ? total : room;
}

/* Whether a virtual function is in the group of its physical one. */
static bool shares_group(const struct capture *c, const struct capture_device *pf)
{
	for (size_t i = 0; pf->device->group >= 0 && i < c->n_devices; i++) {
		const struct device *d = c->devices[i].device;

		if (d && d->is_virtual && pci_address_equal(d->physfn, pf->address))
			return d->group == pf->device->group;
	}
	return false;
}

static void print_functions(struct capture *c, const struct capture_device *d)
{
	unsigned offset = capture_number(c, d, "sriov_offset", 0);
	unsigned stride = capture_number(c, d, "sriov_stride", 0);
	unsigned autoprobe = capture_number(c, d, "sriov_drivers_autoprobe", 1);
	char text[16];
	unsigned long id = d->device->device;

	/* The one number in sysfs that is hex without a prefix. */
	if (capture_attribute(c, d, "sriov_vf_device", text, sizeof(text)) > 0)
		id = strtoul(text, NULL, 16) & 0xffff;
	offset = offset && offset <= 0xffff ? offset : 1;
	stride = stride && stride <= 0xffff ? stride : 1;
	unsigned total = print_fitting(d->address, d->device->total_vfs, offset, stride);
	if (total < d->device->total_vfs)
		capture_note(c, "%s can have %u virtual functions; %u fit below its bus ff",
			d->device->text, d->device->total_vfs, total);
	if (total == 0)
		return;
	fprintf(c->out, "vfs %s total=%u", d->device->text, total);
	if (id != d->device->device)
		fprintf(c->out, " device=%04lx", id);
	if (offset != 1)
		fprintf(c->out, " offset=%u", offset);
	if (stride != 1)
		fprintf(c->out, " stride=%u", stride);
	if (d->n_vfs)
		fprintf(c->out, " enabled=%u", d->n_vfs < total ? d->n_vfs : total);
	if (!autoprobe)
		fputs(" autoprobe=0", c->out);
	if (shares_group(c, d))
		fputs(" shared_group", c->out);
	fputc('\n', c->out);
	note_functions(c, d, (unsigned)id, autoprobe);
}

void capture_print_devices(struct capture *c)
{
	char text[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < c->n_devices; i++) {
		const struct capture_device *d = &c->devices[i];

		pci_address_format(d->address, text);
		if (!d->device)
			capture_note(c, "%s left while it was read", text);
		else if (!d->device->is_virtual)
			print_device(c, d);
		if (d->device && d->device->total_vfs > 0)
			print_functions(c, d);
	}
}
