/* SPDX-License-Identifier: MIT */
/* A simulated host, and one vfiod after another on it. */
#include "tests/sweep/stage.h"

#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void must(bool truth, const char *what)
{
	if (truth)
		return;
	perror(what);
	abort();
}

static bool is_mounted(const struct stage *s)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/control", s->host);
	return access(path, F_OK) == 0;
}

/* Waits until it is mounted, or has given up. */
static bool await_mount(struct stage *s)
{
	CLEANUP(fd_cleanup) int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct pollfd changed = {.fd = mounts, .events = POLLPRI};

	while (!is_mounted(s)) {
		if (waitpid(s->simhost, NULL, WNOHANG) != 0) {
			s->simhost = 0;
			return false;
		}
		poll(&changed, 1, 100);
	}
	return true;
}

static bool mount_host(struct stage *s)
{
	strcpy(s->folder, "/tmp/vfiod-sweep-XXXXXX");
	must(mkdtemp(s->folder) && chmod(s->folder, 0755) == 0, s->folder);
	snprintf(s->host, sizeof(s->host), "%s/host", s->folder);
	snprintf(s->events, sizeof(s->events), "ipc://%s/run/events.sock", s->folder);
	must(mkdir(s->host, 0755) == 0, s->host);
	s->simhost = fork();
	if (s->simhost == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execl(s->programs.simhost, "simhost", "--foreground", s->programs.host_file,
			s->host, NULL);
		_exit(127);
	}
	return s->simhost > 0 && await_mount(s);
}

/* Of the tree and the folder that a daemon of the contract comes with, nothing is used here: the
 * last of several options counts. */
void stage_start(struct stage *s)
{
	struct why why = {"it did not come up"};
	char text[512];

	snprintf(text, sizeof(text),
		"{\"args\":[\"--root=%s\",\"--rpc=ipc://%s/run/rpc.sock\",\"--events=%s\","
		"\"--state=%s/state\"]}",
		s->host, s->folder, s->events, s->folder);
	json_t *variant = json_loads(text, 0, NULL);
	s->daemon = daemon_start(s->programs.vfiod, variant, &why);
	json_decref(variant);
	if (!s->daemon || !daemon_is_up(s->daemon)) {
		fprintf(stderr, "%s\n%s\n", why.text, s->daemon ? s->daemon->said.data : "");
		abort();
	}
	snprintf(s->daemon->rpc[0], sizeof(s->daemon->rpc[0]), "ipc://%s/run/rpc.sock", s->folder);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void unmount_host(struct stage *s)
{
	if (s->simhost > 0) {
		kill(s->simhost, SIGTERM);
		waitpid(s->simhost, NULL, 0);
	}
	nftw(s->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

bool stage_open(struct stage *s, const struct stage_programs *programs)
{
	*s = (struct stage){.programs = *programs};
	if (!mount_host(s)) {
		unmount_host(s);
		return false;
	}
	stage_start(s);
	return true;
}

int stage_end(struct stage *s, int signal)
{
	kill(s->daemon->pid, signal);
	int status = daemon_wait(s->daemon);

	if (status != 0 && signal == SIGTERM)
		fprintf(stderr, "vfiod said: %s\n", s->daemon->said.data);
	daemon_free(s->daemon);
	s->daemon = NULL;
	return status;
}

int stage_close(struct stage *s)
{
	int status = s->daemon ? stage_end(s, SIGTERM) : 0;

	unmount_host(s);
	*s = (struct stage){0};
	return status;
}

static int put(const char *path, const char *text)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	return write(fd, text, strlen(text)) < 0 ? errno : 0;
}

void stage_control(const struct stage *s, const char *fmt, ...)
{
	char path[96], line[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/control", s->host);
	errno = put(path, line);
	must(errno == 0, line);
}

int stage_put(const struct stage *s, const char *path, const char *text)
{
	char full[192];

	snprintf(full, sizeof(full), "%s/sys/bus/pci/%s", s->host, path);
	return put(full, text);
}

void stage_driver(const struct stage *s, const char *address, char ret[static 64])
{
	char path[192], target[256];

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", s->host, address);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	const char *name = strrchr(target, '/');
	snprintf(ret, 64, "%s", name ? name + 1 : "");
}

void stage_override(const struct stage *s, const char *address, char ret[static 64])
{
	char path[192];

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver_override", s->host, address);
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, ret, 63);

	must(n >= 0, path);
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

unsigned stage_rows(const struct stage *s, const char *table)
{
	char path[96], sql[64];
	sqlite3_stmt *q = NULL;
	sqlite3 *db = NULL;
	unsigned n;

	snprintf(path, sizeof(path), "%s/state/daemon/state.db", s->folder);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
		sqlite3_busy_timeout(db, 5000) != SQLITE_OK ||
		sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK ||
		sqlite3_step(q) != SQLITE_ROW) {
		fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
		abort();
	}
	n = (unsigned)sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return n;
}
