/* SPDX-License-Identifier: MIT */
/* Files of the static host. */
#include "core/base/util.h"
#include "core/pci/sysfs.h"
#include "tests/support/tree_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void tree_die(const char *doing, const char *path)
{
	fprintf(stderr, "test host: cannot %s %s: %s\n", doing, path, strerror(errno));
	abort();
}

void tree_path(char out[static TREE_PATH], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(out, TREE_PATH, fmt, args);
	va_end(args);
	if (n < 0 || n >= TREE_PATH)
		tree_die("fit", fmt);
}

void tree_mkdir(const struct tree *tree, const char *path)
{
	char part[TREE_PATH];

	if (mkdirat(tree->root_fd, path, 0755) == 0 || errno == EEXIST)
		return;
	for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
		tree_path(part, "%.*s", (int)(s - path), path);
		if (mkdirat(tree->root_fd, part, 0755) < 0 && errno != EEXIST)
			tree_die("make folder", part);
	}
	if (mkdirat(tree->root_fd, path, 0755) < 0 && errno != EEXIST)
		tree_die("make folder", path);
}

static void make_parent(const struct tree *tree, const char *path)
{
	char parent[TREE_PATH];
	const char *slash = strrchr(path, '/');

	if (!slash)
		return;
	tree_path(parent, "%.*s", (int)(slash - path), path);
	tree_mkdir(tree, parent);
}

__attribute__((format(printf, 4, 0))) static void put(
	const struct tree *tree, const char *path, int flags, const char *fmt, va_list args)
{
	CLEANUP(free_cleanup) char *text = NULL;
	int len = vasprintf(&text, fmt, args);
	CLEANUP(fd_cleanup)
	int fd = openat(tree->root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);

	if (fd < 0 && errno == ENOENT) {
		make_parent(tree, path);
		fd = openat(tree->root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
	}
	if (len < 0 || fd < 0 || write(fd, text, (size_t)len) != len)
		tree_die("write", path);
}

void tree_write(const struct tree *tree, const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(tree, path, O_TRUNC, fmt, args);
	va_end(args);
}

void tree_append(const struct tree *tree, const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(tree, path, O_APPEND, fmt, args);
	va_end(args);
}

char *tree_read(const struct tree *tree, const char *path)
{
	size_t len;

	return sysfs_slurp(tree->root_fd, path, 1 << 20, &len);
}

void tree_link(const struct tree *tree, const char *path, const char *target)
{
	char relative[TREE_PATH] = "";
	size_t n = 0;

	for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
		memcpy(relative + n, "../", 4);
		n += 3;
	}
	if (n + strlen(target) >= sizeof(relative))
		tree_die("fit", target);
	strcpy(relative + n, target);
	make_parent(tree, path);
	if (symlinkat(relative, tree->root_fd, path) < 0)
		tree_die("link", path);
}

static int wipe_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

void tree_wipe(const char *path)
{
	if (nftw(path, wipe_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
		tree_die("remove", path);
}

void tree_remove(const struct tree *tree, const char *path)
{
	char absolute[TREE_PATH];

	tree_path(absolute, "%s/%s", tree->root, path);
	tree_wipe(absolute);
}

void tree_take_away(struct tree *tree, const char *path)
{
	char absolute[TREE_PATH], kept[TREE_PATH];

	tree_path(absolute, "%s/%s", tree->root, path);
	tree_path(kept, "%s/kept-%u", tree->folder, tree->n_kept++);
	if (rename(absolute, kept) < 0)
		tree_die("take away", path);
}

bool tree_exists(const struct tree *tree, const char *path)
{
	return faccessat(tree->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
