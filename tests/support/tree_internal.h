/* SPDX-License-Identifier: MIT */
/* Inside of the static host. */
#pragma once

#include "tests/support/tree.h"

#include <stddef.h>

enum { TREE_PATH = 512 };

struct tree_entry {
	char address[PCI_ADDRESS_SIZE];
	char path[256]; /* of its directory, below the root */
	char native[64];
	int group;
	bool leaves_enabled;
};

struct tree {
	char folder[224]; /* holds root, state and locks */
	char root[240], state[240], locks[240];
	int root_fd;
	struct tree_entry *entries; /* owned */
	size_t count;
	unsigned next_disk; /* minor number */
	unsigned n_kept;    /* of what was taken away, for its inode */
};

/* Ends the test program, naming what failed. */
void tree_die(const char *doing, const char *path) __attribute__((noreturn));

/* Formats a path, which must fit. */
void tree_path(char out[static TREE_PATH], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The device, which must exist. */
struct tree_entry *tree_entry(const struct tree *tree, const char *address);

/* Removes an absolute path with everything below it. */
void tree_wipe(const char *path);

/* Takes away what is at the path, and keeps its inode: sysfs gives none to a second file. */
void tree_take_away(struct tree *tree, const char *path);

/* Makes folder and folders of an empty host, and its proc files. */
void tree_make_folders(struct tree *tree);
