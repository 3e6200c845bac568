/* SPDX-License-Identifier: MIT */
/* Two vfiod on a static tree, and floods in processes of their own. */
#include "tests/floods/stand.h"

#include "core/base/clock.h"
#include "tests/doors/census.h"
#include "tests/floods/crowd.h"
#include "tests/support/tree.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	MORE_DEVICES = 28, /* a list of 24 KB, with those of the standard host */
	REST_S = 30,
	LISTS = 32, /* enough for each loop to get one */
	LOOK_MS = 200,
	LOOK_CPU_MS = 20, /* two ticks of the clock that counts it */

	NOBODY = 65534,
};

static void must(bool truth, const char *what)
{
	if (truth)
		return;
	perror(what);
	abort();
}

static struct tree *make_tree(void)
{
	struct tree *tree = tree_new_standard();
	char address[16], folder[300];

	for (unsigned i = 0; i < MORE_DEVICES; i++) {
		snprintf(address, sizeof(address), "0000:%02x:00.0", 0x20 + i);
		tree_add_device(tree, &(struct tree_device){.address = address,
					      .vendor = 0x8086,
					      .device = 0x10d3,
					      .group = 40 + (int)i,
					      .driver = "e1000e"});
	}
	/* vfiod has given up root by the time that it reads. */
	snprintf(folder, sizeof(folder), "%s/..", tree_root(tree));
	must(chmod(folder, 0755) == 0, folder);
	return tree;
}

static struct daemon *start(const char *vfiod, const struct tree *tree)
{
	struct why why = {"it did not come up"};
	char root[300];

	snprintf(root, sizeof(root), "--root=%s", tree_root(tree));
	/* Of several options, the last counts. */
	json_t *variant = json_pack(
		"{s[ss]}", "args", root, "--rpc=ipc://{dir}/run/rpc.sock,tcp://127.0.0.1:{tcp}");
	struct daemon *d = daemon_start(vfiod, variant, &why);
	json_decref(variant);
	if (d && daemon_is_up(d))
		return d;
	fprintf(stderr, "%s: %s\n%s\n", vfiod, why.text, d ? d->said.data : "");
	abort();
}

static unsigned fds_of(const struct census *census)
{
	unsigned sum = 0;

	for (size_t i = 0; i < census->count; i++)
		sum += census->processes[i].fds;
	return sum;
}

static void list_once(const struct daemon *d)
{
	static const char list[] =
		"GET /api/v1/vfio/devices HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	struct http_answer answer = {0};
	struct why why = {""};
	int fd = http_connect(&d->http, NULL, &why);

	http_send(fd, list, sizeof(list) - 1);
	if (!http_read(fd, true, &answer, &why) || answer.status != 200 || !http_is_closed(fd)) {
		fprintf(stderr, "a list of devices: %s\n", why.text);
		abort();
	}
	close(fd);
	http_answer_clear(&answer);
}

/* How many it has once it keeps the folders of all devices, which it does from the first list on,
 * and each loop the socket by which it asks who calls. */
static unsigned fds_at_rest(const struct daemon *d)
{
	struct census census;

	for (int i = 0; i < LISTS; i++)
		list_once(d);
	census_settle(d->pid, &census);
	return fds_of(&census);
}

void stand_open(struct stand *s, const char *vfiod)
{
	s->tree = make_tree();
	s->tested = start(vfiod, s->tree);
	s->decoy = start(vfiod, s->tree);
	s->tested_fds = fds_at_rest(s->tested);
	s->decoy_fds = fds_at_rest(s->decoy);
}

static bool end(struct daemon *d, const char *which, struct why *why)
{
	int status = daemon_stop(d);

	if (status != 0)
		why_not(why, "the vfiod %s ended with status %d and said: %.1500s", which, status,
			d->said.data);
	daemon_free(d);
	return status == 0;
}

bool stand_close(struct stand *s, struct why *why)
{
	bool ok = end(s->tested, "under test", why);

	ok = end(s->decoy, "beside it", why) && ok;
	tree_free(s->tree);
	*s = (struct stand){0};
	return ok;
}

static bool await_rest_of(const struct daemon *d, unsigned fds, struct why *why)
{
	const struct timespec look = {.tv_nsec = LOOK_MS * (NS_PER_S / 1000)};
	int64_t until = now_ns() + REST_S * NS_PER_S;
	struct census census;
	unsigned before;

	census_take(d->pid, &census);
	do {
		before = census_cpu_ms(&census);
		/* Nothing tells that a process has nothing left to do. */
		nanosleep(&look, NULL);
		census_take(d->pid, &census);
		if (census.count == 0)
			return why_not(why, "vfiod has ended");
		if (census_cpu_ms(&census) <= before + LOOK_CPU_MS && fds_of(&census) <= fds)
			return true;
	} while (now_ns() < until);
	return why_not(why,
		"%d seconds after the flood vfiod is still busy, or has connections whose clients are gone: %u descriptors, %u before",
		REST_S, fds_of(&census), fds);
}

bool stand_await_rest(const struct stand *s, struct why *why)
{
	return await_rest_of(s->tested, s->tested_fds, why) &&
	       await_rest_of(s->decoy, s->decoy_fds, why);
}

/* Somebody else than who started vfiod, but one who may use its socket. */
static void become_another(const char *ipc_url)
{
	struct stat st;

	if (geteuid() != 0)
		return;
	must(stat(ipc_url + strlen("ipc://"), &st) == 0, ipc_url);
	must(setgroups(0, NULL) == 0 && setgid(st.st_gid) == 0 && setuid(NOBODY) == 0, "setuid");
}

/* In the child: all of it before exec, but for nothing that another thread could hold. */
__attribute__((noreturn)) static void become_flood(
	int out, const char *flood, const char *http, const char *rest[2], const char *seconds)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	execl("/proc/self/exe", "floods", "--flood", flood, http, rest[0], rest[1], seconds, NULL);
	_exit(127);
}

void flood_start(
	struct flood_run *run, const char *flood, const struct daemon *server, unsigned seconds)
{
	const struct sockaddr_in *address = (const struct sockaddr_in *)&server->http;
	const char *rpc[2] = {server->rpc[0], server->rpc[1]};
	char http[64], limit[16], ready;
	int ends[2];

	snprintf(http, sizeof(http), "http://127.0.0.1:%u", ntohs(address->sin_port));
	snprintf(limit, sizeof(limit), "%u", seconds);
	must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	run->pid = fork();
	must(run->pid >= 0, "fork");
	if (run->pid == 0)
		become_flood(ends[1], flood, http, rpc, limit);
	close(ends[1]);
	run->fd = ends[0];
	must(read(run->fd, &ready, 1) == 1 && ready == 'r', "the flood");
}

bool flood_stop(struct flood_run *run, struct flood_done *ret, struct why *why)
{
	int status = -1;

	kill(run->pid, SIGTERM);
	ssize_t n = read(run->fd, ret, sizeof(*ret));
	waitpid(run->pid, &status, 0);
	close(run->fd);
	*run = (struct flood_run){0};
	return (n == sizeof(*ret) && status == 0) || why_not(why, "the flood itself failed");
}

static volatile sig_atomic_t must_stop;

static void on_stop(int signal)
{
	(void)signal;
	must_stop = 1;
}

int flood_main(char **args)
{
	const struct flood *flood = flood_find(args[0]);
	struct why why = {"no such flood"};
	struct rlimit files;
	struct flood_done done;
	struct daemon *server;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_stop);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max < 8192 ? files.rlim_max : 8192;
	setrlimit(RLIMIT_NOFILE, &files);
	become_another(args[2]);
	server = daemon_attach(args[1], args[2], NULL, &why);
	if (!flood || !server) {
		fprintf(stderr, "%s\n", why.text);
		return 2;
	}
	snprintf(server->rpc[1], sizeof(server->rpc[1]), "%s", args[3]);
	crowd_run(flood, server, (unsigned)atoi(args[4]), STDOUT_FILENO, &must_stop, &done);
	must(write(STDOUT_FILENO, &done, sizeof(done)) == sizeof(done), "report");
	daemon_free(server);
	return 0;
}
