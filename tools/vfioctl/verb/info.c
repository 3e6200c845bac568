/* SPDX-License-Identifier: MIT */
/* vfioctl info */
#include "tools/vfioctl/session/session.h"
#include "tools/vfioctl/verb/verbs.h"

#include "vfio/v1/device_service.pb-c.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

static void info_row(struct table *table, const char *name, const char *value)
{
	table_row(table, (const char *[]){name, value});
	table_paint(table, 0, PAINT_HEAD);
}

static void info_rowf(struct table *table, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void info_rowf(struct table *table, const char *name, const char *fmt, ...)
{
	char *value = NULL;
	va_list args;
	int r;

	va_start(args, fmt);
	r = vasprintf(&value, fmt, args);
	va_end(args);
	if (r < 0) {
		table->failed = true;
		return;
	}
	info_row(table, name, value);
	free(value);
}

static void info_ids(struct table *table, const char *name, const char *vendor, const char *device)
{
	info_rowf(table, name, "%s%s%s", vendor, vendor[0] ? ":" : "", device);
}

static void info_identity(struct table *table, const Vfio__V1__Device *device)
{
	info_row(table, "address", device->address);
	info_ids(table, "id", device->vendor, device->device);
	info_row(table, "vendor", device->vendor_name);
	info_row(table, "device", device->device_name);
	info_ids(table, "subsystem_id", device->subsystem_vendor, device->subsystem_device);
	info_row(table, "subsystem", device->subsystem_name);
	info_row(table, "class_id", device->class_);
	info_row(table, "class", device->class_name);
	info_row(table, "revision", device->revision);
}

/* "UNBIND_PENDING"; "" for one that this vfioctl does not know. */
static const char *state_name(const Vfio__V1__Device *device)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
		&vfio__v1__device__state__descriptor, (int)device->state);

	return value ? value->name : "";
}

static void info_state(struct table *table, const Vfio__V1__Device *device)
{
	info_row(table, "state", state_name(device));
	info_row(table, "driver", device->driver);
	info_row(table, "original_driver", device->original_driver);
	info_row(table, "managed", device->managed ? "yes" : "no");
	info_row(table, "iommu_group", device->iommu_group);
	info_row(table, "vfio_device", device->vfio_device);
	info_row(table, "numa_node", session_numa_cell(device->numa_node));
	info_row(table, "local_cpus", device->local_cpus);
	info_row(table, "bridge", device->is_bridge ? "yes" : "no");
	info_row(table, "boot_vga", device->boot_vga ? "yes" : "no");
}

static void info_reset(struct table *table, const Vfio__V1__Device *device)
{
	char text[128] = "";
	size_t len = 0;

	for (size_t i = 0; i < device->n_reset_methods && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
			device->reset_methods[i]);
	info_row(table, "reset_methods", text);
}

static void info_sriov(struct table *table, const Vfio__V1__Sriov *sriov)
{
	if (!sriov || (sriov->total_vfs == 0 && !sriov->physical_function[0]))
		return;
	info_rowf(table, "virtual_functions", "%" PRIu32 " of %" PRIu32, sriov->num_vfs,
		sriov->total_vfs);
	info_row(table, "physical_function", sriov->physical_function);
}

/* "16M": a region's size is a power of two. */
static const char *size_text(uint64_t bytes, char text[32])
{
	static const char units[] = " KMGTPE";
	unsigned unit = 0;

	while (bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, 32, "%" PRIu64 "%.*s", bytes, unit > 0, units + unit);
	return text;
}

static void info_regions(struct table *table, const Vfio__V1__Device *device)
{
	for (size_t i = 0; i < device->n_regions; i++) {
		const Vfio__V1__Region *region = device->regions[i];
		char name[24], size[32];

		snprintf(name, sizeof(name), "region_%" PRIu32, region->index);
		info_rowf(table, name, "%s %s", size_text(region->size, size), region->type);
	}
}

static int info_print(struct session *session, const Vfio__V1__Device *device)
{
	static const char *const heads[] = {"FIELD", "VALUE", NULL};
	AUTO_TABLE table = {0};

	table_init(&table, heads);
	info_identity(&table, device);
	info_state(&table, device);
	info_reset(&table, device);
	info_sriov(&table, device->sriov);
	info_regions(&table, device);
	return session_table(session, &table);
}

static int info_run(struct session *session, int argc, char **argv)
{
	Vfio__V1__GetDeviceInfoRequest request = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;
	AUTO_MESSAGE Vfio__V1__Device *device = NULL;
	int r = EXIT_REFUSED;

	if (session_option(session, argc, argv, NULL) != -1 ||
		!session_arguments(session, argc - optind, 1, 1))
		return session->stop;
	request.pci_address = argv[optind];
	device = session_call(session, "vfio.v1.DeviceService/GetDeviceInfo", &request, &r);
	if (!device)
		return r;
	if (session->settings.json)
		return session_json(session, device);
	return session->settings.quiet ? EXIT_DONE : info_print(session, device);
}

const struct verb verb_info = {
	.name = "info",
	.args = "ADDRESS",
	.summary = "describe one device",
	.help = "Prints what is known of one device: identity, driver, IOMMU group, NUMA node,\n"
		"reset methods, SR-IOV and regions. ADDRESS is written as lspci prints it; a\n"
		"domain left out is 0000.",
	.run = info_run,
};
