/* SPDX-License-Identifier: MIT */
/* The real privileged helper on the standard tree. */
#include "tests/core/helper/ground.h"
#include "core/helper/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct ground *ground_new(void)
{
	struct ground *g = calloc(1, sizeof(*g));

	g->tree = tree_new_standard();
	g->config = (struct helper_config){
		.root = tree_root(g->tree),
		.lock_fd = tree_open_locks(g->tree),
		.allow = &g->allow,
		.client = {.is_known = true, .uid = CLIENT_UID, .gid = CLIENT_GID},
	};
	return g;
}

static void ground_free(struct ground *g)
{
	close(g->config.lock_fd);
	allowlist_clear(&g->allow);
	tree_free(g->tree);
	free(g);
}

int ground_setup(void **state)
{
	struct ground *g = ground_new();

	ground_restart(g);
	*state = g;
	return 0;
}

int ground_teardown(void **state)
{
	struct ground *g = *state;

	helper_free(g->helper);
	ground_free(g);
	return 0;
}

int raw_setup(void **state)
{
	struct ground *g = ground_new();

	raw_start(g);
	*state = g;
	return 0;
}

int raw_teardown(void **state)
{
	struct ground *g = *state;

	raw_stop(g);
	ground_free(g);
	return 0;
}

void ground_restart(struct ground *g)
{
	helper_free(STEAL(g->helper));
	assert_int_equal(helper_fork(&g->config, &g->helper), 0);
}

void ground_allow_nvidia(struct ground *g)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	char rule[] = "10de:*", *rules[] = {rule};

	assert_int_equal(allowlist_parse(rules, 1, &g->allow, &err), 0);
}

struct pci_address ground_address(const char *text)
{
	struct pci_address a;

	assert_true(pci_address_parse(text, &a));
	return a;
}

struct helper_request ground_request(enum helper_op op, const char *device, const char *name)
{
	struct helper_request r = {.op = op, .address = ground_address(device)};

	snprintf(r.name, sizeof(r.name), "%s", name);
	return r;
}

int ground_send(struct ground *g, const struct helper_request *request)
{
	CLEANUP(holders_clear) struct holders holders = {0};
	struct helper_request look = *request;

	if (request->op != HELPER_NODE_HOLDERS && request->op != HELPER_KERNEL_USE) {
		assert_int_equal(
			helper_call(g->helper, request, now_ns() + 20 * SECOND, &g->reply), 0);
		return g->reply.error;
	}
	look.n_addresses = 1;
	assert_int_equal(helper_call_look(g->helper, &look, &request->address,
				 now_ns() + 20 * SECOND, &g->reply, &holders),
		0);
	return g->reply.error;
}

int ground_call(struct ground *g, enum helper_op op, const char *device, const char *name)
{
	const struct helper_request request = ground_request(op, device, name);

	return ground_send(g, &request);
}

int ground_call_until(
	struct ground *g, enum helper_op op, const char *device, const char *name, int64_t deadline)
{
	const struct helper_request request = ground_request(op, device, name);

	return helper_call(g->helper, &request, deadline, &g->reply);
}

void ground_assert_refused(const struct ground *g, enum core_reason reason)
{
	assert_int_equal(g->reply.error, EPERM);
	assert_string_equal(g->reply.refused ? core_reason_name(g->reply.refused - 1) : "",
		core_reason_name(reason));
	assert_true(g->reply.text[0]);
}

void ground_assert_file(struct ground *g, const char *path, const char *text)
{
	CLEANUP(free_cleanup) char *now = tree_read(g->tree, path);

	assert_non_null(now);
	assert_string_equal(now, text);
}

void ground_open_file(struct ground *g, int pid, const char *command, const char *target)
{
	char path[300];

	snprintf(path, sizeof(path), "proc/%d/comm", pid);
	tree_write(g->tree, path, "%s\n", command);
	snprintf(path, sizeof(path), "proc/%d/fd", pid);
	tree_mkdir(g->tree, path);
	snprintf(path, sizeof(path), "%s/proc/%d/fd/3", tree_root(g->tree), pid);
	assert_int_equal(symlink(target, path), 0);
}

void ground_block(struct ground *g, const char *path)
{
	char absolute[400];

	tree_remove(g->tree, path);
	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(g->tree), path);
	assert_int_equal(mkfifo(absolute, 0644), 0);
}

void ground_unblock(struct ground *g, const char *path, const char *device)
{
	struct flock lock = {.l_type = F_WRLCK};
	char absolute[400];

	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(g->tree), path);
	CLEANUP(fd_cleanup) int fd = open(absolute, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	CLEANUP(fd_cleanup) int lock_fd = openat(g->config.lock_fd, device, O_RDWR | O_CLOEXEC);
	assert_true(lock_fd >= 0);
	assert_int_equal(fcntl(lock_fd, F_OFD_SETLKW, &lock), 0);
}

void raw_start(struct ground *g)
{
	int pairs[2][2];

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
			socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pairs[i]), 0);
	g->pid = fork();
	assert_true(g->pid >= 0);
	if (g->pid == 0) {
		const int far[2] = {pairs[0][1], pairs[1][1]};
		close(pairs[0][0]);
		close(pairs[1][0]);
		_exit(helper_serve(far, &g->config));
	}
	for (size_t i = 0; i < 2; i++) {
		close(pairs[i][1]);
		g->channels[i] = pairs[i][0];
	}
}

int raw_wait_for_end(struct ground *g)
{
	int status;

	assert_int_equal(waitpid(g->pid, &status, 0), g->pid);
	g->pid = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void raw_stop(struct ground *g)
{
	for (size_t i = 0; i < 2; i++)
		fd_cleanup(&g->channels[i]);
	if (g->pid > 0)
		assert_int_equal(raw_wait_for_end(g), 0);
}

void raw_make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

int raw_try_send(int channel, const void *bytes, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(16 * sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	ssize_t sent = sendmsg(channel, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sent == (ssize_t)len ? 0 : -1;
}

void raw_send(int channel, const void *bytes, size_t len, const int *fds, size_t n)
{
	while (raw_try_send(channel, bytes, len, fds, n) < 0) {
		struct pollfd p = {.fd = channel, .events = POLLOUT};

		assert_int_equal(errno, EAGAIN);
		assert_int_equal(poll(&p, 1, 20000), 1);
	}
}

int raw_begin(struct ground *g, int channel, const struct helper_request *r)
{
	int pair[2];

	raw_make_pair(pair);
	raw_send(g->channels[channel], r, sizeof(*r), &pair[1], 1);
	close(pair[1]);
	return pair[0];
}

int raw_receive(int near, struct helper_reply *reply)
{
	struct pollfd p = {.fd = near, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 20000), 1);
	ssize_t n = recv(near, reply, sizeof(*reply), 0);
	assert_true(n == 0 || n == (ssize_t)sizeof(*reply));
	return n == 0 ? -1 : reply->error;
}

int raw_call(struct ground *g, int channel, const struct helper_request *r)
{
	CLEANUP(fd_cleanup) int near = raw_begin(g, channel, r);
	struct helper_reply reply;

	return raw_receive(near, &reply);
}

void raw_assert_serves(struct ground *g)
{
	const struct helper_request look = ground_request(HELPER_HOLDERS, GPU, "");
	const struct helper_request read = ground_request(HELPER_OVERRIDE_GET, "0000:02:00.0", "");

	assert_int_equal(raw_call(g, LOOK, &look), 0);
	assert_int_equal(raw_call(g, CHANGE, &read), 0);
}

/* Has the privileged helper end the round that it is in: what it has begun to close is closed. */
static void end_round(struct ground *g)
{
	struct helper_reply reply;
	int pair[2];

	raw_make_pair(pair);
	raw_send(g->channels[CHANGE], "x", 1, &pair[1], 1);
	close(pair[1]);
	assert_int_equal(raw_receive(pair[0], &reply), -1);
	close(pair[0]);
}

size_t raw_count_descriptors(const struct ground *g)
{
	char path[64];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", g->pid);
	CLEANUP(dir_cleanup) DIR *dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	return n;
}

size_t raw_count_children(const struct ground *g)
{
	char path[64];
	size_t n = 0, len;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", g->pid, g->pid);
	CLEANUP(free_cleanup) char *text = sysfs_slurp(AT_FDCWD, path, 1 << 20, &len);
	assert_non_null(text);
	for (const char *s = text; (s = strchr(s, ' ')); s++)
		n++;
	return n;
}

void raw_wait_until(const struct ground *g, size_t (*count)(const struct ground *g), size_t wanted)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	int64_t until = now_ns() + 30 * SECOND;

	while (count(g) != wanted) {
		if (now_ns() > until)
			fail_msg("there are %zu, not %zu", count(g), wanted);
		nanosleep(&pause, NULL);
	}
}

size_t raw_idle_descriptors(struct ground *g)
{
	raw_assert_serves(g);
	raw_wait_until(g, raw_count_children, 0);
	end_round(g);
	return raw_count_descriptors(g);
}
