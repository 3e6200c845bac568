/* SPDX-License-Identifier: MIT */
/* A simulated host, and one vfiod after another on it with the same state. */
#pragma once

#include "tests/contract/daemon.h"

struct stage_programs {
	const char *vfiod, *simhost, *host_file;
};

struct stage {
	struct stage_programs programs;
	struct daemon *daemon; /* NULL when it has ended */
	pid_t simhost;
	char folder[48];
	char host[64]; /* where it is mounted */
	char events[96];
};

/* Mounts the host and starts vfiod. False: no such file system can be had here. Aborts, with what
 * vfiod said, when it does not come up. */
bool stage_open(struct stage *stage, const struct stage_programs *programs);

/* Starts vfiod on what the one before left. Aborts when it does not come up. */
void stage_start(struct stage *stage);

/* Ends vfiod by the signal; its exit status, -1 for none. */
int stage_end(struct stage *stage, int signal);

/* Ends all and removes the folder. vfiod's exit status, 0 when it had ended before. */
int stage_close(struct stage *stage);

/* Writes one line to the simulated host's control file, or aborts. */
void stage_control(const struct stage *stage, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes text to a file below sys/bus/pci/, as another tool would. 0 or the errno. */
int stage_put(const struct stage *stage, const char *path, const char *text);

/* The driver that the host has for a device; "" for none. */
void stage_driver(const struct stage *stage, const char *address, char ret[static 64]);

/* What its driver_override says, without the line's end. */
void stage_override(const struct stage *stage, const char *address, char ret[static 64]);

/* Rows of a table of vfiod's database. Aborts when it cannot be read. */
unsigned stage_rows(const struct stage *stage, const char *table);
