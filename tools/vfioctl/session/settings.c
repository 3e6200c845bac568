/* SPDX-License-Identifier: MIT */
/* The options that every verb has. */
#include "tools/vfioctl/session/settings.h"

#include "core/base/user_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_SOCKET "/run/vfiod/rpc.sock"

enum {
	/* Beyond the letters, and beyond what the verbs number theirs from. */
	OPTION_RPC = 512,
	OPTION_TIMEOUT,
	OPTION_JSON,
	OPTION_COLOR,
	OPTION_TLS_AUTHORITY,
	OPTION_TLS_CERTIFICATE,
	OPTION_TLS_KEY,

	TIMEOUT_MAX_S = 86400,
};

const struct option settings_options[] = {
	{"rpc", required_argument, NULL, OPTION_RPC},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"color", required_argument, NULL, OPTION_COLOR},
	{"tls-authority", required_argument, NULL, OPTION_TLS_AUTHORITY},
	{"tls-certificate", required_argument, NULL, OPTION_TLS_CERTIFICATE},
	{"tls-key", required_argument, NULL, OPTION_TLS_KEY},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};
_Static_assert(sizeof(settings_options) / sizeof(settings_options[0]) <= SETTINGS_OPTIONS_MAX,
	"the session's room for options is too small");

const char settings_help[] =
	"      --rpc URL        where vfiod listens: ipc://, tcp:// or tls+tcp://\n"
	"                       (default: $VFIOD_RPC, else ipc:///run/vfiod/rpc.sock)\n"
	"      --timeout SEC    wait at most SEC seconds for each answer\n"
	"                       (default: 5 for reads, 30 for changes)\n"
	"      --json           print the answer as JSON, and an error as JSON to stderr\n"
	"      --color WHEN     auto (default), always or never\n"
	"  -q, --quiet          print names alone (list, groups, paths) or nothing (the\n"
	"                       others); errors are printed, and the exit code tells\n"
	"      --tls-authority FILE, --tls-certificate FILE, --tls-key FILE\n"
	"                       for tls+tcp://, in PEM: the authority of the server's\n"
	"                       certificate; our own certificate; its private key\n"
	"  -h, --help           print this help, or that of the command\n"
	"  -V, --version        print the version";

static int take_timeout(unsigned *ret_seconds, const char *value, struct fault *fault)
{
	char *end;
	long seconds;

	errno = 0;
	seconds = strtol(value, &end, 10);
	if (errno || *end || end == value || seconds < 1 || seconds > TIMEOUT_MAX_S)
		return fault_set(fault, -EINVAL,
			"--timeout: \"%s\" is no number of seconds from 1 to %d", value,
			TIMEOUT_MAX_S);
	*ret_seconds = (unsigned)seconds;
	return 0;
}

static int take_colour(enum paint_when *ret_when, const char *value, struct fault *fault)
{
	static const char *const names[] = {
		[PAINT_AUTO] = "auto", [PAINT_ALWAYS] = "always", [PAINT_NEVER] = "never"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) == 0) {
			*ret_when = (enum paint_when)i;
			return 0;
		}
	}
	return fault_set(
		fault, -EINVAL, "--color: \"%s\" is none of auto, always and never", value);
}

int settings_take(struct settings *settings, int option, const char *value, struct fault *fault)
{
	switch (option) {
	case OPTION_RPC:
		settings->rpc = value;
		return 0;
	case OPTION_TIMEOUT:
		return take_timeout(&settings->timeout_s, value, fault);
	case OPTION_JSON:
		settings->json = true;
		return 0;
	case OPTION_COLOR:
		return take_colour(&settings->colour, value, fault);
	case OPTION_TLS_AUTHORITY:
		settings->tls_authority = value;
		return 0;
	case OPTION_TLS_CERTIFICATE:
		settings->tls_certificate = value;
		return 0;
	case OPTION_TLS_KEY:
		settings->tls_key = value;
		return 0;
	case 'q':
		settings->quiet = true;
		return 0;
	default:
		return -ENOENT;
	}
}

const char *settings_url(const struct settings *settings, char buffer[SETTINGS_URL_SIZE])
{
	const char *said = settings->rpc ? settings->rpc : getenv("VFIOD_RPC");
	char folder[SETTINGS_URL_SIZE - sizeof("ipc:///rpc.sock")];

	if (said && said[0])
		return said;
	if (geteuid() != 0 && access(SYSTEM_SOCKET, F_OK) < 0 &&
		user_folder_of_sockets(folder, sizeof(folder)))
		snprintf(buffer, SETTINGS_URL_SIZE, "ipc://%s/rpc.sock", folder);
	else
		snprintf(buffer, SETTINGS_URL_SIZE, "ipc://" SYSTEM_SOCKET);
	return buffer;
}
