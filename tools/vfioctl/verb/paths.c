/* SPDX-License-Identifier: MIT */
/* vfioctl paths */
#include "tools/vfioctl/session/session.h"
#include "tools/vfioctl/verb/verbs.h"

#include "vfio/v1/device_service.pb-c.h"

#include <limits.h>

static int paths_print(struct session *session, const Vfio__V1__GetGroupPathsResponse *answer)
{
	static const char *const heads[] = {
		"ADDRESS", "GROUP-PATH", "DEVICE-PATH", "SYSFS-PATH", NULL};
	AUTO_TABLE table = {0};

	table_init(&table, heads);
	for (size_t i = 0; i < answer->n_devices; i++) {
		const Vfio__V1__DevicePaths *paths = answer->devices[i];

		table_row(&table, (const char *[]){paths->address, paths->group_path,
					  paths->device_path, paths->sysfs_path});
	}
	return session_table(session, &table);
}

static int paths_run(struct session *session, int argc, char **argv)
{
	Vfio__V1__GetGroupPathsRequest request = VFIO__V1__GET_GROUP_PATHS_REQUEST__INIT;
	AUTO_MESSAGE Vfio__V1__GetGroupPathsResponse *answer = NULL;
	int r = EXIT_REFUSED;

	if (session_option(session, argc, argv, NULL) != -1 ||
		!session_arguments(session, argc - optind, 1, INT_MAX))
		return session->stop;
	request.pci_addresses = argv + optind;
	request.n_pci_addresses = (size_t)(argc - optind);
	answer = session_call(session, "vfio.v1.DeviceService/GetGroupPaths", &request, &r);
	if (!answer)
		return r;
	if (session->settings.json)
		return session_json(session, answer);
	if (!session->settings.quiet)
		return paths_print(session, answer);
	for (size_t i = 0; i < answer->n_group_paths; i++)
		session_name_line(answer->group_paths[i]);
	return EXIT_DONE;
}

const struct verb verb_paths = {
	.name = "paths",
	.args = "ADDRESS...",
	.summary = "name the nodes that a virtual machine monitor opens",
	.help = "Prints, for each device, the node of its IOMMU group, its own node where the\n"
		"kernel has one, and its place in sysfs. The devices must be bound. With\n"
		"--quiet, prints each group's node alone.",
	.run = paths_run,
};
