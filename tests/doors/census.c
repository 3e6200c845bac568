/* SPDX-License-Identifier: MIT */
/* What vfiod holds at one moment. */
#include "tests/doors/census.h"

#include "core/base/clock.h"
#include "core/base/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 10 };

/* Reads a file below /proc, cut to the room there is; "" where there is none. */
static void read_proc(char *text, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void read_proc(char *text, size_t size, const char *fmt, ...)
{
	char path[300];
	size_t len = 0;
	ssize_t n;
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
}

/* The number behind a name at the start of a line. */
static size_t number_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

static unsigned count_fds(pid_t pid)
{
	char path[64];
	unsigned count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	CLEANUP(dir_cleanup) DIR *dir = opendir(path);
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	return count;
}

/* The command, which may hold anything, ends with the last parenthesis. */
static unsigned cpu_ms(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char stat[1024];
	const char *at;

	read_proc(stat, sizeof(stat), "/proc/%d/stat", pid);
	at = strrchr(stat, ')');
	if (at)
		sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	return (unsigned)((user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

static bool count_process(pid_t pid, struct census_process *ret)
{
	char status[4096], smaps[4096];

	read_proc(status, sizeof(status), "/proc/%d/status", pid);
	if (!status[0] || strstr(status, "State:\tZ"))
		return false;
	read_proc(smaps, sizeof(smaps), "/proc/%d/smaps_rollup", pid);
	*ret = (struct census_process){
		.pid = pid,
		.fds = count_fds(pid),
		.threads = (unsigned)number_of(status, "Threads:"),
		.cpu_ms = cpu_ms(pid),
		.resident_kb = number_of(smaps, "Rss:"),
		.anonymous_kb = number_of(smaps, "Anonymous:"),
	};
	sscanf(status, "Name:\t%31[^\n]", ret->name);
	return true;
}

/* Any thread of a process may have children. */
static void add_children(pid_t pid, struct census *census);

static void add(pid_t pid, struct census *census)
{
	if (census->count == CENSUS_MAX)
		return;
	if (count_process(pid, &census->processes[census->count]))
		census->count++;
	add_children(pid, census);
}

static void add_children(pid_t pid, struct census *census)
{
	char path[64], children[4096];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	CLEANUP(dir_cleanup) DIR *tasks = opendir(path);
	for (struct dirent *task; tasks && (task = readdir(tasks));) {
		char *rest = NULL;

		if (task->d_name[0] == '.')
			continue;
		read_proc(children, sizeof(children), "%s/%.16s/children", path, task->d_name);
		for (char *child = strtok_r(children, " ", &rest); child;
			child = strtok_r(NULL, " ", &rest))
			add((pid_t)strtol(child, NULL, 10), census);
	}
}

void census_take(pid_t main, struct census *ret)
{
	ret->count = 0;
	add(main, ret);
}

static unsigned sum_of(const struct census *census)
{
	unsigned sum = 0;

	for (size_t i = 0; i < census->count; i++)
		sum += 1 + census->processes[i].fds + census->processes[i].threads;
	return sum;
}

void census_settle(pid_t main, struct census *ret)
{
	const struct timespec pause = {.tv_sec = 2};
	unsigned before;

	census_take(main, ret);
	do {
		before = sum_of(ret);
		nanosleep(&pause, NULL);
		census_take(main, ret);
	} while (sum_of(ret) < before);
}

static const struct census_process *find(const struct census *census, pid_t pid)
{
	for (size_t i = 0; i < census->count; i++)
		if (census->processes[i].pid == pid)
			return &census->processes[i];
	return NULL;
}

bool census_within(const struct census *now, const struct census *before, struct why *why)
{
	for (size_t i = 0; i < before->count; i++)
		if (!find(now, before->processes[i].pid))
			return why_not(why, "process %d (%s) is gone", before->processes[i].pid,
				before->processes[i].name);
	for (size_t i = 0; i < now->count; i++) {
		const struct census_process *is = &now->processes[i], *was = find(before, is->pid);

		if (!was)
			return why_not(why, "process %d (%s) is new", is->pid, is->name);
		if (is->fds > was->fds)
			return why_not(why, "%s (%d) has %u descriptors, %u before", is->name,
				is->pid, is->fds, was->fds);
		if (is->threads > was->threads)
			return why_not(why, "%s (%d) has %u threads, %u before", is->name, is->pid,
				is->threads, was->threads);
	}
	return true;
}

bool census_await(pid_t main, const struct census *before, unsigned seconds, struct why *why)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * NS_PER_MS};
	int64_t until = now_ns() + (int64_t)seconds * 1000 * NS_PER_MS;
	struct census now;

	for (;;) {
		census_take(main, &now);
		if (census_within(&now, before, why))
			return true;
		if (now_ns() >= until)
			return false;
		/* Nobody tells when another process closes a descriptor. */
		nanosleep(&pause, NULL);
	}
}

unsigned census_cpu_ms(const struct census *census)
{
	unsigned sum = 0;

	for (size_t i = 0; i < census->count; i++)
		sum += census->processes[i].cpu_ms;
	return sum;
}

size_t census_memory_kb(const struct census *census)
{
	size_t sum = 0;

	for (size_t i = 0; i < census->count; i++)
		sum += census->processes[i].anonymous_kb;
	return sum;
}
