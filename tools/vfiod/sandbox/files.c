/* SPDX-License-Identifier: MIT */
/*
 * Which files the daemon may open: Landlock.
 *
 * Only opening, making and removing are ruled; to look at a path, to change an owner and to connect
 * to a socket is not, so users are still looked up by whatever serves them, and the nodes below
 * /dev are told without a rule for them. Nothing may be executed, and no TCP connection be made.
 */
#include "tools/vfiod/sandbox/files.h"

#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Debian 12's headers end with the second version of Landlock. */
enum {
	ACCESS_TRUNCATE = 1 << 14,   /* version 3 */
	ACCESS_IOCTL_DEV = 1 << 15,  /* 5 */
	ACCESS_CONNECT_TCP = 1 << 1, /* 4 */
	SCOPE_SIGNAL = 1 << 1,	     /* 6 */

	READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	CHANGE = READ | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE,
	STATE = CHANGE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE,
	SOCKETS = LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK |
		  LANDLOCK_ACCESS_FS_REMOVE_FILE,
	OF_A_FILE = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE |
		    LANDLOCK_ACCESS_FS_EXECUTE,
};

/* A kernel that knows less takes a longer struct as long as the rest is zero. */
struct attributes {
	uint64_t files, network, scopes;
};

struct rules {
	int fd;
	uint64_t handled;
};

static struct attributes attributes_of(int version)
{
	struct attributes a = {.files = (1 << 13) - 1};

	if (version >= 2)
		a.files |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		a.files |= ACCESS_TRUNCATE;
	if (version >= 4)
		a.network = ACCESS_CONNECT_TCP;
	if (version >= 5)
		a.files |= ACCESS_IOCTL_DEV;
	if (version >= 6)
		a.scopes = SCOPE_SIGNAL;
	return a;
}

/* What does not exist needs no rule. 0 or a negative errno. */
static int files_permit(const struct rules *rules, const char *path, uint64_t access)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		access &= OF_A_FILE;
	struct landlock_path_beneath_attr rule = {
		.allowed_access = access & rules->handled, .parent_fd = fd};
	if (syscall(SYS_landlock_add_rule, rules->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

/* The folders of the ipc:// URLs. */
static int permit_sockets(const struct rules *rules, const char *urls)
{
	CLEANUP(free_cleanup) char *copy = strdup(urls);
	char *save = NULL;
	int error = copy ? 0 : -ENOMEM;

	for (char *url = copy ? strtok_r(copy, ",", &save) : NULL; url && !error;
		url = strtok_r(NULL, ",", &save)) {
		if (strncmp(url, "ipc://", 6) != 0)
			continue;
		char *path = url + 6, *slash = strrchr(path, '/');
		if (slash)
			slash[slash == path] = '\0';
		error = files_permit(rules, slash ? path : ".", SOCKETS);
	}
	return error;
}

/* Where users and groups are looked up, by libc itself, nss-systemd, sssd, nscd and
 * libnss-extrausers; time zones, the locale and pci.ids; and what libc asks for the number of
 * processors. */
static int permit_machine(const struct rules *rules)
{
	static const char *const places[] = {"/etc", "/usr", "/run/systemd/userdb", "/run/userdb",
		"/run/host/userdb", "/run/systemd/machine", "/var/lib/sss", "/run/nscd",
		"/var/cache/nscd", "/var/lib/extrausers", "/var/lib/pciutils", "/proc/self",
		"/proc/stat", "/proc/cpuinfo", "/proc/meminfo", "/proc/sys",
		"/sys/devices/system/cpu", "/dev/urandom"};
	int error = files_permit(rules, "/dev/null", CHANGE);

	for (size_t i = 0; i < ARRAY_SIZE(places) && !error; i++)
		error = files_permit(rules, places[i], READ);
	return error;
}

/* Of a simulated host all may be read, for its folders come and go. */
static int permit_host(const struct rules *rules, const struct sandbox *s)
{
	static const char *const folders[] = {"sys", "proc"};
	char path[PATH_MAX];
	int error = 0;

	if (s->is_simulated)
		return files_permit(rules, s->root, READ);
	for (size_t i = 0; i < ARRAY_SIZE(folders) && !error; i++) {
		snprintf(path, sizeof(path), "%s/%s", s->root, folders[i]);
		error = files_permit(rules, path, READ);
	}
	return error;
}

static int permit_all(const struct rules *rules, const struct sandbox *s)
{
	int error = permit_machine(rules);

	if (!error)
		error = permit_host(rules, s);
	if (!error)
		error = files_permit(rules, s->state, STATE);
	if (!error)
		error = files_permit(rules, s->locks, READ);
	for (size_t i = 0; i < ARRAY_SIZE(s->sockets) && !error; i++)
		error = permit_sockets(rules, s->sockets[i]);
#ifdef VFIOD_SANITIZED
	if (!error)
		error = files_permit(
			rules, "/", READ); /* programs and libraries, for their reports */
#endif
	return error;
}

int sandbox_files_restrict(const struct sandbox *s)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	struct attributes attributes = attributes_of((int)version);
	CLEANUP(fd_cleanup)
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	if (fd < 0)
		return -errno;
	const struct rules rules = {.fd = fd, .handled = attributes.files};
	int error = permit_all(&rules, s);
	if (error)
		return error;
	return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : (int)version;
}
