/* SPDX-License-Identifier: MIT */
/* vfioctl list */
#include "tools/vfioctl/print/text.h"
#include "tools/vfioctl/verb/listing.h"
#include "tools/vfioctl/verb/verbs.h"

#include <stdlib.h>
#include <string.h>

enum { OPTION_CLASS = 256, OPTION_ID, OPTION_DRIVER, OPTION_GROUP };

static const struct option list_options[] = {
	{"class", required_argument, NULL, OPTION_CLASS},
	{"id", required_argument, NULL, OPTION_ID},
	{"driver", required_argument, NULL, OPTION_DRIVER},
	{"group", required_argument, NULL, OPTION_GROUP},
	{0},
};

static void list_row(struct table *table, const Vfio__V1__Device *device)
{
	char id[16];
	char *name = NULL;

	snprintf(id, sizeof(id), "%s:%s", device->vendor, device->device);
	if (asprintf(&name, "%s%s%s%s%s", device->class_name,
		    device->class_name[0] && device->vendor_name[0] ? ": " : "",
		    device->vendor_name, device->device_name[0] ? " " : "",
		    device->device_name) < 0) {
		table->failed = true;
		return;
	}
	table_row(table, (const char *[]){device->address, id, device->class_, device->driver,
				 device->iommu_group, session_numa_cell(device->numa_node), name});
	free(name);
}

static int list_print(struct session *session, const Vfio__V1__ListDevicesResponse *listing)
{
	static const char *const heads[] = {
		"ADDRESS", "ID", "CLASS", "DRIVER", "GROUP", "NUMA", "NAME", NULL};
	AUTO_TABLE table = {0};

	table_init(&table, heads);
	for (size_t i = 0; i < listing->n_devices; i++)
		list_row(&table, listing->devices[i]);
	return session_table(session, &table);
}

static void list_addresses(const Vfio__V1__ListDevicesResponse *listing)
{
	for (size_t i = 0; i < listing->n_devices; i++)
		session_name_line(listing->devices[i]->address);
}

static int list_run(struct session *session, int argc, char **argv)
{
	Vfio__V1__ListDevicesRequest request = VFIO__V1__LIST_DEVICES_REQUEST__INIT;
	AUTO_MESSAGE Vfio__V1__ListDevicesResponse *listing = NULL;
	int c, r = EXIT_REFUSED;

	while ((c = session_option(session, argc, argv, list_options)) != -1) {
		switch (c) {
		case OPTION_CLASS:
			request.class_ = optarg;
			break;
		case OPTION_ID:
			request.id = optarg;
			break;
		case OPTION_DRIVER:
			request.driver = optarg;
			break;
		case OPTION_GROUP:
			request.iommu_group = optarg;
			break;
		default:
			return session->stop;
		}
	}
	if (!session_arguments(session, argc - optind, 0, 0))
		return session->stop;
	listing = listing_fetch(session, &request, &r);
	if (!listing)
		return r;
	if (session->settings.json)
		return session_json(session, listing);
	if (!session->settings.quiet)
		return list_print(session, listing);
	list_addresses(listing);
	return EXIT_DONE;
}

const struct verb verb_list = {
	.name = "list",
	.args = "[--class CLASS] [--id VENDOR:DEVICE] [--driver NAME] [--group N]",
	.summary = "list the host's PCI functions",
	.help = "Lists every PCI function of the host, or those that all filters let through.\n"
		"With --quiet, prints their addresses alone.\n\n"
		"Options:\n"
		"      --class CLASS    first two, four or six hex digits of the class (0300: VGA)\n"
		"      --id V:D         vendor and device, each four hex digits or *\n"
		"      --driver NAME    bound to this driver\n"
		"      --group N        in this IOMMU group",
	.run = list_run,
};
