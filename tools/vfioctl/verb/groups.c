/* SPDX-License-Identifier: MIT */
/* vfioctl groups */
#include "tools/vfioctl/verb/listing.h"
#include "tools/vfioctl/verb/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As many addresses as one request takes. */
enum { CHUNK = 1024 };

static const Vfio__V1__Blocker *find_blocker(const Vfio__V1__IommuGroup *group, const char *address)
{
	for (size_t i = 0; i < group->n_blockers; i++)
		if (strcmp(group->blockers[i]->address, address) == 0)
			return group->blockers[i];
	return NULL;
}

static bool is_bridge(const Vfio__V1__IommuGroup *group, const char *address)
{
	for (size_t i = 0; i < group->n_bridges; i++)
		if (strcmp(group->bridges[i], address) == 0)
			return true;
	return false;
}

/* What to say of a member that blocks nothing. */
static const char *member_note(const Vfio__V1__IommuGroup *group, const char *address)
{
	if (group->direct_region[0])
		return "never usable: the firmware keeps a region of the group mapped";
	return is_bridge(group, address) ? "a bridge, which stays where it is" : "";
}

static void groups_row(struct table *table, const Vfio__V1__IommuGroup *group, const char *address)
{
	const Vfio__V1__Blocker *blocker = find_blocker(group, address);
	const char *reason = member_note(group, address);

	table_row(table,
		(const char *[]){group->id, group->viable ? "yes" : "no", group->type, address,
			blocker ? blocker->driver : "", blocker ? blocker->reason : reason});
	table_paint(table, 1, group->viable ? PAINT_GOOD : PAINT_WARN);
}

static int groups_print(struct session *session, const Vfio__V1__CheckIommuGroupsResponse *answer)
{
	static const char *const heads[] = {
		"GROUP", "VIABLE", "TYPE", "ADDRESS", "BLOCKED-BY", "NOTE", NULL};
	AUTO_TABLE table = {0};

	table_init(&table, heads);
	for (size_t g = 0; g < answer->n_groups; g++) {
		const Vfio__V1__IommuGroup *group = answer->groups[g];

		for (size_t i = 0; i < group->n_devices; i++)
			groups_row(&table, group, group->devices[i]);
		for (size_t i = 0; i < group->n_other_members; i++)
			groups_row(&table, group, group->other_members[i]);
	}
	return session_table(session, &table);
}

static int groups_show(struct session *session, const Vfio__V1__CheckIommuGroupsResponse *answer)
{
	if (session->settings.json)
		return session_json(session, answer);
	if (!session->settings.quiet)
		return groups_print(session, answer);
	for (size_t i = 0; i < answer->n_groups; i++)
		session_name_line(answer->groups[i]->id);
	return EXIT_DONE;
}

static Vfio__V1__CheckIommuGroupsResponse *groups_fetch(
	struct session *session, char **addresses, size_t count, int *ret_exit)
{
	Vfio__V1__CheckIommuGroupsRequest request = VFIO__V1__CHECK_IOMMU_GROUPS_REQUEST__INIT;

	request.pci_addresses = addresses;
	request.n_pci_addresses = count;
	return session_call(session, "vfio.v1.DeviceService/CheckIommuGroups", &request, ret_exit);
}

static int by_group(const void *left, const void *right)
{
	const Vfio__V1__Device *const *a = left, *const *b = right;

	/* Numbers without leading zeros: the longer is the larger. */
	size_t a_len = strlen((*a)->iommu_group), b_len = strlen((*b)->iommu_group);

	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return strcmp((*a)->iommu_group, (*b)->iommu_group);
}

/* One address of each group, in the order of the groups. Sorts the listing. 0 or -ENOMEM. */
static int pick_members(Vfio__V1__ListDevicesResponse *listing, struct words *members)
{
	const char *last = "";

	if (listing->n_devices > 0)
		qsort(listing->devices, listing->n_devices, sizeof(*listing->devices), by_group);
	for (size_t i = 0; i < listing->n_devices; i++) {
		const Vfio__V1__Device *device = listing->devices[i];

		if (strcmp(device->iommu_group, last) == 0)
			continue;
		last = device->iommu_group;
		if (words_add(members, device->address) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Moves one answer's groups behind another's. 0 or -ENOMEM. */
static int groups_append(
	Vfio__V1__CheckIommuGroupsResponse *all, Vfio__V1__CheckIommuGroupsResponse *part)
{
	Vfio__V1__IommuGroup **groups =
		reallocarray(all->groups, all->n_groups + part->n_groups + 1, sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	if (part->n_groups > 0)
		memcpy(groups + all->n_groups, part->groups, part->n_groups * sizeof(*groups));
	all->groups = groups;
	all->n_groups += part->n_groups;
	part->n_groups = 0;
	return 0;
}

/* Asks for all members' groups, as many at a time as a request takes, and shows them. */
static int groups_of_members(struct session *session, const struct words *members)
{
	Vfio__V1__CheckIommuGroupsResponse none = VFIO__V1__CHECK_IOMMU_GROUPS_RESPONSE__INIT;
	AUTO_MESSAGE Vfio__V1__CheckIommuGroupsResponse *all = NULL;
	int r = EXIT_REFUSED;

	for (size_t at = 0; at < members->count; at += CHUNK) {
		AUTO_MESSAGE Vfio__V1__CheckIommuGroupsResponse *part = NULL;
		size_t left = members->count - at;

		part = groups_fetch(session, members->items + at, left < CHUNK ? left : CHUNK, &r);
		if (!part)
			return r;
		if (!all) {
			all = part;
			part = NULL;
		} else if (groups_append(all, part) < 0) {
			return session_fail(session, EXIT_REFUSED, "out of memory");
		}
	}
	return groups_show(session, all ? all : &none);
}

static int groups_of_host(struct session *session)
{
	Vfio__V1__ListDevicesRequest request = VFIO__V1__LIST_DEVICES_REQUEST__INIT;
	AUTO_MESSAGE Vfio__V1__ListDevicesResponse *listing = NULL;
	AUTO_WORDS members = {0};
	int r = EXIT_REFUSED;

	listing = listing_fetch(session, &request, &r);
	if (!listing)
		return r;
	if (pick_members(listing, &members) < 0)
		return session_fail(session, EXIT_REFUSED, "out of memory");
	if (members.count == 0 && !session->settings.json && !session->settings.quiet) {
		puts("There are no IOMMU groups; 'vfioctl doctor' tells why.");
		return EXIT_DONE;
	}
	return groups_of_members(session, &members);
}

static int groups_run(struct session *session, int argc, char **argv)
{
	AUTO_MESSAGE Vfio__V1__CheckIommuGroupsResponse *answer = NULL;
	int r = EXIT_REFUSED;

	if (session_option(session, argc, argv, NULL) != -1)
		return session->stop;
	if (optind == argc)
		return groups_of_host(session);
	answer = groups_fetch(session, argv + optind, (size_t)(argc - optind), &r);
	return answer ? groups_show(session, answer) : r;
}

const struct verb verb_groups = {
	.name = "groups",
	.args = "[ADDRESS]...",
	.summary = "show IOMMU groups and what keeps them from being used",
	.help = "Shows the IOMMU groups of the devices, or all groups of the host, with every\n"
		"member. A group is viable when a VFIO user could open it now. With --quiet,\n"
		"prints the numbers of the groups alone.",
	.run = groups_run,
};
