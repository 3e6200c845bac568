/* SPDX-License-Identifier: MIT */
/* vfioctl validate */
#include "tools/vfioctl/print/text.h"
#include "tools/vfioctl/session/problem.h"
#include "tools/vfioctl/session/session.h"
#include "tools/vfioctl/verb/verbs.h"

#include "vfio/v1/device_service.pb-c.h"

#include <limits.h>
#include <stdlib.h>

enum { OPTION_ALLOW = 256 };

static const struct option validate_options[] = {
	{"allow", required_argument, NULL, OPTION_ALLOW},
	{0},
};

static void validate_print(struct session *session, const Vfio__V1__ValidateDevicesResponse *answer)
{
	bool colour = session_coloured(session);
	char *message = text_printable(answer->message);

	/* What is wrong is told with the devices. */
	if (answer->valid && message)
		paint_put(stdout, colour, PAINT_GOOD, message);
	else
		paint_put(stdout, colour, PAINT_BAD, "Not available for passthrough:");
	putchar('\n');
	free(message);
	for (size_t i = 0; i < answer->n_problems; i++)
		problem_print(stdout, colour, answer->problems[i], NULL);
}

static int validate_run(struct session *session, int argc, char **argv)
{
	Vfio__V1__ValidateDevicesRequest request = VFIO__V1__VALIDATE_DEVICES_REQUEST__INIT;
	AUTO_MESSAGE Vfio__V1__ValidateDevicesResponse *answer = NULL;
	AUTO_WORDS allow = {0};
	int c, r = EXIT_REFUSED;

	while ((c = session_option(session, argc, argv, validate_options)) != -1) {
		if (c != OPTION_ALLOW)
			return session->stop;
		if (words_add(&allow, optarg) < 0)
			return session_fail(session, EXIT_REFUSED, "out of memory");
	}
	if (!session_arguments(session, argc - optind, 1, INT_MAX))
		return session->stop;
	request.pci_addresses = argv + optind;
	request.n_pci_addresses = (size_t)(argc - optind);
	request.allowlist = allow.items;
	request.n_allowlist = allow.count;
	answer = session_call(session, "vfio.v1.DeviceService/ValidateDevices", &request, &r);
	if (!answer)
		return r;
	r = answer->valid ? EXIT_DONE : EXIT_REFUSED;
	if (session->settings.json)
		return session_json(session, answer) == EXIT_DONE ? r : EXIT_REFUSED;
	if (!session->settings.quiet)
		validate_print(session, answer);
	return r;
}

const struct verb verb_validate = {
	.name = "validate",
	.args = "ADDRESS... [--allow VENDOR:DEVICE]...",
	.summary = "check whether devices can be passed through",
	.help = "Prints every problem of every device, and changes nothing. Exits with 1 when\n"
		"there is one.\n\n"
		"Options:\n"
		"      --allow V:D      refuse devices that match no --allow: vendor and device,\n"
		"                       each four hex digits or *; may be repeated",
	.run = validate_run,
};
