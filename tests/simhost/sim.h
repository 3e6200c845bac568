/* SPDX-License-Identifier: MIT */
/* A simulated host without a mount: its files by their paths. */
#pragma once

#include "tools/simhost/view/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PCI "sys/bus/pci/"
#define DEVICE PCI "devices/"
#define DRIVER PCI "drivers/"

/* A host as the text of a host file tells; the test fails where it is wrong. */
struct model *sim_new(const char *text);

/* The node at the path; links on the way are followed, and the last one too. 0 or -ENOENT. */
int sim_walk(struct model *m, const char *path, struct node *ret);

/* Writes; 0 or the errno (positive). A path that is not there is ENOENT. */
int sim_write(struct model *m, const char *path, const char *text);
int sim_write_bytes(struct model *m, const char *path, const char *text, size_t len);

/* The content, without its last newline; "ENOENT", "ENODEV" where there is none. Good until the
 * next call. */
const char *sim_read(struct model *m, const char *path);

/* Where the link leads, its last component; "" where there is none. As sim_read. */
const char *sim_link(struct model *m, const char *path);

/* The whole link, as readlink has it. */
const char *sim_readlink(struct model *m, const char *path);

bool sim_exists(struct model *m, const char *path);

/* The names of a folder, sorted, blanks between. As sim_read. */
const char *sim_list(struct model *m, const char *path);

/* Runs a command of the control file: 0 or the errno. */
int sim_control(struct model *m, const char *line);

/* Sets the override and moves the device to vfio-pci. 0 or the errno. */
int sim_bind_vfio(struct model *m, const char *address);
