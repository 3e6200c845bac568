/* SPDX-License-Identifier: MIT */
/* vfioctl bind, vfioctl unbind */
#include "tools/vfioctl/print/text.h"
#include "tools/vfioctl/session/session.h"
#include "tools/vfioctl/verb/verbs.h"

#include "vfio/v1/device_service.pb-c.h"

#include <limits.h>
#include <stdlib.h>

enum { OPTION_FORCE = 256, OPTION_NODE_OWNER, OPTION_NODE_MODE };

static void print_sentence(struct session *session, const char *message)
{
	char *printable = text_printable(message);

	if (printable)
		paint_put(stdout, session_coloured(session), PAINT_GOOD, printable);
	putchar('\n');
	free(printable);
}

static int print_devices(
	struct session *session, Vfio__V1__DeviceChange *const *devices, size_t count)
{
	static const char *const heads[] = {"ADDRESS", "DRIVER", "ORIGINAL-DRIVER", NULL};
	AUTO_TABLE table = {0};

	if (count == 0)
		return EXIT_DONE;
	table_init(&table, heads);
	for (size_t i = 0; i < count; i++)
		table_row(&table, (const char *[]){devices[i]->address, devices[i]->driver,
					  devices[i]->original_driver});
	return session_table(session, &table);
}

static int print_steps(struct session *session, Vfio__V1__PlanStep *const *steps, size_t count)
{
	static const char *const heads[] = {"ADDRESS", "ACTION", "DRIVER", NULL};
	AUTO_TABLE table = {0};

	table_init(&table, heads);
	for (size_t i = 0; i < count; i++)
		table_row(&table,
			(const char *[]){steps[i]->address, steps[i]->action, steps[i]->driver});
	puts(count > 0 ? "\nThe writes that would be made, in order:"
		       : "\nThere is nothing to write.");
	return count > 0 ? session_table(session, &table) : EXIT_DONE;
}

static int print_blockers(struct session *session, const Vfio__V1__IommuGroup *group)
{
	static const char *const heads[] = {"ADDRESS", "DRIVER", "REASON", NULL};
	AUTO_TABLE table = {0};

	table_init(&table, heads);
	for (size_t i = 0; i < group->n_blockers; i++) {
		const Vfio__V1__Blocker *blocker = group->blockers[i];

		table_row(&table,
			(const char *[]){blocker->address, blocker->driver, blocker->reason});
	}
	fputs("\nIOMMU group ", stdout);
	text_put(stdout, group->id);
	if (group->direct_region[0]) {
		fputs(" can never be used: the firmware keeps its region ", stdout);
		text_put(stdout, group->direct_region);
		puts(" mapped.");
		return EXIT_DONE;
	}
	puts(" cannot be used before these are off their drivers:");
	return session_table(session, &table);
}

static void print_note(const char *note)
{
	fputs("\nNote: ", stdout);
	text_put(stdout, note);
	putchar('\n');
}

static int bind_print(
	struct session *session, const Vfio__V1__BindDevicesResponse *answer, bool dry_run)
{
	int r;

	print_sentence(session, answer->message);
	r = print_devices(session, answer->devices, answer->n_devices);
	if (r == EXIT_DONE && dry_run)
		r = print_steps(session, answer->steps, answer->n_steps);
	for (size_t i = 0; r == EXIT_DONE && i < answer->n_groups; i++)
		if (!answer->groups[i]->viable)
			r = print_blockers(session, answer->groups[i]);
	for (size_t i = 0; r == EXIT_DONE && i < answer->n_notes; i++)
		print_note(answer->notes[i]);
	return r;
}

static int bind_call(struct session *session, const Vfio__V1__BindDevicesRequest *request)
{
	AUTO_MESSAGE Vfio__V1__BindDevicesResponse *answer = NULL;
	int r = EXIT_REFUSED;

	answer = session_call(session, "vfio.v1.DeviceService/BindDevices", request, &r);
	if (!answer)
		return r;
	if (session->settings.json)
		return session_json(session, answer);
	return session->settings.quiet ? EXIT_DONE : bind_print(session, answer, request->dry_run);
}

static int bind_run(struct session *session, int argc, char **argv)
{
	Vfio__V1__BindDevicesRequest request = VFIO__V1__BIND_DEVICES_REQUEST__INIT;
	const struct option options[] = {
		{"whole-group", no_argument, &request.whole_group, true},
		{"all-functions", no_argument, &request.all_functions, true},
		{"dry-run", no_argument, &request.dry_run, true},
		{"force", required_argument, NULL, OPTION_FORCE},
		{"node-owner", required_argument, NULL, OPTION_NODE_OWNER},
		{"node-mode", required_argument, NULL, OPTION_NODE_MODE},
		{0},
	};
	AUTO_WORDS force = {0};
	int c;

	while ((c = session_option(session, argc, argv, options)) != -1) {
		if (c == OPTION_NODE_OWNER)
			request.node_owner = optarg;
		else if (c == OPTION_NODE_MODE)
			request.node_mode = optarg;
		else if (c != OPTION_FORCE)
			return session->stop;
		else if (words_add(&force, optarg) < 0)
			return session_fail(session, EXIT_REFUSED, "out of memory");
	}
	if (!session_arguments(session, argc - optind, 1, INT_MAX))
		return session->stop;
	request.pci_addresses = argv + optind;
	request.n_pci_addresses = (size_t)(argc - optind);
	request.force = force.items;
	request.n_force = force.count;
	return bind_call(session, &request);
}

static int unbind_print(
	struct session *session, const Vfio__V1__UnbindDevicesResponse *answer, bool dry_run)
{
	int r;

	print_sentence(session, answer->message);
	r = print_devices(session, answer->devices, answer->n_devices);
	if (r == EXIT_DONE && dry_run)
		r = print_steps(session, answer->steps, answer->n_steps);
	return r;
}

static int unbind_run(struct session *session, int argc, char **argv)
{
	Vfio__V1__UnbindDevicesRequest request = VFIO__V1__UNBIND_DEVICES_REQUEST__INIT;
	AUTO_MESSAGE Vfio__V1__UnbindDevicesResponse *answer = NULL;
	const struct option options[] = {
		{"whole-group", no_argument, &request.whole_group, true},
		{"all-functions", no_argument, &request.all_functions, true},
		{"dry-run", no_argument, &request.dry_run, true},
		{"leave-driverless", no_argument, &request.leave_driverless, true},
		{"force", required_argument, NULL, OPTION_FORCE},
		{0},
	};
	AUTO_WORDS force = {0};
	int r = EXIT_REFUSED, c;

	while ((c = session_option(session, argc, argv, options)) != -1) {
		if (c != OPTION_FORCE)
			return session->stop;
		if (words_add(&force, optarg) < 0)
			return session_fail(session, EXIT_REFUSED, "out of memory");
	}
	if (!session_arguments(session, argc - optind, 1, INT_MAX))
		return session->stop;
	request.force = force.items;
	request.n_force = force.count;
	request.pci_addresses = argv + optind;
	request.n_pci_addresses = (size_t)(argc - optind);
	answer = session_call(session, "vfio.v1.DeviceService/UnbindDevices", &request, &r);
	if (!answer)
		return r;
	if (session->settings.json)
		return session_json(session, answer);
	return session->settings.quiet ? EXIT_DONE : unbind_print(session, answer, request.dry_run);
}

#define CHANGE_OPTIONS(verb)                                                                       \
	"Options:\n"                                                                               \
	"      --whole-group    " verb " every other endpoint of the IOMMU groups too\n"           \
	"      --all-functions  " verb " every other function of the cards too\n"                  \
	"      --dry-run        change nothing, print what would be done"

#define FORCE_OPTION                                                                               \
	"\n"                                                                                       \
	"      --force REASON   pass a guard by the reason it reports: BOOT_DISPLAY,\n"            \
	"                       NIC_IN_USE, NODE_IN_USE, PF_HAS_VFS, VFIO_IN_USE,\n"               \
	"                       KERNEL_DENYLIST, NO_INTERRUPT_REMAPPING,\n"                        \
	"                       RESERVED_REGION; may be repeated"

const struct verb verb_bind = {
	.name = "bind",
	.args = "ADDRESS... [--whole-group] [--all-functions] [--dry-run] [--force REASON]...\n"
		"       [--node-owner USER[:GROUP]] [--node-mode MODE]",
	.summary = "bind devices to vfio-pci",
	.help = "Takes the devices from their drivers and binds them to vfio-pci, or to the\n"
		"variant driver the kernel names for them: all, or none when one of them\n"
		"cannot be bound. Needs root or membership in group vfiod.\n\n" CHANGE_OPTIONS(
			"bind") FORCE_OPTION
	"\n"
	"      --node-owner USER[:GROUP]\n"
	"                       who is to own the VFIO nodes while the devices are bound\n"
	"      --node-mode MODE their permissions, octal (at most 0660)",
	.run = bind_run,
};

const struct verb verb_unbind = {
	.name = "unbind",
	.args = "ADDRESS... [--whole-group] [--all-functions] [--dry-run] [--leave-driverless]\n"
		"       [--force REASON]...",
	.summary = "give devices back to their original driver",
	.help = "Gives the devices back to the drivers they had before they were bound: all, or\n"
		"none when one of them cannot be. A device on no VFIO driver is left as it is.\n"
		"Needs root or membership in group vfiod.\n\n" CHANGE_OPTIONS(
			"unbind") "\n"
				  "      --leave-driverless\n"
				  "                       give them to no driver" FORCE_OPTION,
	.run = unbind_run,
};
