/* SPDX-License-Identifier: MIT */
/* Command line and environment. */
#include "tools/vfiod/options.h"

#include "core/base/user_folder.h"
#include "core/base/util.h"
#include "core/plan/judge.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char HELP[] =
	"Usage: vfiod [OPTION]...\n"
	"Manages the VFIO (PCI passthrough) devices of this host.\n"
	"\n"
	"  --http ADDR:PORT       REST listener (127.0.0.1:8080; [::1]:8080; port 0: any)\n"
	"  --rpc URL[,URL]        RPC listeners: ipc://PATH, tcp://LOOPBACK:PORT, "
	"tls+tcp://ADDR:PORT\n"
	"                         (ipc:///run/vfiod/rpc.sock)\n"
	"  --events URL           events are published here (ipc:///run/vfiod/events.sock)\n"
	"  --root DIR             the host's files are below DIR (/): a simulated host, unless the\n"
	"                         kernel's own are mounted there\n"
	"  --state DIR            what must outlive a restart (/var/lib/vfiod); root's, with a folder\n"
	"                         of the user's in it\n"
	"  --user NAME            user to run as once started (vfiod)\n"
	"  --allow V:D[,V:D]      pass only these vendor:device ids, * stands for any\n"
	"  --allow-force GUARD[,GUARD]  let requests force these guards only (all), or none;\n"
	"                         a disk in use is never taken, whoever forces it\n"
	"  --trusted-proxies CIDR[,CIDR]  whose X-Forwarded-For counts\n"
	"  --tls-certificate FILE, --tls-key FILE, --tls-authority FILE\n"
	"                         PEM files for tls+tcp://; with an authority, clients need a\n"
	"                         certificate of it\n"
	"  --max-connections N    connections that each face takes, 16 to 16384 (REST: 1024,\n"
	"                         RPC: 512)\n"
	"  --no-query-key         an API key counts in a header only, not as ?api_key=\n"
	"  --sandbox MODE         a system call that is not allowed fails and is logged (enforce),\n"
	"                         ends the process (kill), or is allowed (off) (enforce)\n"
	"  --insecure-no-key      listen beyond loopback without an API key\n"
	"  --help, --version\n"
	"\n"
	"Environment: VOLANT_API_KEY (key that clients must send), VOLANT_API_ALLOW_CIDR\n"
	"(comma-separated addresses that may connect), VOLANT_CORS_ORIGINS (comma-separated\n"
	"origins whose pages may use the API; with a key also *).\n"
	"Not started as root, sockets default to $XDG_RUNTIME_DIR/vfiod (~/.cache/vfiod) and state to\n"
	"$XDG_STATE_HOME/vfiod (~/.local/state/vfiod); where none of these is an absolute path, give\n"
	"--rpc, --events and --state.\n";

enum option_id {
	OPT_HTTP = 256,
	OPT_RPC,
	OPT_EVENTS,
	OPT_ROOT,
	OPT_STATE,
	OPT_USER,
	OPT_ALLOW,
	OPT_ALLOW_FORCE,
	OPT_PROXIES,
	OPT_TLS_CERTIFICATE,
	OPT_TLS_KEY,
	OPT_TLS_AUTHORITY,
	OPT_MAX_CONNECTIONS,
	OPT_NO_QUERY_KEY,
	OPT_SANDBOX,
	OPT_INSECURE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option OPTIONS[] = {
	{"http", required_argument, NULL, OPT_HTTP},
	{"rpc", required_argument, NULL, OPT_RPC},
	{"events", required_argument, NULL, OPT_EVENTS},
	{"root", required_argument, NULL, OPT_ROOT},
	{"state", required_argument, NULL, OPT_STATE},
	{"user", required_argument, NULL, OPT_USER},
	{"allow", required_argument, NULL, OPT_ALLOW},
	{"allow-force", required_argument, NULL, OPT_ALLOW_FORCE},
	{"trusted-proxies", required_argument, NULL, OPT_PROXIES},
	{"tls-certificate", required_argument, NULL, OPT_TLS_CERTIFICATE},
	{"tls-key", required_argument, NULL, OPT_TLS_KEY},
	{"tls-authority", required_argument, NULL, OPT_TLS_AUTHORITY},
	{"max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS},
	{"no-query-key", no_argument, NULL, OPT_NO_QUERY_KEY},
	{"sandbox", required_argument, NULL, OPT_SANDBOX},
	{"insecure-no-key", no_argument, NULL, OPT_INSECURE},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{0},
};

static enum options_result options_wrong(const char *what, const char *why)
{
	fprintf(stderr, "vfiod: %s: %s\n", what, why);
	return OPTIONS_WRONG;
}

static enum options_result options_set(char **to, const char *value)
{
	free(*to);
	*to = strdup(value);
	return *to ? OPTIONS_RUN : options_wrong(value, "out of memory");
}

static enum options_result set_allow(struct options *o, const char *value)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(free_cleanup) char *copy = strdup(value);
	char *entries[256], *save = NULL;
	size_t n = 0;

	for (char *s = copy ? strtok_r(copy, ",", &save) : NULL; s;
		s = strtok_r(NULL, ",", &save)) {
		if (n == ARRAY_SIZE(entries))
			return options_wrong("--allow", "more than 256 entries");
		entries[n++] = s;
	}
	allowlist_clear(&o->allow);
	if (n == 0)
		return options_wrong("--allow", "names no vendor:device");
	if (allowlist_parse(entries, n, &o->allow, &err))
		return options_wrong("--allow", err.message);
	return OPTIONS_RUN;
}

static enum options_result set_allow_force(struct options *o, const char *value)
{
	CLEANUP(free_cleanup) char *copy = strdup(value);
	uint32_t allowed = 0;
	char *save = NULL, why[256];

	if (!copy)
		return options_wrong("--allow-force", "out of memory");
	for (char *s = strtok_r(copy, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		enum core_reason reason = core_reason_parse(s);

		if (strcmp(s, "none") == 0 && strcmp(value, "none") == 0)
			continue;
		if (reason == REASON_COUNT || !plan_can_force(reason)) {
			snprintf(why, sizeof(why),
				"%.32s is no guard that can be forced (those are %s, or none)", s,
				plan_forceable());
			return options_wrong("--allow-force", why);
		}
		allowed |= 1u << reason;
	}
	if (allowed == 0 && strcmp(value, "none") != 0)
		return options_wrong(
			"--allow-force", "names no guard; none lets nothing be forced");
	o->deny_force = plan_forceable_bits() & ~allowed;
	return OPTIONS_RUN;
}

static enum options_result set_proxies(struct options *o, const char *value)
{
	struct fault fault;

	rest_cidrs_clear(&o->access.proxies);
	return rest_cidrs_parse(value, &o->access.proxies, &fault) < 0
		       ? options_wrong("--trusted-proxies", fault.text)
		       : OPTIONS_RUN;
}

static enum options_result set_max_connections(struct options *o, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || n < OPTIONS_CONNECTIONS_MIN ||
		n > OPTIONS_CONNECTIONS_MAX)
		return options_wrong("--max-connections", "must be a number from 16 to 16384");
	o->max_connections = (unsigned)n;
	return OPTIONS_RUN;
}

static enum options_result options_apply(struct options *o, int id, const char *value)
{
	switch (id) {
	case OPT_HTTP:
		return options_set(&o->http, value);
	case OPT_RPC:
		return options_set(&o->rpc, value);
	case OPT_EVENTS:
		return options_set(&o->events, value);
	case OPT_ROOT:
		return options_set(&o->root, value);
	case OPT_STATE:
		return options_set(&o->state, value);
	case OPT_USER:
		return options_set(&o->user, value);
	case OPT_ALLOW:
		return set_allow(o, value);
	case OPT_ALLOW_FORCE:
		return set_allow_force(o, value);
	case OPT_PROXIES:
		return set_proxies(o, value);
	case OPT_TLS_CERTIFICATE:
		return options_set(&o->tls_certificate, value);
	case OPT_TLS_KEY:
		return options_set(&o->tls_key, value);
	case OPT_TLS_AUTHORITY:
		return options_set(&o->tls_authority, value);
	case OPT_MAX_CONNECTIONS:
		return set_max_connections(o, value);
	case OPT_NO_QUERY_KEY:
		o->access.no_query_key = true;
		return OPTIONS_RUN;
	case OPT_SANDBOX:
		return sandbox_mode_parse(value, &o->sandbox)
			       ? OPTIONS_RUN
			       : options_wrong("--sandbox", "enforce, kill or off?");
	case OPT_INSECURE:
		o->insecure_no_key = true;
		return OPTIONS_RUN;
	case OPT_HELP:
		fputs(HELP, stdout);
		return OPTIONS_DONE;
	case OPT_VERSION:
		puts("vfiod " VFIOD_VERSION);
		return OPTIONS_DONE;
	default:
		return OPTIONS_WRONG; /* getopt has said why */
	}
}

/* An empty variable counts as unset, as in most service files. */
static const char *options_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static enum options_result read_environment(struct options *o)
{
	const char *key = options_environment("VOLANT_API_KEY");
	const char *cidrs = options_environment("VOLANT_API_ALLOW_CIDR");
	const char *origins = options_environment("VOLANT_CORS_ORIGINS");
	struct fault fault;

	if (key) {
		if (rest_access_set_key(&o->access, key, &fault) < 0)
			return options_wrong("VOLANT_API_KEY", fault.text);
		if (!(o->api_key = strdup(key)))
			return options_wrong("VOLANT_API_KEY", "out of memory");
	}
	if (cidrs && rest_cidrs_parse(cidrs, &o->access.allowed, &fault) < 0)
		return options_wrong("VOLANT_API_ALLOW_CIDR", fault.text);
	if (origins && rest_access_set_origins(&o->access, origins, &fault) < 0)
		return options_wrong("VOLANT_CORS_ORIGINS", fault.text);
	if (o->access.any_origin && !key)
		return options_wrong("VOLANT_CORS_ORIGINS",
			"with * any web page could change this host's devices through its visitors' browsers; name the origins, or set VOLANT_API_KEY");
	return OPTIONS_RUN;
}

static enum options_result no_place(const char *option, const char *variable)
{
	fprintf(stderr,
		"vfiod: there is no place of yours for what %s names: neither %s nor HOME is set to an absolute path; set one of them, or give %s\n",
		option, variable, option);
	return OPTIONS_WRONG;
}

static enum options_result default_socket(
	const struct options *o, const char *option, const char *name, char **url)
{
	char folder[PATH_MAX] = "/run/vfiod";

	if (*url)
		return OPTIONS_RUN;
	if (!o->is_root && !user_folder_of_sockets(folder, sizeof(folder)))
		return no_place(option, "XDG_RUNTIME_DIR");
	if (asprintf(url, "ipc://%s/%s", folder, name) < 0)
		*url = NULL;
	return *url ? OPTIONS_RUN : options_wrong(option, "out of memory");
}

static enum options_result default_state(struct options *o)
{
	char folder[PATH_MAX] = "/var/lib/vfiod";

	if (o->state)
		return OPTIONS_RUN;
	if (!o->is_root && !user_folder_of_state(folder, sizeof(folder)))
		return no_place("--state", "XDG_STATE_HOME");
	return options_set(&o->state, folder);
}

static enum options_result fill_defaults(struct options *o)
{
	enum options_result result = default_state(o);

	if (result == OPTIONS_RUN)
		result = default_socket(o, "--rpc", "rpc.sock", &o->rpc);
	if (result == OPTIONS_RUN)
		result = default_socket(o, "--events", "events.sock", &o->events);
	if (!o->http)
		o->http = strdup("127.0.0.1:8080");
	if (!o->root)
		o->root = strdup("/");
	if (!o->user)
		o->user = strdup("vfiod");
	if (result == OPTIONS_RUN && (!o->http || !o->root || !o->user))
		return options_wrong("start", "out of memory");
	return result;
}

enum options_result options_parse(int argc, char **argv, struct options *ret)
{
	struct options o = {.is_root = geteuid() == 0};
	enum options_result result = OPTIONS_RUN;
	int id;

	while (result == OPTIONS_RUN && (id = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1)
		result = options_apply(&o, id, optarg);
	if (result == OPTIONS_RUN && optind < argc)
		result = options_wrong(argv[optind], "vfiod takes options only; see vfiod --help");
	if (result == OPTIONS_RUN)
		result = read_environment(&o);
	if (result == OPTIONS_RUN)
		result = fill_defaults(&o);
	if (result == OPTIONS_RUN)
		*ret = o;
	else
		options_clear(&o);
	return result;
}

void options_clear(struct options *o)
{
	free(o->http);
	free(o->rpc);
	free(o->events);
	free(o->root);
	free(o->state);
	free(o->user);
	free(o->tls_certificate);
	free(o->tls_key);
	free(o->tls_authority);
	free(o->api_key);
	rest_access_clear(&o->access);
	allowlist_clear(&o->allow);
	*o = (struct options){0};
}
