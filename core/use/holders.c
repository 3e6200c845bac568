/* SPDX-License-Identifier: MIT */
/* Which processes have VFIO files, or a device's other nodes, open or mapped. */
#include "core/use/holders.h"
#include "core/base/array.h"
#include "core/base/util.h"
#include "core/use/native_nodes.h"
#include "core/use/node_numbers.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { MAX_HOLDERS = 16384 };

/* A look through all processes. */
struct scan {
	const struct sysfs *sysfs;
	bool is_native; /* native nodes are looked for, not VFIO's */
	struct node_numbers numbers;
	struct holders found;
	struct holder process; /* the one being looked at */
	int process_fd;
};

bool holders_add(struct holders *holders, const struct holder *holder)
{
	struct holder *added = NULL;

	if (holders->count < MAX_HOLDERS)
		added = ARRAY_ADD(holders->items, holders->count);
	if (added)
		*added = *holder;
	else
		holders->is_truncated = true;
	return added;
}

void holders_clear(struct holders *holders)
{
	free(holders->items);
	*holders = (struct holders){0};
}

void holder_describe(const struct holder *h, struct core_holder *ret)
{
	*ret = (struct core_holder){.pid = h->pid};
	snprintf(ret->command, sizeof(ret->command), "%.15s", h->command);
	switch ((enum hold)h->hold) {
	case HOLD_GROUP:
		snprintf(ret->what, sizeof(ret->what), "/dev/vfio/%d", h->id);
		break;
	case HOLD_DEVICE:
		snprintf(ret->what, sizeof(ret->what), "/dev/vfio/devices/vfio%d", h->id);
		break;
	case HOLD_FILE:
		snprintf(ret->what, sizeof(ret->what), "VFIO device file");
		break;
	case HOLD_MAPPING:
		snprintf(ret->what, sizeof(ret->what), "mapped VFIO device memory");
		break;
	case HOLD_NODE:
		snprintf(ret->what, sizeof(ret->what), "%.39s", h->node);
		break;
	}
}

/* Whether the process is listed with this already: it may have a node open many times over, and a
 * mapping for each of a device's regions. */
static bool is_listed(const struct scan *s, const struct holder *holder)
{
	for (size_t i = s->found.count; i-- > 0;) {
		const struct holder *h = &s->found.items[i];

		if (h->pid != holder->pid)
			return false; /* one process after the other is looked at */
		if (h->hold == holder->hold && h->id == holder->id &&
			h->has_address == holder->has_address &&
			pci_address_equal(h->address, holder->address) &&
			strcmp(h->node, holder->node) == 0)
			return true;
	}
	return false;
}

static void scan_add(struct scan *s, const struct holder *holder)
{
	if (!is_listed(s, holder))
		holders_add(&s->found, holder);
}

static void add_id(struct scan *s, enum hold hold, int32_t id)
{
	struct holder h = s->process;

	h.hold = hold;
	h.id = id;
	scan_add(s, &h);
}

static void add_node(struct scan *s, struct node_number *node)
{
	struct holder h = s->process;

	h.hold = HOLD_NODE;
	h.has_address = true;
	h.address = node->address;
	snprintf(h.node, sizeof(h.node), "%s", native_node_name(s->sysfs, node));
	scan_add(s, &h);
}

static bool number_after(const char *text, const char *prefix, int32_t *ret)
{
	size_t n = strlen(prefix);
	char *end;

	if (strncmp(text, prefix, n) != 0 || !isdigit((unsigned char)text[n]))
		return false;
	unsigned long value = strtoul(text + n, &end, 10);
	*ret = (int32_t)value;
	return (*end == '\0' || *end == ' ') && value <= INT32_MAX;
}

/* An anonymous VFIO file; newer kernels name its device in its fdinfo. */
static void add_file(struct scan *s, const char *fd_name)
{
	struct holder h = s->process;
	char path[64], *save = NULL;
	size_t len;

	h.hold = HOLD_FILE;
	snprintf(path, sizeof(path), "fdinfo/%.20s", fd_name);
	CLEANUP(free_cleanup) char *text = sysfs_slurp(s->process_fd, path, 65536, &len);
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "vfio-device-syspath:", 20) != 0)
			continue;
		const char *slash = strrchr(line, '/');
		h.has_address = slash && pci_address_parse(slash + 1, &h.address);
	}
	scan_add(s, &h);
}

/* A host that is simulated by files alone has no nodes with numbers. There the paths tell. */
static bool add_native_by_path(struct scan *s, const char *target)
{
	bool found = false;

	for (size_t i = 0; !s->sysfs->is_real && i < s->numbers.count; i++) {
		struct node_number *node = &s->numbers.items[i];

		if (strcmp(native_node_name(s->sysfs, node), target) != 0)
			continue;
		add_node(s, node);
		found = true;
	}
	return found;
}

/* What an open file is told to be by its path alone. Whether it is something. */
static bool add_by_path(struct scan *s, const char *fd_name, const char *target)
{
	int32_t id;

	if (s->is_native)
		return add_native_by_path(s, target);
	if (number_after(target, "/dev/vfio/devices/vfio", &id)) {
		add_id(s, HOLD_DEVICE, id);
	} else if (number_after(target, "/dev/vfio/", &id) ||
		   number_after(target, "/dev/vfio/noiommu-", &id)) {
		add_id(s, HOLD_GROUP, id);
	} else if (strncmp(target, "anon_inode:[vfio-device]", 24) == 0) {
		add_file(s, fd_name);
	} else {
		return false;
	}
	return true;
}

/* Who could not look must not say that nobody is there. A process may end at any time; and where we
 * are not root, others' processes are closed to us, as they are to the kernel's own tools. */
static void note_failure(struct scan *s)
{
	bool closed = (errno == EACCES || errno == EPERM) && geteuid() != 0;

	if (errno != ENOENT && errno != ESRCH && !closed)
		s->found.is_truncated = true;
}

/* What an open node is by its number. The link in /proc leads to the file itself, wherever its path
 * is; a simulated one leads below its root. Never asks a file server that may not answer; one of
 * another user refuses even root, and has no nodes. 0 or -1. */
static int add_by_number(struct scan *s, int fds_fd, const char *fd_name, const char *target)
{
	struct statx status;
	int error =
		s->sysfs->is_real
			? statx(fds_fd, fd_name, AT_STATX_DONT_SYNC, STATX_TYPE, &status)
			: statx(s->sysfs->root_fd, target + 1,
				  AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW, STATX_TYPE, &status);
	if (error)
		return -1;
	const struct node_number *end = s->numbers.items + s->numbers.count;
	mode_t type = status.stx_mode & S_IFMT;
	dev_t number = makedev(status.stx_rdev_major, status.stx_rdev_minor);
	for (struct node_number *n = node_numbers_find(&s->numbers, type, number);
		n && n < end && n->type == type && n->number == number; n++) {
		if (n->hold == HOLD_NODE)
			add_node(s, n);
		else
			add_id(s, n->hold, n->id);
	}
	return 0;
}

static void scan_file(struct scan *s, int fds_fd, const char *fd_name)
{
	char target[PATH_MAX];

	/* A native node is told by its number alone, so that one call for each file is enough. */
	if (s->is_native && s->sysfs->is_real && add_by_number(s, fds_fd, fd_name, "") == 0)
		return;
	ssize_t n = readlinkat(fds_fd, fd_name, target, sizeof(target) - 1);
	if (n < 0) {
		note_failure(s);
		return;
	}
	target[n] = '\0';
	if (!add_by_path(s, fd_name, target) && target[0] == '/' && s->numbers.count > 0)
		add_by_number(s, fds_fd, fd_name, target);
}

static void scan_files(struct scan *s)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(s->process_fd, "fd");

	if (!dir)
		note_failure(s);
	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));)
		scan_file(s, dirfd(dir), entry->d_name);
}

static void scan_maps(struct scan *s)
{
	size_t len;
	CLEANUP(free_cleanup) char *maps = sysfs_slurp(s->process_fd, "maps", 64 << 20, &len);
	const char *at = maps;
	int32_t id;

	if (!maps)
		note_failure(s);
	if (maps && strstr(maps, "anon_inode:[vfio-device]"))
		add_id(s, HOLD_MAPPING, -1);
	while (at && (at = strstr(at, "/dev/vfio/devices/vfio"))) {
		if (sscanf(at, "/dev/vfio/devices/vfio%d", &id) == 1)
			add_id(s, HOLD_DEVICE, id);
		at++;
	}
}

/* Opens the process and reads its name. False: it has ended meanwhile, or is none. */
static bool enter_process(struct scan *s, DIR *proc, const char *name)
{
	char command[64];

	if (!isdigit((unsigned char)name[0]))
		return false;
	s->process_fd = openat(dirfd(proc), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->process_fd < 0)
		return false;
	s->process = (struct holder){.pid = (int32_t)strtol(name, NULL, 10), .id = -1};
	if (sysfs_read(s->process_fd, "comm", command, sizeof(command)) >= 0) {
		snprintf(s->process.command, sizeof(s->process.command), "%.15s", command);
		return true;
	}
	close(s->process_fd);
	return false;
}

static int scan_processes(struct scan *s, void (*scan_one)(struct scan *s))
{
	CLEANUP(dir_cleanup) DIR *proc = sysfs_opendir(s->sysfs->root_fd, "proc");

	if (!proc)
		return errno == ENOENT ? 0 : errno;
	for (struct dirent *entry; (entry = sysfs_readdir(proc));) {
		if (!enter_process(s, proc, entry->d_name))
			continue;
		scan_one(s);
		close(s->process_fd);
	}
	return 0;
}

/* Looks for open files among the numbers, and frees these. */
static int find_files(struct scan *s, struct holders *ret)
{
	int error = scan_processes(s, scan_files);

	node_numbers_clear(&s->numbers);
	*ret = s->found;
	return error;
}

int holders_of_vfio(const struct sysfs *sysfs, struct holders *ret)
{
	struct scan s = {.sysfs = sysfs};
	int error = node_numbers_of_vfio(sysfs, &s.numbers);

	return error ? error : find_files(&s, ret);
}

int holders_of_nodes(const struct sysfs *sysfs, const struct pci_address *addresses, size_t n,
	struct holders *ret)
{
	struct scan s = {.sysfs = sysfs, .is_native = true};
	int error = native_nodes_find(sysfs, addresses, n, &s.numbers);

	/* Nobody can have what is not there. */
	if (error || s.numbers.count == 0)
		return error;
	return find_files(&s, ret);
}

int holders_of_mappings(const struct sysfs *sysfs, struct holders *ret)
{
	struct scan s = {.sysfs = sysfs};
	int error = scan_processes(&s, scan_maps);

	*ret = s.found;
	return error;
}
