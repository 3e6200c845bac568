/* SPDX-License-Identifier: MIT */
/* A server to hold the cases against. */
#include "tests/contract/daemon.h"

#include "core/base/util.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { WAIT_MS = 20000, ARGS_MAX = 32 };

static const char SERVING[] = "serving REST on http://";

static unsigned free_port(void)
{
	CLEANUP(fd_cleanup) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		abort();
	return ntohs(address.sin_port);
}

static char *print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *print(const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	return text;
}

/* The argument with {dir} and {tcp} filled in. */
static char *fill_in(const struct daemon *d, const char *text)
{
	struct bytes out = {0};

	bytes_add(&out, "", 0);
	while (*text) {
		if (strncmp(text, "{dir}", 5) == 0) {
			bytes_print(&out, "%s", d->folder);
			text += 5;
		} else if (strncmp(text, "{tcp}", 5) == 0) {
			bytes_print(&out, "%u", d->tcp_port);
			text += 5;
		} else {
			bytes_add(&out, text++, 1);
		}
	}
	return out.data;
}

static void make_args(
	const struct daemon *d, const char *program, const json_t *variant, char *args[ARGS_MAX])
{
	size_t n = 0, i;
	json_t *arg;

	args[n++] = strdup(program);
	args[n++] = strdup("--http=127.0.0.1:0");
	args[n++] = print("--rpc=ipc://%s/run/rpc.sock", d->folder);
	args[n++] = print("--events=ipc://%s/run/events.sock", d->folder);
	args[n++] = print("--root=%s", d->root);
	args[n++] = print("--state=%s/state", d->folder);
	json_array_foreach(json_object_get(variant, "args"), i, arg)
	{
		/* cppcheck-suppress knownConditionTrueFalse ; it takes the loop to run once at most
		 */
		assert(n + 1 < ARGS_MAX);
		args[n++] = fill_in(d, json_string_value(arg));
	}
	args[n] = NULL;
}

static void set_environment(const json_t *variant)
{
	const char *name;
	json_t *value;

	unsetenv("VOLANT_API_KEY");
	unsetenv("VOLANT_API_ALLOW_CIDR");
	unsetenv("VOLANT_CORS_ORIGINS");
	json_object_foreach(json_object_get(variant, "env"), name, value)
	{
		setenv(name, json_string_value(value), 1);
	}
}

static bool spawn(struct daemon *d, const char *program, const json_t *variant)
{
	char *args[ARGS_MAX];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	make_args(d, program, variant, args);
	d->pid = fork();
	if (d->pid == 0) {
		set_environment(variant);
		dup2(ends[1], STDERR_FILENO);
		execv(program, args);
		_exit(127);
	}
	for (size_t i = 0; args[i]; i++)
		free(args[i]);
	close(ends[1]);
	d->stderr_fd = ends[0];
	if (d->pid > 0)
		d->pid_fd = (int)syscall(SYS_pidfd_open, d->pid, 0);
	return d->pid > 0 && d->pid_fd >= 0;
}

/* Takes in what it says. False once no more comes. */
static bool listen_to(struct daemon *d)
{
	char buf[4096];
	ssize_t n = read(d->stderr_fd, buf, sizeof(buf));

	if (n > 0)
		bytes_add(&d->said, buf, (size_t)n);
	return n > 0;
}

/* The address it says it serves on; one of all interfaces is reached by the loopback. */
static bool parse_address(struct daemon *d, const char *text)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&d->http;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&d->http;
	char host[64];
	unsigned port;

	if (sscanf(text, "[%63[^]]]:%u", host, &port) == 2) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
	}
	if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2)
		return false;
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : host,
		       &v4->sin_addr) == 1;
}

static void wait_until_up(struct daemon *d)
{
	struct pollfd fd = {.fd = d->stderr_fd, .events = POLLIN};
	const char *serving, *end;

	while (poll(&fd, 1, WAIT_MS) > 0 && listen_to(d)) {
		serving = strstr(d->said.data, SERVING);
		end = serving ? strchr(serving, '\n') : NULL;
		if (end && parse_address(d, serving + sizeof(SERVING) - 1))
			return;
	}
}

static struct daemon *daemon_new(void)
{
	struct daemon *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->pid_fd = d->stderr_fd = d->rpc_fd[0] = d->rpc_fd[1] = -1;
	bytes_add(&d->said, "", 0);
	return d;
}

/* The folder can be entered by any user, as a daemon that gives up root needs. */
static void make_folder(struct daemon *d)
{
	strcpy(d->folder, "/tmp/vfiod-contract-XXXXXX");
	if (!mkdtemp(d->folder) || chmod(d->folder, 0755) < 0)
		abort();
	d->tcp_port = free_port();
	snprintf(d->rpc[0], sizeof(d->rpc[0]), "ipc://%s/run/rpc.sock", d->folder);
	snprintf(d->rpc[1], sizeof(d->rpc[1]), "tcp://127.0.0.1:%u", d->tcp_port);
}

struct daemon *daemon_start(const char *program, const json_t *variant, struct why *why)
{
	struct daemon *d = daemon_new();

	make_folder(d);
	d->mount = mount_new(why);
	if (!d->mount) {
		daemon_free(d);
		return NULL;
	}
	d->root = mount_root(d->mount);
	if (!spawn(d, program, variant)) {
		why_not(why, "cannot run %s: %s", program, strerror(errno));
		daemon_free(d);
		return NULL;
	}
	wait_until_up(d);
	return d;
}

static bool attach_rest(struct daemon *d, const char *url, struct why *why)
{
	static const char scheme[] = "http://";
	size_t len = strlen(scheme);

	if (strncmp(url, scheme, len) == 0 && parse_address(d, url + len))
		return true;
	return why_not(why, "%s: expected http://ADDRESS:PORT, the address in numbers", url);
}

static bool attach_rpc(struct daemon *d, const char *url, struct why *why)
{
	bool ipc = strncmp(url, "ipc://", 6) == 0;

	if (!ipc && strncmp(url, "tcp://", 6) != 0)
		return why_not(why, "%s: expected ipc://PATH or tcp://127.0.0.1:PORT", url);
	snprintf(d->rpc[!ipc], sizeof(d->rpc[0]), "%s", url);
	return true;
}

struct daemon *daemon_attach(const char *rest, const char *rpc, const char *host, struct why *why)
{
	struct daemon *d = daemon_new();

	d->root = host;
	if ((!rest || attach_rest(d, rest, why)) && (!rpc || attach_rpc(d, rpc, why)))
		return d;
	daemon_free(d);
	return NULL;
}

int daemon_rpc_of(const struct daemon *daemon, bool tcp)
{
	return tcp || !daemon->rpc[0][0];
}

bool daemon_is_up(const struct daemon *daemon)
{
	return daemon->http.ss_family != 0;
}

int daemon_wait(struct daemon *d)
{
	struct pollfd fd = {.fd = d->pid_fd, .events = POLLIN};
	bool ended = poll(&fd, 1, WAIT_MS) > 0;
	int status = 0;

	if (!ended)
		kill(d->pid, SIGKILL);
	waitpid(d->pid, &status, 0);
	d->pid = 0;
	/* A child that a blocked write keeps alive has let go of this pipe. */
	while (listen_to(d))
		;
	return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int daemon_stop(struct daemon *d)
{
	if (d->pid <= 0)
		return 0;
	kill(d->pid, SIGTERM);
	return daemon_wait(d);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void daemon_free(struct daemon *d)
{
	if (!d)
		return;
	daemon_stop(d);
	fd_cleanup(&d->pid_fd);
	fd_cleanup(&d->stderr_fd);
	fd_cleanup(&d->rpc_fd[0]);
	fd_cleanup(&d->rpc_fd[1]);
	bytes_clear(&d->said);
	mount_free(d->mount);
	if (d->folder[0])
		nftw(d->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(d);
}
