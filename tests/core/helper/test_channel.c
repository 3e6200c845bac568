/* SPDX-License-Identifier: MIT */
/* The privileged helper's channel with an enemy in main's place: what is dropped and refused, that
 * nothing of it is left open, and that the privileged helper goes on. */
#include "tests/core/helper/ground.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static void a_message_with_other_than_one_descriptor_leaves_none_open(void **state)
{
	const struct helper_request bind = ground_request(HELPER_BIND, GPU, "vfio-pci");
	struct ground *g = *state;
	int pairs[8][2], far[16];

	size_t before = raw_idle_descriptors(g);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		raw_make_pair(pairs[i]);
		far[2 * i] = pairs[i][1];
		far[2 * i + 1] = pairs[i][1];
	}
	for (unsigned i = 0; i < 1000; i++)
		raw_send(g->channels[i % 2], &bind, sizeof(bind), far, 2);
	for (unsigned n = 0; n <= 16; n++) {
		if (n != 1)
			raw_send(g->channels[CHANGE], &bind, sizeof(bind), far, n);
	}
	raw_assert_serves(g);
	raw_wait_until(g, raw_count_descriptors, before);
	ground_assert_file(g, BIND, "");
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		char byte;

		close(pairs[i][1]);
		assert_int_equal(recv(pairs[i][0], &byte, 1, 0), 0);
		close(pairs[i][0]);
	}
}

static void a_message_of_another_size_leaves_nothing_open(void **state)
{
	const struct helper_request bind = ground_request(HELPER_BIND, GPU, "vfio-pci");
	struct helper_request bytes[2] = {bind, bind};
	struct ground *g = *state;
	struct helper_reply reply;
	int pair[2];

	static const size_t lengths[] = {0, 1, sizeof(bind) - 1, sizeof(bind) + 1, sizeof(bytes)};
	size_t before = raw_idle_descriptors(g);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		raw_make_pair(pair);
		raw_send(g->channels[CHANGE], bytes, lengths[i], &pair[1], 1);
		raw_send(g->channels[LOOK], bytes, lengths[i], NULL, 0);
		close(pair[1]);
		assert_int_equal(raw_receive(pair[0], &reply), -1);
		close(pair[0]);
	}
	raw_assert_serves(g);
	raw_wait_until(g, raw_count_descriptors, before);
	ground_assert_file(g, BIND, "");
}

static void an_empty_message_ends_nothing(void **state)
{
	struct ground *g = *state;

	for (unsigned i = 0; i < 100; i++)
		raw_send(g->channels[i % 2], "", 0, NULL, 0);
	raw_assert_serves(g);
}

static void the_end_of_either_channel_is_the_end(void **state)
{
	struct ground *g = *state;

	for (size_t i = 0; i < 2; i++) {
		close(g->channels[i]);
		g->channels[i] = -1;
		assert_int_equal(raw_wait_for_end(g), 0);
		raw_stop(g);
		raw_start(g);
	}
	shutdown(g->channels[LOOK], SHUT_WR);
	assert_int_equal(raw_wait_for_end(g), 0);
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
	const struct helper_request look = ground_request(HELPER_HOLDERS, GPU, "");
	const struct helper_request get = ground_request(HELPER_OVERRIDE_GET, GPU, "");
	struct ground *g = *state;
	int datagram[2], stream[2], reply_pipe[2], status;
	char byte;

	size_t before = raw_idle_descriptors(g);
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
		raw_send(g->channels[LOOK], &look, sizeof(look), &others[i], 1);
		raw_send(g->channels[CHANGE], &get, sizeof(get), &others[i], 1);
	}
	raw_assert_serves(g);
	raw_wait_until(g, raw_count_descriptors, before);
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
	struct helper_request r = ground_request(HELPER_HOLDERS, GPU, "");

	assert_int_equal(raw_call(g, CHANGE, &r), EINVAL);
	r = ground_request(HELPER_BIND, GPU, "vfio-pci");
	assert_int_equal(raw_call(g, LOOK, &r), EINVAL);
	static const uint32_t ops[] = {HELPER_OP_COUNT, 1000, UINT32_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		r.op = ops[i];
		assert_int_equal(raw_call(g, LOOK, &r), EINVAL);
		assert_int_equal(raw_call(g, CHANGE, &r), EINVAL);
	}
	r = ground_request(HELPER_BIND, GPU, "vfio-pci");
	memset(r.name, 'a', sizeof(r.name));
	assert_int_equal(raw_call(g, CHANGE, &r), EINVAL);
	/* These name the GPU once more when they are cut to what an address has room for. */
	r = ground_request(HELPER_BIND, GPU, "vfio-pci");
	r.address.slot = 0x20;
	assert_int_equal(raw_call(g, CHANGE, &r), EINVAL);
	r = ground_request(HELPER_BIND, GPU, "vfio-pci");
	r.address.function = 8;
	assert_int_equal(raw_call(g, CHANGE, &r), EINVAL);
	memset(&r.address, 0xff, sizeof(r.address));
	assert_int_equal(raw_call(g, CHANGE, &r), EINVAL);
	r = ground_request(HELPER_NODE_SET, FOREIGN, "");
	memset(&r.access.has_mode, 2, 1);
	assert_int_equal(raw_call(g, CHANGE, &r), EINVAL);
	ground_assert_file(g, BIND, "");
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
	const struct helper_request look = ground_request(HELPER_HOLDERS, GPU, "");
	const struct helper_request get = ground_request(HELPER_OVERRIDE_GET, GPU, "");
	struct ground *g = *state;
	int pair[2];

	raw_make_pair(pair);
	fill(pair[1]);
	for (int i = 0; i < 30; i++) {
		raw_send(g->channels[LOOK], &look, sizeof(look), &pair[1], 1);
		raw_send(g->channels[CHANGE], &get, sizeof(get), &pair[1], 1);
	}
	int64_t begun = now_ns();
	raw_assert_serves(g);
	/* And those that it does not read are given up. */
	raw_wait_until(g, raw_count_children, 0);
	assert_true(now_ns() - begun < 20 * SECOND);
	close(pair[0]);
	close(pair[1]);
}

/* A reply socket that has room for one or two messages. */
static int begin_narrow(struct ground *g)
{
	const struct helper_request look = ground_request(HELPER_HOLDERS, GPU, "");
	int pair[2], size = sizeof(struct helper_reply) * 3 / 2;

	raw_make_pair(pair);
	assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	raw_send(g->channels[LOOK], &look, sizeof(look), &pair[1], 1);
	close(pair[1]);
	return pair[0];
}

static void a_long_answer_arrives_whole_or_is_seen_not_to(void **state)
{
	enum { MANY = 10 * HELPER_MAX_HOLDERS + 1 };
	struct ground *g = *state;
	struct helper_reply reply = {.more = 1};
	size_t n = 0;

	for (int i = 0; i < MANY; i++)
		ground_open_file(g, 100 + i, "qemu", "/dev/vfio/9");
	CLEANUP(fd_cleanup) int near = begin_narrow(g);
	while (reply.more) {
		assert_int_equal(raw_receive(near, &reply), 0);
		n += reply.n_holders;
	}
	assert_int_equal(n, MANY);
	/* One that nobody reads for too long ends before its last message. */
	CLEANUP(fd_cleanup) int deaf = begin_narrow(g);
	struct pollfd p = {.fd = deaf};
	assert_int_equal(poll(&p, 1, 30000), 1);
	assert_true(p.revents & POLLHUP);
	while (raw_receive(deaf, &reply) == 0)
		assert_true(reply.more);
}

/* As many addresses as are announced, and only where there may be any. */
static void addresses_are_counted(void **state)
{
	struct {
		struct helper_request request;
		struct pci_address addresses[3];
	} look = {.request = ground_request(HELPER_NODE_HOLDERS, GPU, "")};
	static const struct {
		enum helper_op op;
		uint32_t announced, sent;
		int error; /* -1: no answer at all */
	} rows[] = {{HELPER_NODE_HOLDERS, 2, 2, 0}, {HELPER_NODE_HOLDERS, 0, 0, 0},
		{HELPER_NODE_HOLDERS, 2, 1, -1}, {HELPER_NODE_HOLDERS, 1, 2, -1},
		{HELPER_NODE_HOLDERS, UINT32_MAX, 2, -1}, {HELPER_KERNEL_USE, 1, 1, 0},
		{HELPER_KERNEL_USE, 0, 0, EINVAL}, {HELPER_KERNEL_USE, 2, 2, EINVAL},
		{HELPER_HOLDERS, 1, 1, EINVAL}};
	struct ground *g = *state;
	struct helper_reply reply;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int pair[2];

		look.request.op = rows[i].op;
		look.request.n_addresses = rows[i].announced;
		raw_make_pair(pair);
		raw_send(g->channels[LOOK], &look,
			sizeof(look.request) + rows[i].sent * sizeof(*look.addresses), &pair[1], 1);
		close(pair[1]);
		assert_int_equal(raw_receive(pair[0], &reply), rows[i].error);
		close(pair[0]);
	}
	look.request = ground_request(HELPER_NODE_HOLDERS, GPU, "");
	look.request.n_addresses = 1;
	look.addresses[0].slot = 32;
	int pair[2];
	raw_make_pair(pair);
	raw_send(g->channels[LOOK], &look, sizeof(look.request) + sizeof(*look.addresses), &pair[1],
		1);
	close(pair[1]);
	assert_int_equal(raw_receive(pair[0], &reply), EINVAL);
	close(pair[0]);
	raw_assert_serves(g);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, raw_setup, raw_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_message_with_other_than_one_descriptor_leaves_none_open),
		TEST(a_message_of_another_size_leaves_nothing_open),
		TEST(an_empty_message_ends_nothing),
		TEST(the_end_of_either_channel_is_the_end),
		TEST(nothing_is_sent_to_what_is_no_reply_socket),
		TEST(impossible_fields_and_the_wrong_channel_are_refused),
		TEST(a_deaf_caller_holds_nothing_up),
		TEST(a_long_answer_arrives_whole_or_is_seen_not_to),
		TEST(addresses_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
