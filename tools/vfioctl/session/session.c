/* SPDX-License-Identifier: MIT */
/* One run of vfioctl: what was asked for, and the daemon that answers. */
#include "tools/vfioctl/session/session.h"

#include "core/base/array.h"
#include "rest/transcode.h"
#include "tools/vfioctl/print/text.h"
#include "tools/vfioctl/session/help.h"
#include "tools/vfioctl/session/problem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A verb has fewer options of its own. */
enum { OWN_OPTIONS_MAX = 8 };

/* "vfioctl", or "vfioctl list". */
static const char *session_name(const struct session *session, char name[64])
{
	snprintf(name, 64, "vfioctl%s%s", session->verb ? " " : "",
		session->verb ? session->verb->name : "");
	return name;
}

static int session_stop(struct session *session, int exit_code)
{
	session->stop = exit_code;
	return '?';
}

static int stop_usage(struct session *session)
{
	char name[64];

	fprintf(stderr, "'%s --help' tells more.\n", session_name(session, name));
	return session_stop(session, EXIT_USAGE);
}

static int stop_help(struct session *session)
{
	if (session->verb)
		help_verb(stdout, session->verb);
	else
		help_all(stdout, session->verbs);
	return session_stop(session, EXIT_DONE);
}

static int stop_version(struct session *session)
{
	help_version(stdout);
	return session_stop(session, EXIT_DONE);
}

/* The verb's options and those of all verbs, in one list. */
static void merge_options(
	const struct option *own, struct option merged[OWN_OPTIONS_MAX + SETTINGS_OPTIONS_MAX])
{
	size_t n = 0;

	for (; own && own->name && n < OWN_OPTIONS_MAX; own++)
		merged[n++] = *own;
	for (const struct option *option = settings_options; option->name; option++)
		merged[n++] = *option;
	merged[n] = (struct option){0};
}

static int take_setting(struct session *session, int option)
{
	struct fault fault;
	int r = settings_take(&session->settings, option, optarg, &fault);

	if (r == -EINVAL)
		session_fail(session, EXIT_USAGE, "%s", fault.text);
	return r;
}

int session_option(struct session *session, int argc, char **argv, const struct option *own)
{
	struct option options[OWN_OPTIONS_MAX + SETTINGS_OPTIONS_MAX];
	/* Ahead of the verb, its own options must not be taken for ours. */
	const char *letters = session->verb ? SETTINGS_LETTERS : "+" SETTINGS_LETTERS;
	int c, r, at = 0;

	merge_options(own, options);
	while ((c = getopt_long(argc, argv, letters, options, &at)) != -1) {
		if (c == 'h')
			return stop_help(session);
		if (c == 'V')
			return stop_version(session);
		if (c == '?')
			return stop_usage(session);
		if (c == 0) /* a flag, which getopt_long has set */
			continue;
		if (optarg && !optarg[0]) {
			session_fail(session, EXIT_USAGE, "--%s needs a value", options[at].name);
			return stop_usage(session);
		}
		r = take_setting(session, c);
		if (r == -EINVAL)
			return stop_usage(session);
		if (r == -ENOENT)
			return c;
	}
	return -1;
}

bool session_arguments(struct session *session, int count, int min, int max)
{
	if (count >= min && count <= max)
		return true;
	if (max == 0)
		session_fail(session, EXIT_USAGE, "no arguments are expected");
	else if (count < min)
		session_fail(session, EXIT_USAGE, "which device? Give its PCI address");
	else
		session_fail(session, EXIT_USAGE, "%d arguments are given, at most %d expected",
			count, max);
	stop_usage(session);
	return false;
}

/* Connects unless that is done. An exit code. */
static int connect_remote(struct session *session)
{
	struct fault fault;
	int r;

	if (session->remote)
		return EXIT_DONE;
	r = remote_open(&session->settings, &session->remote, &fault);
	if (r == 0)
		return EXIT_DONE;
	return session_fail(session, r == -ENOMEM ? EXIT_REFUSED : EXIT_USAGE, "%s", fault.text);
}

static void print_failure(const struct session *session, const Rpc__V1__Status *status)
{
	bool colour = paint_wanted(session->settings.colour, stderr);
	char name[64];

	if (session->settings.json && problem_print_json(stderr, status) == 0)
		return;
	problem_print_status(stderr, colour, session_name(session, name), status);
}

void *session_call(struct session *session, const char *method, const void *request, int *ret_exit)
{
	Rpc__V1__Status *status = NULL;
	ProtobufCMessage *answer;
	int r = connect_remote(session);

	if (r != EXIT_DONE) {
		*ret_exit = r;
		return NULL;
	}
	answer = remote_call(session->remote, method, request, &status);
	if (!answer) {
		print_failure(session, status);
		*ret_exit = remote_unreachable(session->remote, status) ? EXIT_UNREACHABLE
									: EXIT_REFUSED;
	}
	rpc_status_free(status);
	return answer;
}

int session_json(const struct session *session, const void *message)
{
	struct rest_json json = {0};
	int r = rest_transcode_write(&json, message);

	rest_json_literal(&json, "\n");
	if (r < 0)
		r = session_fail(session, EXIT_REFUSED, "the answer cannot be told as JSON");
	else if (json.failed)
		r = session_fail(session, EXIT_REFUSED, "out of memory");
	else
		fwrite(json.data, 1, json.len, stdout);
	rest_json_clear(&json);
	return r;
}

int session_table(const struct session *session, const struct table *table)
{
	if (table_print(table, stdout, session_coloured(session), true) < 0)
		return session_fail(session, EXIT_REFUSED, "out of memory");
	return EXIT_DONE;
}

const char *session_numa_cell(const char *numa_node)
{
	return strcmp(numa_node, "-1") == 0 ? "" : numa_node;
}

void session_name_line(const char *name)
{
	text_put(stdout, name);
	putchar('\n');
}

int session_fail(const struct session *session, int exit_code, const char *fmt, ...)
{
	char name[64], text[sizeof(struct fault)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "%s: ", session_name(session, name));
	text_put(stderr, text);
	fputc('\n', stderr);
	return exit_code;
}

bool session_coloured(const struct session *session)
{
	return paint_wanted(session->settings.colour, stdout);
}

void session_close(struct session *session)
{
	remote_close(session->remote);
	session->remote = NULL;
}

int words_add(struct words *words, char *text)
{
	char **added = ARRAY_ADD(words->items, words->count);

	if (!added)
		return -ENOMEM;
	*added = text;
	return 0;
}

void words_clear(struct words *words)
{
	free(words->items);
}

void session_free_message(void *pointer)
{
	ProtobufCMessage *message;

	/* The pointer's own type is another, which a cast would hide from the compiler. */
	memcpy(&message, pointer, sizeof(message));
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}
