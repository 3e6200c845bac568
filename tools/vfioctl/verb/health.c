/* SPDX-License-Identifier: MIT */
/* vfioctl health */
#include "tools/vfioctl/session/session.h"
#include "tools/vfioctl/verb/verbs.h"

#include "rpc/v1/rpc.pb-c.h"

static int health_run(struct session *session, int argc, char **argv)
{
	Rpc__V1__HealthCheckRequest request = RPC__V1__HEALTH_CHECK_REQUEST__INIT;
	AUTO_MESSAGE Rpc__V1__HealthCheckResponse *answer = NULL;
	bool serving;
	int r = EXIT_REFUSED;

	if (session_option(session, argc, argv, NULL) != -1 ||
		!session_arguments(session, argc - optind, 0, 0))
		return session->stop;
	answer = session_call(session, "rpc.v1.Health/Check", &request, &r);
	if (!answer)
		return r;
	serving = answer->status == RPC__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	r = EXIT_DONE;
	if (session->settings.json)
		r = session_json(session, answer);
	else if (!session->settings.quiet)
		puts(serving ? "serving" : "not serving");
	return serving ? r : EXIT_UNREACHABLE;
}

const struct verb verb_health = {
	.name = "health",
	.args = "",
	.summary = "tell whether the daemon serves",
	.help = "Exits with 0 when the daemon is there and serves, with 3 when not.",
	.run = health_run,
};
