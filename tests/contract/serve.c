/* SPDX-License-Identifier: MIT */
/*
 * Runs a command beside a vfiod on the host of the cases, and tells it where that is: VFIOD_HTTP
 * (an URL), VFIOD_RPC and VFIOD_ROOT (the host's folder) are in its environment.
 *
 * Usage: contract_serve VFIOD COMMAND [ARGUMENT...]
 */
#include "tests/contract/daemon.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/wait.h>

static int run(const struct daemon *d, char **command)
{
	const struct sockaddr_in *http = (const struct sockaddr_in *)&d->http;
	char url[64];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(http->sin_port));
		setenv("VFIOD_HTTP", url, 1);
		setenv("VFIOD_RPC", d->rpc[0], 1);
		setenv("VFIOD_ROOT", d->root, 1);
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return EXIT_FAILURE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct why why = {"it did not come up"};

	if (argc < 3) {
		fprintf(stderr, "Usage: contract_serve VFIOD COMMAND [ARGUMENT...]\n");
		return 2;
	}
	if (!mount_possible())
		return MOUNT_SKIP;
	struct daemon *d = daemon_start(argv[1], NULL, &why);
	if (!d || !daemon_is_up(d)) {
		fprintf(stderr, "%s\n%s", why.text, d ? d->said.data : "");
		daemon_free(d);
		return EXIT_FAILURE;
	}
	int status = run(d, argv + 2);
	if (daemon_stop(d) != 0) {
		fprintf(stderr, "the daemon did not end well: %s", d->said.data);
		status = status ? status : EXIT_FAILURE;
	}
	daemon_free(d);
	return status;
}
