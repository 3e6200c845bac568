/* SPDX-License-Identifier: MIT */
/* The privileged helper's channel with an enemy in main's place: what is dropped, refused, bounded;
 * that nothing of it is left open, and that the privileged helper goes on. */
#include "core/base/util.h"
#include "core/helper/blocked.h"
#include "core/helper/serve.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static const int64_t SECOND = 1000000000;
static const char GPU[] = "0000:01:00.0";
static const char FREE[] = "0000:08:00.0"; /* on no driver */
static const char BIND[] = "sys/bus/pci/drivers/vfio-pci/bind";
static const char OVERRIDE[] = "sys/bus/pci/devices/0000:01:00.0/driver_override";

enum { CHANGE, LOOK };

struct ground {
	struct tree *tree;
	struct helper_config config;
	struct allowlist allow;
	int channels[2];
	pid_t helper;
};

static void start(struct ground *g)
{
	int pairs[2][2];

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
			socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pairs[i]), 0);
	g->helper = fork();
	assert_true(g->helper >= 0);
	if (g->helper == 0) {
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

/* Its exit status, once it has ended. */
static int wait_for_end(struct ground *g)
{
	int status;

	assert_int_equal(waitpid(g->helper, &status, 0), g->helper);
	g->helper = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void stop(struct ground *g)
{
	for (size_t i = 0; i < 2; i++)
		fd_cleanup(&g->channels[i]);
	if (g->helper > 0)
		assert_int_equal(wait_for_end(g), 0);
}

static int setup(void **state)
{
	struct ground *g = calloc(1, sizeof(*g));

	g->tree = tree_new_standard();
	g->config = (struct helper_config){.root = tree_root(g->tree),
		.lock_fd = tree_open_locks(g->tree),
		.allow = &g->allow};
	start(g);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct ground *g = *state;

	stop(g);
	close(g->config.lock_fd);
	allowlist_clear(&g->allow);
	tree_free(g->tree);
	free(g);
	return 0;
}

static struct pci_address address(const char *text)
{
	struct pci_address a;

	assert_true(pci_address_parse(text, &a));
	return a;
}

static struct helper_request request(enum helper_op op, const char *device, const char *name)
{
	struct helper_request r = {.op = op, .address = address(device)};

	snprintf(r.name, sizeof(r.name), "%s", name);
	return r;
}

/* A message of any bytes, with any descriptors. -1 when the channel takes no more. */
static int try_send(int channel, const void *bytes, size_t len, const int *fds, size_t n)
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

static void send_raw(int channel, const void *bytes, size_t len, const int *fds, size_t n)
{
	while (try_send(channel, bytes, len, fds, n) < 0) {
		struct pollfd p = {.fd = channel, .events = POLLOUT};

		assert_int_equal(errno, EAGAIN);
		assert_int_equal(poll(&p, 1, 20000), 1);
	}
}

static void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

/* Sends a command as main would. Returns the near end of its reply. */
static int begin(struct ground *g, int channel, const struct helper_request *r)
{
	int pair[2];

	make_pair(pair);
	send_raw(g->channels[channel], r, sizeof(*r), &pair[1], 1);
	close(pair[1]);
	return pair[0];
}

/* The next message of an answer: its errno. -1: there is none. */
static int receive(int near, struct helper_reply *reply)
{
	struct pollfd p = {.fd = near, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 20000), 1);
	ssize_t n = recv(near, reply, sizeof(*reply), 0);
	assert_true(n == 0 || n == (ssize_t)sizeof(*reply));
	return n == 0 ? -1 : reply->error;
}

static int call(struct ground *g, int channel, const struct helper_request *r)
{
	CLEANUP(fd_cleanup) int near = begin(g, channel, r);
	struct helper_reply reply;

	return receive(near, &reply);
}

static void assert_serves(struct ground *g)
{
	const struct helper_request look = request(HELPER_HOLDERS, GPU, "");
	const struct helper_request read = request(HELPER_OVERRIDE_GET, "0000:02:00.0", "");

	assert_int_equal(call(g, LOOK, &look), 0);
	assert_int_equal(call(g, CHANGE, &read), 0);
}

/* Has the privileged helper end the round that it is in: what it has begun to close is closed. */
static void end_round(struct ground *g)
{
	struct helper_reply reply;
	int pair[2];

	make_pair(pair);
	send_raw(g->channels[CHANGE], "x", 1, &pair[1], 1);
	close(pair[1]);
	assert_int_equal(receive(pair[0], &reply), -1);
	close(pair[0]);
}

static size_t count_descriptors(const struct ground *g)
{
	char path[64];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", g->helper);
	CLEANUP(dir_cleanup) DIR *dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	return n;
}

static size_t count_children(const struct ground *g)
{
	char path[64];
	size_t n = 0, len;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", g->helper, g->helper);
	CLEANUP(free_cleanup) char *text = sysfs_slurp(AT_FDCWD, path, 1 << 20, &len);
	assert_non_null(text);
	for (const char *s = text; (s = strchr(s, ' ')); s++)
		n++;
	return n;
}

/* Waits until the count is as it is to be. */
static void wait_until(
	const struct ground *g, size_t (*count)(const struct ground *g), size_t wanted)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	int64_t until = now_ns() + 30 * SECOND;

	while (count(g) != wanted) {
		if (now_ns() > until)
			fail_msg("there are %zu, not %zu", count(g), wanted);
		nanosleep(&pause, NULL);
	}
}

/* How many it has open when it has nothing to do. */
static size_t idle_descriptors(struct ground *g)
{
	assert_serves(g);
	wait_until(g, count_children, 0);
	end_round(g);
	return count_descriptors(g);
}

static void assert_file(struct ground *g, const char *path, const char *text)
{
	CLEANUP(free_cleanup) char *now = tree_read(g->tree, path);

	assert_non_null(now);
	assert_string_equal(now, text);
}

static void a_message_with_other_than_one_descriptor_leaves_none_open(void **state)
{
	const struct helper_request bind = request(HELPER_BIND, GPU, "vfio-pci");
	struct ground *g = *state;
	int pairs[8][2], far[16];

	size_t before = idle_descriptors(g);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		make_pair(pairs[i]);
		far[2 * i] = pairs[i][1];
		far[2 * i + 1] = pairs[i][1];
	}
	for (unsigned i = 0; i < 1000; i++)
		send_raw(g->channels[i % 2], &bind, sizeof(bind), far, 2);
	for (unsigned n = 0; n <= 16; n++) {
		if (n != 1)
			send_raw(g->channels[CHANGE], &bind, sizeof(bind), far, n);
	}
	assert_serves(g);
	wait_until(g, count_descriptors, before);
	assert_file(g, BIND, "");
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		char byte;

		close(pairs[i][1]);
		assert_int_equal(recv(pairs[i][0], &byte, 1, 0), 0);
		close(pairs[i][0]);
	}
}

static void a_message_of_another_size_leaves_nothing_open(void **state)
{
	const struct helper_request bind = request(HELPER_BIND, GPU, "vfio-pci");
	struct helper_request bytes[2] = {bind, bind};
	struct ground *g = *state;
	struct helper_reply reply;
	int pair[2];

	static const size_t lengths[] = {0, 1, sizeof(bind) - 1, sizeof(bind) + 1, sizeof(bytes)};
	size_t before = idle_descriptors(g);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		make_pair(pair);
		send_raw(g->channels[CHANGE], bytes, lengths[i], &pair[1], 1);
		send_raw(g->channels[LOOK], bytes, lengths[i], NULL, 0);
		close(pair[1]);
		assert_int_equal(receive(pair[0], &reply), -1);
		close(pair[0]);
	}
	assert_serves(g);
	wait_until(g, count_descriptors, before);
	assert_file(g, BIND, "");
}

static void an_empty_message_ends_nothing(void **state)
{
	struct ground *g = *state;

	for (unsigned i = 0; i < 100; i++)
		send_raw(g->channels[i % 2], "", 0, NULL, 0);
	assert_serves(g);
}

static void the_end_of_either_channel_is_the_end(void **state)
{
	struct ground *g = *state;

	for (size_t i = 0; i < 2; i++) {
		close(g->channels[i]);
		g->channels[i] = -1;
		assert_int_equal(wait_for_end(g), 0);
		stop(g);
		start(g);
	}
	shutdown(g->channels[LOOK], SHUT_WR);
	assert_int_equal(wait_for_end(g), 0);
}

/* Makes one end of a connection whose other end is another process. */
static int connection_of_another_process(void)
{
	struct sockaddr_un any = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(any);
	CLEANUP(fd_cleanup) int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&any, &len), 0);
	assert_int_equal(listen(listener, 1), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		struct helper_reply reply;

		if (connect(fd, (struct sockaddr *)&any, len) < 0)
			_exit(2);
		_exit(recv(fd, &reply, sizeof(reply), 0) == 0 ? 0 : 1);
	}
	return accept(listener, NULL, NULL);
}

static int listening(int domain, int type)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un any = {.sun_family = AF_UNIX};
	struct sockaddr_in loopback = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (domain == AF_UNIX)
		assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	else
		assert_int_equal(bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* A message of root's would arrive where root's word counts. */
static void nothing_is_sent_to_what_is_no_reply_socket(void **state)
{
	const struct helper_request look = request(HELPER_HOLDERS, GPU, "");
	const struct helper_request get = request(HELPER_OVERRIDE_GET, GPU, "");
	struct ground *g = *state;
	int datagram[2], stream[2], reply_pipe[2], status;
	char byte;

	size_t before = idle_descriptors(g);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, datagram), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
	assert_int_equal(pipe2(reply_pipe, O_CLOEXEC), 0);
	int others[] = {datagram[1], stream[1], reply_pipe[1],
		open("/dev/null", O_RDWR | O_CLOEXEC),
		socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0),
		listening(AF_UNIX, SOCK_SEQPACKET), listening(AF_INET, SOCK_STREAM),
		connection_of_another_process(), fcntl(g->channels[CHANGE], F_DUPFD_CLOEXEC, 0),
		fcntl(g->channels[LOOK], F_DUPFD_CLOEXEC, 0)};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		assert_true(others[i] >= 0);
		send_raw(g->channels[LOOK], &look, sizeof(look), &others[i], 1);
		send_raw(g->channels[CHANGE], &get, sizeof(get), &others[i], 1);
	}
	assert_serves(g);
	wait_until(g, count_descriptors, before);
	assert_int_equal(recv(datagram[0], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(stream[0], &byte, 1, MSG_DONTWAIT), -1);
	struct pollfd p = {.fd = reply_pipe[0], .events = POLLIN};
	assert_int_equal(poll(&p, 1, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		close(others[i]);
	assert_int_equal(wait(&status) > 0, 1);
	assert_int_equal(status, 0);
	close(datagram[0]);
	close(stream[0]);
	close(reply_pipe[0]);
}

static void impossible_fields_and_the_wrong_channel_are_refused(void **state)
{
	struct ground *g = *state;
	struct helper_request r = request(HELPER_HOLDERS, GPU, "");

	assert_int_equal(call(g, CHANGE, &r), EINVAL);
	r = request(HELPER_BIND, GPU, "vfio-pci");
	assert_int_equal(call(g, LOOK, &r), EINVAL);
	r.op = HELPER_OP_COUNT;
	assert_int_equal(call(g, LOOK, &r), EINVAL);
	assert_int_equal(call(g, CHANGE, &r), EINVAL);
	r = request(HELPER_BIND, GPU, "vfio-pci");
	memset(r.name, 'a', sizeof(r.name));
	assert_int_equal(call(g, CHANGE, &r), EINVAL);
	/* These name the GPU once more when they are cut to what an address has room for. */
	r = request(HELPER_BIND, GPU, "vfio-pci");
	r.address.slot = 0x20;
	assert_int_equal(call(g, CHANGE, &r), EINVAL);
	r = request(HELPER_BIND, GPU, "vfio-pci");
	r.address.function = 8;
	assert_int_equal(call(g, CHANGE, &r), EINVAL);
	r = request(HELPER_NODE_SET, "0000:06:00.0", "");
	memset(&r.access.has_mode, 2, 1);
	assert_int_equal(call(g, CHANGE, &r), EINVAL);
	assert_file(g, BIND, "");
}

/* Fills a socket until it takes no more. */
static void fill(int fd)
{
	char bytes[4096] = {0};

	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
	assert_int_equal(errno, EAGAIN);
}

static void a_deaf_caller_holds_nothing_up(void **state)
{
	const struct helper_request look = request(HELPER_HOLDERS, GPU, "");
	const struct helper_request get = request(HELPER_OVERRIDE_GET, GPU, "");
	struct ground *g = *state;
	int pair[2];

	make_pair(pair);
	fill(pair[1]);
	for (int i = 0; i < 30; i++) {
		send_raw(g->channels[LOOK], &look, sizeof(look), &pair[1], 1);
		send_raw(g->channels[CHANGE], &get, sizeof(get), &pair[1], 1);
	}
	int64_t begun = now_ns();
	assert_serves(g);
	/* And those that it does not read are given up. */
	wait_until(g, count_children, 0);
	assert_true(now_ns() - begun < 20 * SECOND);
	close(pair[0]);
	close(pair[1]);
}

static void add_holders(struct ground *g, int n)
{
	char path[300];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "proc/%d/comm", 100 + i);
		tree_write(g->tree, path, "qemu\n");
		snprintf(path, sizeof(path), "proc/%d/fd", 100 + i);
		tree_mkdir(g->tree, path);
		snprintf(path, sizeof(path), "%s/proc/%d/fd/3", tree_root(g->tree), 100 + i);
		assert_int_equal(symlink("/dev/vfio/9", path), 0);
	}
}

/* A reply socket that has room for one or two messages. */
static int begin_narrow(struct ground *g)
{
	const struct helper_request look = request(HELPER_HOLDERS, GPU, "");
	int pair[2], size = sizeof(struct helper_reply) * 3 / 2;

	make_pair(pair);
	assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	send_raw(g->channels[LOOK], &look, sizeof(look), &pair[1], 1);
	close(pair[1]);
	return pair[0];
}

static void a_long_answer_arrives_whole_or_is_seen_not_to(void **state)
{
	enum { MANY = 10 * HELPER_MAX_HOLDERS + 1 };
	struct ground *g = *state;
	struct helper_reply reply = {.more = 1};
	size_t n = 0;

	add_holders(g, MANY);
	CLEANUP(fd_cleanup) int near = begin_narrow(g);
	while (reply.more) {
		assert_int_equal(receive(near, &reply), 0);
		n += reply.n_holders;
	}
	assert_int_equal(n, MANY);
	/* One that nobody reads for too long ends before its last message. */
	CLEANUP(fd_cleanup) int deaf = begin_narrow(g);
	struct pollfd p = {.fd = deaf};
	assert_int_equal(poll(&p, 1, 30000), 1);
	assert_true(p.revents & POLLHUP);
	while (receive(deaf, &reply) == 0)
		assert_true(reply.more);
}

static void block(struct ground *g, const char *path)
{
	char absolute[400];

	tree_remove(g->tree, path);
	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(g->tree), path);
	assert_int_equal(mkfifo(absolute, 0644), 0);
}

static void blocked_commands_leave_room_for_looks_and_are_bounded(void **state)
{
	const struct helper_request get = request(HELPER_OVERRIDE_GET, GPU, "");
	const struct helper_request look = request(HELPER_HOLDERS, GPU, "");
	struct ground *g = *state;
	int near[200];

	size_t before = idle_descriptors(g);
	block(g, OVERRIDE);
	for (size_t i = 0; i < ARRAY_SIZE(near); i++) {
		/* The socket alone has not room for all. */
		if (i == HELPER_MAX_AT_WORK)
			wait_until(g, count_children, HELPER_MAX_AT_WORK);
		near[i] = begin(g, CHANGE, &get);
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(call(g, LOOK, &look), 0);
	wait_until(g, count_children, HELPER_MAX_AT_WORK);
	/* What only reads is ended with its caller, and the next has its place. */
	for (size_t i = 0; i < HELPER_MAX_AT_WORK; i++)
		close(near[i]);
	wait_until(g, count_descriptors, before + HELPER_MAX_AT_WORK);
	wait_until(g, count_children, HELPER_MAX_AT_WORK);
	for (size_t i = HELPER_MAX_AT_WORK; i < ARRAY_SIZE(near); i++)
		close(near[i]);
	wait_until(g, count_children, 0);
	assert_serves(g);
	wait_until(g, count_descriptors, before);
}

/* Whether the child that was begun last waits for something. */
static bool last_child_sleeps(const struct ground *g)
{
	char path[64], state = 0;
	int pid = 0;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", g->helper, g->helper);
	CLEANUP(free_cleanup) char *children = sysfs_slurp(AT_FDCWD, path, 1 << 20, &len);
	for (char *save, *s = strtok_r(children, " ", &save); s; s = strtok_r(NULL, " ", &save))
		pid = atoi(s);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	CLEANUP(free_cleanup) char *stat = sysfs_slurp(AT_FDCWD, path, 4096, &len);
	return stat && sscanf(stat, "%*d (%*[^)]) %c", &state) == 1 && state == 'S';
}

/* Begins a bind of a new device, which blocks, and leaves it. */
static void abandon_bind(struct ground *g, unsigned i)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int64_t until = now_ns() + 20 * SECOND;
	char device[PCI_ADDRESS_SIZE];

	pci_address_format(
		(struct pci_address){1, (uint8_t)(i / 32), (uint8_t)(i % 32), 0}, device);
	tree_add_device(g->tree, &(struct tree_device){.address = device});
	const struct helper_request bind_it = request(HELPER_BIND, device, "vfio-pci");
	CLEANUP(fd_cleanup) int near = begin(g, CHANGE, &bind_it);
	assert_true(near >= 0);
	/* Left before it is past its last look at its caller, it would not be begun. */
	while (!blocked_is_locked(g->config.lock_fd, bind_it.address) || !last_child_sleeps(g)) {
		assert_true(now_ns() < until);
		nanosleep(&pause, NULL);
	}
}

static void writes_left_behind_take_no_place_and_are_bounded(void **state)
{
	const struct helper_request bind_it = request(HELPER_BIND, FREE, "vfio-pci");
	const struct helper_request look = request(HELPER_HOLDERS, FREE, "");
	struct ground *g = *state;
	char absolute[400];

	block(g, BIND);
	for (unsigned i = 0; count_children(g) < HELPER_MAX_ABANDONED; i++)
		abandon_bind(g, i);
	assert_int_equal(call(g, CHANGE, &bind_it), HELPER_TOO_MANY);
	assert_int_equal(call(g, LOOK, &look), 0);
	/* They go on by themselves, and then there is room again. */
	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(g->tree), BIND);
	CLEANUP(fd_cleanup) int fd = open(absolute, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	wait_until(g, count_children, 0);
	assert_int_equal(call(g, CHANGE, &bind_it), 0);
}

static void a_command_that_nobody_waits_for_is_not_begun(void **state)
{
	const struct helper_request bind = request(HELPER_BIND, FREE, "vfio-pci");
	struct ground *g = *state;

	assert_serves(g);
	assert_int_equal(kill(g->helper, SIGSTOP), 0);
	close(begin(g, CHANGE, &bind));
	assert_int_equal(kill(g->helper, SIGCONT), 0);
	assert_serves(g);
	wait_until(g, count_children, 0);
	assert_file(g, BIND, "");
	assert_int_equal(call(g, CHANGE, &bind), 0);
	assert_file(g, BIND, FREE);
}

static void set_limit(const struct ground *g, rlim_t n)
{
	struct rlimit limit;

	assert_int_equal(prlimit(g->helper, RLIMIT_NOFILE, NULL, &limit), 0);
	limit.rlim_cur = n;
	assert_int_equal(prlimit(g->helper, RLIMIT_NOFILE, &limit, NULL), 0);
}

static mode_t node_mode(struct ground *g)
{
	struct stat status;
	char path[300];

	snprintf(path, sizeof(path), "%s/dev/vfio/9", tree_root(g->tree));
	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 07777;
}

/* A helper that can open nothing more can look at nothing, and must do nothing. */
static void a_hand_short_of_descriptors_gives_no_node_away(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct helper_request r = request(HELPER_NODE_SET, "0000:06:00.0", "");
	struct ground *g = *state;
	struct helper_reply reply;
	char *rule = "10de:*";

	stop(g);
	assert_int_equal(allowlist_parse(&rule, 1, &g->allow, &err), 0);
	start(g);
	assert_serves(g);
	r.access = (struct node_access){.has_mode = true, .mode = 0640};
	mode_t before = node_mode(g);
	assert_int_not_equal(before, 0640);
	wait_until(g, count_children, 0);
	for (rlim_t n = 3; n < 24; n++) {
		set_limit(g, n);
		CLEANUP(fd_cleanup) int near = begin(g, CHANGE, &r);
		assert_int_not_equal(receive(near, &reply), 0);
		assert_int_equal(node_mode(g), before);
	}
	set_limit(g, 1024);
	assert_int_equal(call(g, CHANGE, &r), EPERM);
	assert_serves(g);
}

/* Makes the privileged helper one whose fork fails: a user's processes are bounded, root's are not.
 */
static int allow_no_process(void *arg)
{
	const struct rlimit none = {0};

	(void)arg;
	return setrlimit(RLIMIT_NPROC, &none) < 0 || (getuid() == 0 && setuid(65533) < 0) ? -1 : 0;
}

static void a_fork_that_fails_is_an_answer(void **state)
{
	const struct helper_request look = request(HELPER_HOLDERS, GPU, "");
	const struct helper_request bind_it = request(HELPER_BIND, GPU, "vfio-pci");
	struct ground *g = *state;

	stop(g);
	g->config.confine = allow_no_process;
	start(g);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(call(g, LOOK, &look), EAGAIN);
		assert_int_equal(call(g, CHANGE, &bind_it), EAGAIN);
	}
	assert_file(g, BIND, "");
}

static void a_hand_that_takes_no_more_is_waited_for_until_the_deadline(void **state)
{
	struct helper_request r = request(HELPER_BIND, GPU, "vfio-pci");
	struct ground *g = *state;
	struct helper_reply reply;
	struct helper *helper = NULL;

	assert_int_equal(helper_fork(&g->config, &helper), 0);
	assert_int_equal(kill(helper_pid(helper), SIGSTOP), 0);
	while (try_send(helper_fd(helper), "x", 1, NULL, 0) == 0)
		continue;
	assert_int_equal(errno, EAGAIN);
	int64_t begun = now_ns();
	assert_int_equal(helper_call(helper, &r, begun + SECOND / 5, &reply), -ETIME);
	assert_true(now_ns() - begun >= SECOND / 5);
	/* Looks go another way: this one is begun, and waited for. */
	r.op = HELPER_HOLDERS;
	assert_int_equal(helper_call(helper, &r, now_ns() + SECOND / 5, &reply), -ETIMEDOUT);
	assert_int_equal(kill(helper_pid(helper), SIGCONT), 0);
	assert_int_equal(helper_call(helper, &r, now_ns() + 20 * SECOND, &reply), 0);
	helper_free(helper);
	assert_file(g, BIND, "");
}

/* Whoever could put it there. */
static void a_lock_that_is_no_plain_file_keeps_nobody_waiting(void **state)
{
	const struct helper_request bind_it = request(HELPER_BIND, GPU, "vfio-pci");
	struct ground *g = *state;

	assert_int_equal(mkfifoat(g->config.lock_fd, GPU, 0600), 0);
	assert_false(blocked_is_locked(g->config.lock_fd, address(GPU)));
	assert_int_equal(call(g, CHANGE, &bind_it), EINVAL);
	assert_file(g, BIND, "");
}

static void a_lock_that_cannot_be_looked_at_may_be_held(void **state)
{
	struct rlimit before, none;
	struct ground *g = *state;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	bool pending = blocked_is_locked(g->config.lock_fd, address(GPU));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(pending);
	assert_false(blocked_is_locked(g->config.lock_fd, address(GPU)));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_message_with_other_than_one_descriptor_leaves_none_open),
		TEST(a_message_of_another_size_leaves_nothing_open),
		TEST(an_empty_message_ends_nothing),
		TEST(the_end_of_either_channel_is_the_end),
		TEST(nothing_is_sent_to_what_is_no_reply_socket),
		TEST(impossible_fields_and_the_wrong_channel_are_refused),
		TEST(a_deaf_caller_holds_nothing_up),
		TEST(a_long_answer_arrives_whole_or_is_seen_not_to),
		TEST(blocked_commands_leave_room_for_looks_and_are_bounded),
		TEST(writes_left_behind_take_no_place_and_are_bounded),
		TEST(a_command_that_nobody_waits_for_is_not_begun),
		TEST(a_hand_short_of_descriptors_gives_no_node_away),
		TEST(a_fork_that_fails_is_an_answer),
		TEST(a_hand_that_takes_no_more_is_waited_for_until_the_deadline),
		TEST(a_lock_that_is_no_plain_file_keeps_nobody_waiting),
		TEST(a_lock_that_cannot_be_looked_at_may_be_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
