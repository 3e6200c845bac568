/* SPDX-License-Identifier: MIT */
/*
 * The privileged helper's process: takes a command, checks it as if an enemy had sent it, and has a
 * child do it.
 *
 * What it should: hold no thread, no library that parses, nothing of a client's text; count its
 * children, for nothing else bounds root's.
 * What it must not: believe main. Addresses come as numbers, names are checked for their letters,
 * and whether a device may be taken or given is judged here, whatever main thought.
 */
#include "core/helper/serve.h"
#include "core/base/util.h"
#include "core/helper/channel.h"
#include "core/helper/look_cache.h"
#include "core/helper/work.h"
#include "core/pci/real.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MAX_CHILDREN = HELPER_WAYS * (HELPER_MAX_AT_WORK + HELPER_MAX_ABANDONED) };

struct child {
	pid_t pid;
	int reply_fd; /* a copy that tells when the caller has gone; -1: it has */
	uint32_t op;
};

/* The process that serves, and its children. */
struct serving {
	struct helper_service service;
	int signals; /* readable when a child has ended */
	struct child children[MAX_CHILDREN];
	size_t n_children;
};

static size_t count_children(const struct serving *s, enum helper_way way, bool abandoned)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_children; i++)
		n += helper_way_of(s->children[i].op) == way &&
		     (s->children[i].reply_fd < 0) == abandoned;
	return n;
}

/* Nobody waits for this one: it takes no place any more. What only reads is ended, as far as the
 * kernel lets it. */
static void child_abandon(struct child *child)
{
	close(child->reply_fd);
	child->reply_fd = -1;
	if (helper_only_reads(child->op))
		kill(child->pid, SIGKILL);
}

/* Its end shows main, which may still wait, that there will be no answer. */
static void child_forget(struct serving *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_children; i++) {
		if (s->children[i].pid != pid)
			continue;
		fd_cleanup(&s->children[i].reply_fd);
		s->children[i] = s->children[--s->n_children];
		return;
	}
}

static void children_reap(struct serving *s)
{
	struct signalfd_siginfo info;
	pid_t pid;

	while (read(s->signals, &info, sizeof(info)) > 0)
		continue;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		child_forget(s, pid);
}

/* A write that blocks lives on after the daemon; it must not keep the daemon's terminal, log pipe
 * or anything else open for whoever waits for their end. */
static void let_go_of_stdio(void)
{
	CLEANUP(fd_cleanup) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
}

/* What is the parent's: with a copy of others' replies left in a blocked write, the end of their
 * children would go unseen. */
static void let_go_of_parent(const struct serving *s)
{
	sigset_t none;

	for (size_t i = 0; i < s->n_children; i++) {
		if (s->children[i].reply_fd >= 0)
			close(s->children[i].reply_fd);
	}
	close(s->signals);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The child's whole life. */
static void child_work(const struct serving *s, const struct helper_command *command)
{
	struct helper_reply reply = {0};
	int lock = -1;

	let_go_of_parent(s);
	/* Reading an override takes the device's lock too, and so can block as long. */
	if (helper_way_of(command->request.op) == HELPER_WAY_CHANGE)
		let_go_of_stdio();
	reply.error = helper_begin(&s->service, command, &lock, &reply);
	if (reply.error) {
		helper_answer(command->reply_fd, &reply, &(struct holders){0});
		return;
	}
	/* With a copy left in a blocked write, the privileged helper's end would go unseen. */
	for (size_t i = 0; i < HELPER_WAYS; i++)
		close(s->service.channels[i]);
	helper_finish(&s->service, command, lock);
}

/* Has a child do it, or says why there is none. */
static void child_start(struct serving *s, const struct helper_command *command)
{
	enum helper_way way = helper_way_of(command->request.op);

	if (count_children(s, way, true) >= HELPER_MAX_ABANDONED) {
		helper_answer_error(command->reply_fd, HELPER_TOO_MANY);
		close(command->reply_fd);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		child_work(s, command);
		_exit(EXIT_SUCCESS);
	}
	if (pid < 0) {
		helper_answer_error(command->reply_fd, errno);
		close(command->reply_fd);
		return;
	}
	s->children[s->n_children++] = (struct child){
		.pid = pid, .reply_fd = command->reply_fd, .op = command->request.op};
}

/* Waits until there is something to do. What finds no place is left in its socket. */
static int wait_for_work(struct serving *s, struct pollfd channels[static HELPER_WAYS])
{
	struct pollfd polls[HELPER_WAYS + 1 + MAX_CHILDREN];
	struct child *waited_for[MAX_CHILDREN];
	nfds_t n = HELPER_WAYS + 1;

	for (size_t i = 0; i < HELPER_WAYS; i++) {
		bool has_place = count_children(s, (enum helper_way)i, false) < HELPER_MAX_AT_WORK;
		polls[i] = (struct pollfd){.fd = s->service.channels[i],
			.events = (short)(POLLRDHUP | (has_place ? POLLIN : 0))};
	}
	polls[HELPER_WAYS] = (struct pollfd){.fd = s->signals, .events = POLLIN};
	for (size_t i = 0; i < s->n_children; i++) {
		if (s->children[i].reply_fd < 0)
			continue;
		waited_for[n - HELPER_WAYS - 1] = &s->children[i];
		polls[n++] = (struct pollfd){.fd = s->children[i].reply_fd};
	}
	if (poll(polls, n, -1) < 0)
		return errno == EINTR || errno == ENOMEM ? 0 : -1;
	for (nfds_t i = HELPER_WAYS + 1; i < n; i++) {
		if (polls[i].revents)
			child_abandon(waited_for[i - HELPER_WAYS - 1]);
	}
	memcpy(channels, polls, HELPER_WAYS * sizeof(*channels));
	return 0;
}

/* One round. False when main is gone: what it has asked for and nobody began, is not begun. */
static bool serve_once(struct serving *s)
{
	struct pollfd channels[HELPER_WAYS] = {0};
	struct helper_command command;

	if (wait_for_work(s, channels) < 0)
		return false;
	children_reap(s);
	for (size_t i = 0; i < HELPER_WAYS; i++) {
		if (channels[i].revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL))
			return false;
		if (!(channels[i].revents & POLLIN))
			continue;
		switch (helper_receive(&s->service, (enum helper_way)i, &command)) {
		case HELPER_GOT_COMMAND:
			child_start(s, &command);
			break;
		case HELPER_GOT_END:
			return false;
		case HELPER_GOT_NOTHING:
			break;
		}
	}
	return true;
}

/* Keeps these descriptors and stdio, under the lowest numbers; the daemon's listeners above all
 * must not live on in an abandoned write, which would keep their addresses taken. */
static int keep_only(int *const *fds, size_t n)
{
	enum { FIRST = 3 };
	int unused = FIRST + (int)n;

	for (size_t i = 0; i < n; i++) {
		if (*fds[i] >= 0 && (*fds[i] = fcntl(*fds[i], F_DUPFD_CLOEXEC, unused)) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (*fds[i] >= 0 && (*fds[i] = dup3(*fds[i], FIRST + (int)i, O_CLOEXEC)) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (*fds[i] < 0)
			close(FIRST + (int)i);
	}
	return close_range((unsigned)unused, ~0U, 0);
}

/* SIGINT, SIGTERM and SIGHUP are for main: closing the channel is what ends the privileged helper,
 * so that a change under way is not cut off from the part that would undo it. */
static int take_signals(void)
{
	sigset_t mask;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* What main has opened is what is written to: who could exchange a folder meanwhile would have main
 * judge one host and the privileged helper change another. */
static int open_host(struct helper_service *s)
{
	return s->config->sysfs ? 0 : sysfs_open(&s->sysfs, s->config->root);
}

int helper_serve(const int channels[2], const struct helper_config *config)
{
	struct serving s = {
		.service = {.config = config,
			.lock_fd = config->lock_fd,
			.channels = {channels[0], channels[1]},
			.main_pid = getppid(),
			.sysfs = config->sysfs ? *config->sysfs : (struct sysfs)SYSFS_INIT}};
	int *const kept[] = {&s.service.channels[0], &s.service.channels[1], &s.service.lock_fd,
		&s.service.sysfs.root_fd, &s.service.sysfs.devices_fd};

	s.service.looks = look_cache_new();
	prctl(PR_SET_DUMPABLE, 0);
	umask(022); /* main must be able to read the locks */
	if (keep_only(kept, ARRAY_SIZE(kept)) < 0 || (s.signals = take_signals()) < 0 ||
		open_host(&s.service) < 0 ||
		(config->confine && config->confine(config->confine_arg) < 0))
		return EXIT_FAILURE;
	while (serve_once(&s))
		continue;
	return EXIT_SUCCESS;
}
