/* SPDX-License-Identifier: MIT */
/* Command line and environment. */
#include "tools/vfiod/options.h"

#include "core/base/user_folder.h"
#include "core/base/util.h"
#include "core/plan/judge.h"
#include "tools/vfiod/log/log.h"
#include "tools/vfiod/usage.h"

#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static enum options_result options_wrong(const char *what, const char *why)
{
	log_say(LOG_ERR, "%s: %s", what, why);
	return OPTIONS_WRONG;
}

static enum options_result options_set(char **to, const char *value)
{
	free(*to);
	*to = strdup(value);
	return *to ? OPTIONS_RUN : options_wrong(value, "out of memory");
}

static enum options_result take_text(
	struct options *o, const struct option_row *row, const char *value)
{
	char **to = (void *)((char *)o + row->field);

	return options_set(to, value);
}

static enum options_result take_flag(
	struct options *o, const struct option_row *row, const char *value)
{
	bool *to = (void *)((char *)o + row->field);

	(void)value;
	*to = true;
	return OPTIONS_RUN;
}

static enum options_result take_allow(
	struct options *o, const struct option_row *row, const char *value)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(free_cleanup) char *copy = strdup(value);
	char *entries[256], *save = NULL;
	size_t n = 0;

	(void)row;
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

static enum options_result take_allow_force(
	struct options *o, const struct option_row *row, const char *value)
{
	CLEANUP(free_cleanup) char *copy = strdup(value);
	uint32_t allowed = 0;
	char *save = NULL, why[256];

	(void)row;
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

static enum options_result take_proxies(
	struct options *o, const struct option_row *row, const char *value)
{
	struct fault fault;

	(void)row;
	rest_cidrs_clear(&o->access.proxies);
	return rest_cidrs_parse(value, &o->access.proxies, &fault) < 0
		       ? options_wrong("--trusted-proxies", fault.text)
		       : OPTIONS_RUN;
}

static enum options_result take_max_connections(
	struct options *o, const struct option_row *row, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	(void)row;
	if (value[0] < '0' || value[0] > '9' || *end || n < OPTIONS_CONNECTIONS_MIN ||
		n > OPTIONS_CONNECTIONS_MAX)
		return options_wrong("--max-connections", "must be a number from 16 to 16384");
	o->max_connections = (unsigned)n;
	return OPTIONS_RUN;
}

static enum options_result take_sandbox(
	struct options *o, const struct option_row *row, const char *value)
{
	(void)row;
	return sandbox_mode_parse(value, &o->sandbox)
		       ? OPTIONS_RUN
		       : options_wrong("--sandbox", "enforce, kill or off?");
}

static enum options_result take_help(
	struct options *o, const struct option_row *row, const char *value)
{
	size_t n;
	const struct option_row *rows = options_rows(&n);

	(void)o, (void)row, (void)value;
	usage_print(stdout, rows, n);
	return OPTIONS_DONE;
}

static enum options_result take_version(
	struct options *o, const struct option_row *row, const char *value)
{
	(void)o, (void)row, (void)value;
	puts("vfiod " VFIOD_VERSION);
	return OPTIONS_DONE;
}

#define FIELD(member) offsetof(struct options, member)

/* The order is that of --help and of the manual page. */
static const struct option_row ROWS[] = {
	{"http", 0, "ADDR:PORT", take_text, FIELD(http),
		"Listen for REST here (default: 127.0.0.1:8080). An IPv6 address stands in brackets, as "
		"in [::1]:8080. Port 0 takes any free one. A socket that systemd passes is used instead."},
	{"rpc", 0, "URL[,URL]", take_text, FIELD(rpc),
		"Listen for RPC here: ipc://PATH, tcp://LOOPBACK:PORT or tls+tcp://ADDR:PORT (default: "
		"ipc:///run/vfiod/rpc.sock)."},
	{"events", 0, "URL", take_text, FIELD(events),
		"Publish events here (default: ipc:///run/vfiod/events.sock)."},
	{"root", 0, "DIR", take_text, FIELD(root),
		"The host's files are below this folder (default: /). Another folder than / is a "
		"simulated host, unless the kernel's own file systems are mounted there."},
	{"state", 0, "DIR", take_text, FIELD(state),
		"Keep here what must outlive a restart (default: /var/lib/vfiod). The folder is root's, "
		"with one of the user's in it."},
	{"user", 0, "NAME", take_text, FIELD(user),
		"Run as this user once root is not needed any more (default: vfiod)."},
	{"allow", 0, "V:D[,V:D]", take_allow, 0,
		"Pass through only devices with these vendor:device ids. * stands for any."},
	{"allow-force", 0, "GUARD[,GUARD]", take_allow_force, 0,
		"Let requests force these guards only (default: all that can be forced), or none. A disk "
		"in use is never taken."},
	{"trusted-proxies", 0, "CIDR[,CIDR]", take_proxies, 0,
		"Believe the X-Forwarded-For of these addresses."},
	{"tls-certificate", 0, "FILE", take_text, FIELD(tls_certificate),
		"Our certificate for tls+tcp://, in PEM."},
	{"tls-key", 0, "FILE", take_text, FIELD(tls_key), "Its private key, in PEM."},
	{"tls-authority", 0, "FILE", take_text, FIELD(tls_authority),
		"Clients need a certificate of this authority, in PEM."},
	{"max-connections", 0, "N", take_max_connections, 0,
		"Most connections to REST, and again to RPC: 16 to 16384 (default: 1024 and 512)."},
	{"no-query-key", 0, NULL, take_flag, FIELD(access.no_query_key),
		"Take an API key from a header only, and not from ?api_key=."},
	{"sandbox", 0, "MODE", take_sandbox, 0,
		"What a system call does that vfiod should not need: it fails and is logged (enforce, the "
		"default), ends the process (kill), or is allowed (off)."},
	{"trust-namespace", 0, NULL, take_flag, FIELD(trust_namespace),
		"Take the processes that vfiod sees for all that there are, although it is in a PID or "
		"user namespace of its own or lacks CAP_SYS_PTRACE. Otherwise it changes no device then."},
	{"insecure-no-key", 0, NULL, take_flag, FIELD(insecure_no_key),
		"Listen beyond loopback without an API key."},
	{"help", 'h', NULL, take_help, 0, "Print this help."},
	{"version", 'V', NULL, take_version, 0, "Print the version."},
};

const struct option_row *options_rows(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(ROWS);
	return ROWS;
}

enum { FIRST_ID = 256 }; /* beyond the letters */

/* The row that getopt has found by its name or its letter; NULL when it has complained. */
static const struct option_row *row_of(int id)
{
	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		if (id == FIRST_ID + (int)i || id == ROWS[i].letter)
			return &ROWS[i];
	}
	return NULL;
}

static enum options_result options_read(struct options *o, int argc, char **argv)
{
	struct option names[ARRAY_SIZE(ROWS) + 1] = {0};
	enum options_result result = OPTIONS_RUN;
	int id;

	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++)
		names[i] = (struct option){.name = ROWS[i].name,
			.has_arg = ROWS[i].argument ? required_argument : no_argument,
			.val = FIRST_ID + (int)i};
	while (result == OPTIONS_RUN && (id = getopt_long(argc, argv, "hV", names, NULL)) != -1) {
		const struct option_row *row = row_of(id);
		result = row ? row->take(o, row, optarg) : OPTIONS_WRONG;
	}
	if (result == OPTIONS_RUN && optind < argc)
		result = options_wrong(argv[optind], "vfiod takes options only; see vfiod --help");
	return result;
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
	log_say(LOG_ERR,
		"there is no place of yours for what %s names: neither %s nor HOME is set to an absolute path; set one of them, or give %s",
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
	enum options_result result = options_read(&o, argc, argv);

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
