/* SPDX-License-Identifier: MIT */
/* What vfiod holds at one moment: its processes, their descriptors, threads and memory. */
#pragma once

#include "tests/contract/why.h"

#include <stddef.h>
#include <sys/types.h>

enum { CENSUS_MAX = 64 };

struct census_process {
	pid_t pid;
	char name[32];
	unsigned fds;
	unsigned threads;
	unsigned cpu_ms; /* spent so far */
	size_t resident_kb;
	size_t anonymous_kb; /* private to it, and no file's: its heap and stacks */
};

struct census {
	struct census_process processes[CENSUS_MAX]; /* the first is main */
	size_t count;
};

/* Counts the process and all that descend from it; those that end meanwhile are left out. */
void census_take(pid_t main, struct census *ret);

/* The same once nothing has become less for two seconds: connections linger. */
void census_settle(pid_t main, struct census *ret);

/* Whether nothing but memory is more than it was: no process, descriptor or thread. */
bool census_within(const struct census *now, const struct census *before, struct why *why);

/* Counts again and again until nothing is more than it was, for connections end a little after
 * their clients; false with why set when it still is after so long. */
bool census_await(pid_t main, const struct census *before, unsigned seconds, struct why *why);

/* Processor time of all processes. */
unsigned census_cpu_ms(const struct census *census);

/* Private memory of all processes. */
size_t census_memory_kb(const struct census *census);
