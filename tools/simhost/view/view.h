/* SPDX-License-Identifier: MIT */
/*
 * The model as files: what is at a path, what it reads as, what writing it does.
 *
 * This folder includes model/, spec/ and base/. view.c walks the tables of kind.h; the other files
 * have the tables, each those of one part of the tree, and include one another's headers for what
 * their parts share.
 */
#pragma once

#include "tools/simhost/model/model.h"
#include "tools/simhost/view/node.h"

#include <stdio.h>
#include <sys/stat.h>

extern const struct node view_root;

/* A node as an inode number, never 0; the root's is 1. */
uint64_t node_number(struct node node);
struct node node_from_number(uint64_t number);

struct view_attributes {
	mode_t mode;
	off_t size;
	dev_t rdev;
	bool stream; /* dev/uevent: not a file with a content */
	bool fixed;  /* a folder that always is there: it may be kept in a cache */
};

/* All return 0 or a negative errno: -ENOENT below what is gone, -ENODEV for its contents. */
int view_lookup(struct model *m, struct node parent, const char *name, struct node *ret);

/* Works for what is gone, too, as fstat does. */
void view_stat(struct model *m, struct node node, struct view_attributes *ret);
int view_list(struct model *m, struct node node, struct listing *ret);

/* The whole content, made as it is now; waits where the kernel's read takes the device's lock. The
 * caller frees *ret. */
int view_read(struct model *m, struct node node, char **ret, size_t *ret_len);
int view_link(struct model *m, struct node node, char **ret);

/* Writes len > 0 bytes; returns how many were taken (at most a page) or a negative errno. Waits as
 * the kernel would. */
ssize_t view_write(struct model *m, struct node node, const char *text, size_t len);
