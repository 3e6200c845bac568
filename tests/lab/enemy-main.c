/* SPDX-License-Identifier: MIT */
/*
 * A main that was taken over: has the real helper forked as vfiod does, gives up root as vfiod
 * does, and then sends it the one command that it is told to, every guard forced.
 */
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/helper/helper.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
	"Usage: enemy-main [--no-force] [--deny-force] ROOT LOCKS COMMAND ADDRESS [NAME]\n"
	"\n"
	"  COMMAND   unbind, bind, probe, override; node, whose NAME is UID:GID:MODE\n"
	"  LOCKS     folder for the privileged helper's locks\n"
	"\n"
	"Prints \"done\", or \"refused REASON: SENTENCE\", or what the kernel said. Succeeds when it\n"
	"is done.\n";

enum { NOBODY = 65534 };

/* What the command line says. */
struct wish {
	struct helper_config config;
	struct helper_request request;
};

static int read_command(const char *text, uint32_t *ret)
{
	static const struct {
		const char *name;
		enum helper_op op;
	} commands[] = {
		{"unbind", HELPER_UNBIND},
		{"bind", HELPER_BIND},
		{"probe", HELPER_PROBE},
		{"override", HELPER_OVERRIDE_SET},
		{"node", HELPER_NODE_SET},
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, text) == 0) {
			*ret = commands[i].op;
			return 0;
		}
	}
	return -1;
}

static int read_node(const char *text, struct node_access *ret)
{
	*ret = (struct node_access){.has_uid = true, .has_gid = true, .has_mode = true};
	return sscanf(text, "%u:%u:%o", &ret->uid, &ret->gid, &ret->mode) == 3 ? 0 : -1;
}

static int read_arguments(int argc, char **argv, struct wish *w)
{
	w->request.force = UINT32_MAX;
	while (argc > 1 && strncmp(argv[1], "--", 2) == 0) {
		if (strcmp(argv[1], "--no-force") == 0)
			w->request.force = 0;
		else if (strcmp(argv[1], "--deny-force") == 0)
			w->config.deny_force = UINT32_MAX;
		else
			return -1;
		argc--;
		argv++;
	}
	if (argc < 5 || argc > 6 || read_command(argv[3], &w->request.op) ||
		!pci_address_parse(argv[4], &w->request.address))
		return -1;
	w->config.root = argv[1];
	mkdir(argv[2], 0755);
	w->config.lock_fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *name = argc == 6 ? argv[5] : "";
	snprintf(w->request.name, sizeof(w->request.name), "%s", name);
	return w->request.op == HELPER_NODE_SET ? read_node(name, &w->request.access) : 0;
}

static int give_up_root(void)
{
	if (geteuid() != 0)
		return 0;
	return setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	       setresuid(NOBODY, NOBODY, NOBODY);
}

static int tell(const struct helper_reply *reply)
{
	if (reply->refused)
		printf("refused %s: %s\n", core_reason_name(reply->refused - 1), reply->text);
	else
		puts(reply->error ? strerror(reply->error) : "done");
	return reply->error ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct allowlist everything;
	static const int64_t PATIENCE_NS = 20 * NS_PER_S;
	struct wish w = {.config = {.allow = &everything,
				 .client = {.is_known = true, .uid = NOBODY, .gid = NOBODY}}};
	struct helper_reply reply;
	struct helper *helper;

	if (read_arguments(argc, argv, &w)) {
		fputs(usage, stderr);
		return 2;
	}
	if (helper_fork(&w.config, &helper) || give_up_root()) {
		fputs("enemy-main: cannot start\n", stderr);
		return 2;
	}
	int error = helper_call(helper, &w.request, now_ns() + PATIENCE_NS, &reply);
	if (error)
		fprintf(stderr, "enemy-main: no answer: %s\n", strerror(-error));
	int status = error ? 2 : tell(&reply);
	helper_free(helper);
	return status;
}
