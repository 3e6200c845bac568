/* SPDX-License-Identifier: MIT */
/*
 * One run of vfioctl: what was asked for, and the daemon that answers.
 *
 * This folder includes print/, and of the project core/, rpc/ and rest/. It does not know the
 * verbs: main() tells it which there are.
 */
#pragma once

#include "tools/vfioctl/print/table.h"
#include "tools/vfioctl/session/remote.h"
#include "tools/vfioctl/session/settings.h"
#include "tools/vfioctl/session/verb.h"

struct session {
	const struct verb *const *verbs; /* all there are; NULL ends */
	const struct verb *verb;	 /* NULL until it is known */
	struct settings settings;
	struct remote *remote; /* NULL before the first call */
	int stop;	       /* the exit code, once session_option has said that all is done */
};

/* The next option of the verb's own, as getopt_long returns it; takes those that all verbs have.
 * own is ended by an entry without a name; NULL: none. -1 after the last one, with optind at the
 * first argument; '?' when the run ends here, with session->stop as its exit code: help was
 * printed, or the command line makes no sense, which was said. */
int session_option(struct session *session, int argc, char **argv, const struct option *own);

/* Whether there are between min and max arguments after the options; if not, that was said, and
 * session->stop is what to exit with. */
bool session_arguments(struct session *session, int count, int min, int max);

/* Calls a method of the daemon and waits. An answer is the caller's (AUTO_MESSAGE); NULL: the
 * failure was printed, and *ret_exit is what to exit with. */
void *session_call(struct session *session, const char *method, const void *request, int *ret_exit);

/* Prints a message as a line of JSON. An exit code. */
int session_json(const struct session *session, const void *message);

/* Prints a table. An exit code. */
int session_table(const struct session *session, const struct table *table);

/* A device's numa_node as a cell: nothing for "-1", which stands for unknown. */
const char *session_numa_cell(const char *numa_node);

/* Prints a name on a line of its own: what --quiet leaves of an answer. */
void session_name_line(const char *name);

/* Prints a sentence to stderr, after the name of tool and verb. Returns exit_code. */
int session_fail(const struct session *session, int exit_code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether stdout is to be coloured. */
bool session_coloured(const struct session *session);

/* Closes the connection. */
void session_close(struct session *session);

/* Texts collected from a repeated option; the texts are borrowed. */
struct words {
	char **items;
	size_t count;
};

/* Appends a text. 0 or -ENOMEM. */
int words_add(struct words *words, char *text);
void words_clear(struct words *words);

/* Frees *(any message *)pointer; NULL is fine. */
void session_free_message(void *pointer);

#define AUTO_MESSAGE __attribute__((cleanup(session_free_message)))
#define AUTO_WORDS __attribute__((cleanup(words_clear))) struct words
