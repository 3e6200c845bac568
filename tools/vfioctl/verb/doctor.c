/* SPDX-License-Identifier: MIT */
/* vfioctl doctor */
#include "tools/vfioctl/print/text.h"
#include "tools/vfioctl/session/session.h"
#include "tools/vfioctl/verb/verbs.h"

#include "vfio/v1/device_service.pb-c.h"

#include <inttypes.h>

static const struct {
	const char *text;
	enum paint paint;
} verdicts[] = {
	[VFIO__V1__HOST_CHECK__VERDICT__UNKNOWN] = {"unknown", PAINT_WARN},
	[VFIO__V1__HOST_CHECK__VERDICT__PASS] = {"pass", PAINT_GOOD},
	[VFIO__V1__HOST_CHECK__VERDICT__WARN] = {"warn", PAINT_WARN},
	[VFIO__V1__HOST_CHECK__VERDICT__FAIL] = {"fail", PAINT_BAD},
};

static void doctor_row(struct table *table, const Vfio__V1__HostCheck *check)
{
	size_t verdict = (size_t)check->verdict; /* a newer daemon may know more of them */

	if (verdict >= sizeof(verdicts) / sizeof(verdicts[0]))
		verdict = VFIO__V1__HOST_CHECK__VERDICT__UNKNOWN;
	table_row(table, (const char *[]){check->name, verdicts[verdict].text, check->message});
	table_paint(table, 1, verdicts[verdict].paint);
	if (check->action[0])
		table_note(table, "what to do: %s", check->action);
}

static void doctor_summary(struct session *session, const Vfio__V1__Host *host)
{
	fputs("\nkernel ", stdout);
	text_put(stdout, host->kernel);
	printf(", %" PRIu32 " PCI functions, %" PRIu32 " on a VFIO driver, %" PRIu32
	       " IOMMU groups, vfiod ",
		host->devices, host->vfio_devices, host->iommu_groups);
	text_put(stdout, host->version);
	putchar('\n');
	paint_put(stdout, session_coloured(session), host->ready ? PAINT_GOOD : PAINT_BAD,
		host->ready ? "This host is ready for passthrough."
			    : "This host is not ready for passthrough.");
	putchar('\n');
}

static int doctor_print(struct session *session, const Vfio__V1__Host *host)
{
	static const char *const heads[] = {"CHECK", "VERDICT", "FOUND", NULL};
	AUTO_TABLE table = {0};
	int r;

	table_init(&table, heads);
	for (size_t i = 0; i < host->n_checks; i++)
		doctor_row(&table, host->checks[i]);
	r = session_table(session, &table);
	if (r == EXIT_DONE)
		doctor_summary(session, host);
	return r;
}

static int doctor_run(struct session *session, int argc, char **argv)
{
	Vfio__V1__GetHostRequest request = VFIO__V1__GET_HOST_REQUEST__INIT;
	AUTO_MESSAGE Vfio__V1__Host *host = NULL;
	int r = EXIT_REFUSED;

	if (session_option(session, argc, argv, NULL) != -1 ||
		!session_arguments(session, argc - optind, 0, 0))
		return session->stop;
	host = session_call(session, "vfio.v1.DeviceService/GetHost", &request, &r);
	if (!host)
		return r;
	r = EXIT_DONE;
	if (session->settings.json)
		r = session_json(session, host);
	else if (!session->settings.quiet)
		r = doctor_print(session, host);
	return host->ready ? r : EXIT_REFUSED;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.args = "",
	.summary = "tell whether the host is ready for passthrough",
	.help = "Checks the IOMMU, interrupt remapping, modules and the kernel's command line,\n"
		"and tells what to do about each. Exits with 1 when a check failed.",
	.run = doctor_run,
};
