/* SPDX-License-Identifier: MIT */
/* What vfiod is told by its command line and its environment. */
#pragma once

#include "core/pci/allowlist.h"
#include "rest/access.h"
#include "tools/vfiod/sandbox/sandbox.h"

#include <stdbool.h>
#include <stddef.h>

/* Of --max-connections. */
enum { OPTIONS_CONNECTIONS_MIN = 16, OPTIONS_CONNECTIONS_MAX = 16384 };

struct options {
	char *http;   /* ADDR:PORT */
	char *rpc;    /* URLs, separated by commas */
	char *events; /* URL */
	char *root;
	char *state;
	char *user;
	char *tls_certificate, *tls_key, *tls_authority; /* paths of PEM files, or NULL */
	char *api_key;					 /* from VOLANT_API_KEY, or NULL */
	unsigned max_connections; /* that each face takes; 0: its own default */
	bool insecure_no_key;
	bool trust_namespace;
	bool is_root; /* started as root */
	enum sandbox_mode sandbox;
	struct rest_access access;
	struct allowlist allow;
	uint32_t deny_force; /* guards that nobody may force: bit 1u << reason */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/* An option: what --help and the manual page say of it, and what takes it. */
struct option_row {
	const char *name;
	char letter;	      /* 0: none */
	const char *argument; /* NULL: none */
	enum options_result (*take)(
		struct options *o, const struct option_row *row, const char *value);
	size_t field; /* of struct options, for take */
	const char *help;
};

/* All of them, in the order in which they are shown. */
const struct option_row *options_rows(size_t *ret_n);

/* Parses them. OPTIONS_DONE: --help or --version was answered. OPTIONS_WRONG: a sentence went to
 * stderr. All strings are owned by the options. */
enum options_result options_parse(int argc, char **argv, struct options *ret);

void options_clear(struct options *options);
