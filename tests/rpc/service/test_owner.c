/* SPDX-License-Identifier: MIT */
/* Who owns the other end of a connection. */
#include "tests/rpc/test.h"

#include "rpc/service/owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STRANGER = 65533 };

/* A listener, and the socket to ask with. */
struct scene {
	int listener;
	struct sockaddr_storage address;
	socklen_t address_len;
	struct rpc_owner_query query;
};

static void scene_listen(struct scene *scene, const struct sockaddr *address, socklen_t len)
{
	scene->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(scene->listener, address, len), 0);
	assert_int_equal(listen(scene->listener, 16), 0);
	scene->address_len = sizeof(scene->address);
	assert_int_equal(getsockname(scene->listener, (struct sockaddr *)&scene->address,
				 &scene->address_len),
		0);
	scene->query = (struct rpc_owner_query)RPC_OWNER_QUERY_INIT;
}

static int setup(void **state)
{
	const struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct scene *scene = calloc(1, sizeof(*scene));

	scene_listen(scene, (const struct sockaddr *)&any, sizeof(any));
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	rpc_owner_query_close(&scene->query);
	close(scene->listener);
	free(scene);
	return 0;
}

/* A client's end, or -1 where the port is somebody's; port 0: any. */
static int dial(const struct scene *scene, uint16_t port)
{
	const struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int on = 1;
	int fd = socket(scene->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (port && bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0) {
		assert_int_equal(errno, EADDRINUSE);
		close(fd);
		return -1;
	}
	assert_int_equal(
		connect(fd, (const struct sockaddr *)&scene->address, scene->address_len), 0);
	return fd;
}

/* From a port that the kernel gives to nobody of its own accord, so that it stays free when it is
 * let go of. */
static int dial_to_come_again(const struct scene *scene, uint16_t *ret_port)
{
	int fd = -1;

	for (unsigned i = 0; i < 1000 && fd < 0; i++) {
		*ret_port = (uint16_t)(20000 + ((unsigned)getpid() + i) % 10000);
		fd = dial(scene, *ret_port);
	}
	assert_true(fd >= 0);
	return fd;
}

static int take(const struct scene *scene)
{
	int fd = accept4(scene->listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* Closes an end so that its peer is told by a reset, and its port is free at once. */
static void reset(int fd)
{
	const struct linger at_once = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

/* Waits until our end has heard of what the peer did. */
static void wait_for(int fd, short event)
{
	struct pollfd p = {.fd = fd, .events = event};

	assert_int_equal(poll(&p, 1, 10000), 1);
}

static void expect_owner(struct scene *scene, int fd, uid_t uid)
{
	uid_t found = (uid_t)-7;

	assert_true(rpc_owner_of(&scene->query, fd, &found));
	assert_int_equal(found, uid);
}

static void expect_nobody(struct scene *scene, int fd)
{
	uid_t found = (uid_t)-7;

	assert_false(rpc_owner_of(&scene->query, fd, &found));
	assert_int_equal(found, (uid_t)-7);
}

static void test_our_own(void **state)
{
	struct scene *scene = *state;
	int theirs = dial(scene, 0), ours = take(scene);

	expect_owner(scene, ours, getuid());
	expect_owner(scene, theirs, getuid());
	assert_true(rpc_owner_is_there(ours));
	rpc_owner_query_prepare(&scene->query);
	assert_true(scene->query.fd >= 0);
	expect_owner(scene, ours, getuid());
	/* The netlink socket may have been lost, and is had again. */
	rpc_owner_query_close(&scene->query);
	expect_owner(scene, ours, getuid());
	close(theirs);
	close(ours);
}

/* Answers that were not read must not be taken for those to later questions. */
static void test_a_late_answer_is_not_mistaken(void **state)
{
	const struct nlmsghdr nonsense = {
		.nlmsg_len = sizeof(nonsense), .nlmsg_type = 99, .nlmsg_flags = NLM_F_REQUEST};
	struct scene *scene = *state;
	int theirs = dial(scene, 0), ours = take(scene);

	expect_owner(scene, ours, getuid());
	/* The kernel answers this with an error. */
	assert_int_equal(send(scene->query.fd, &nonsense, sizeof(nonsense), 0), sizeof(nonsense));
	expect_nobody(scene, ours);
	expect_owner(scene, ours, getuid());
	close(theirs);
	close(ours);
}

static void test_gone(void **state)
{
	struct scene *scene = *state;
	int theirs, ours;

	theirs = dial(scene, 0), ours = take(scene);
	close(theirs);
	wait_for(ours, POLLIN);
	expect_nobody(scene, ours);
	assert_false(rpc_owner_is_there(ours));
	close(ours);

	theirs = dial(scene, 0), ours = take(scene);
	shutdown(theirs, SHUT_WR);
	wait_for(ours, POLLIN);
	expect_nobody(scene, ours);
	assert_false(rpc_owner_is_there(ours));
	close(theirs);
	close(ours);

	theirs = dial(scene, 0), ours = take(scene);
	reset(theirs);
	wait_for(ours, POLLIN);
	expect_nobody(scene, ours);
	close(ours);
}

/* Gone before it was accepted, by whichever way. */
static void test_gone_before(void **state)
{
	struct scene *scene = *state;
	int theirs = dial(scene, 0), ours;

	close(theirs);
	ours = take(scene);
	expect_nobody(scene, ours);
	close(ours);
	theirs = dial(scene, 0);
	reset(theirs);
	ours = take(scene);
	expect_nobody(scene, ours);
	close(ours);
}

/* The first one's port is the second one's when it is asked about. */
static void test_a_port_used_again(void **state)
{
	struct scene *scene = *state;
	uint16_t port;
	int first = dial_to_come_again(scene, &port), second, ours;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	uid_t uid;

	assert_int_equal(getsockname(first, (struct sockaddr *)&peer, &len), 0);
	reset(first);
	second = dial(scene, port);
	assert_true(second >= 0);
	ours = take(scene);
	/* That there is an owner of that port now is what makes this a trap. */
	assert_true(rpc_owner_at(
		&scene->query, (struct sockaddr *)&peer, (struct sockaddr *)&scene->address, &uid));
	expect_nobody(scene, ours);
	close(ours);
	ours = take(scene);
	expect_owner(scene, ours, getuid());
	close(ours);
	close(second);
}

/* Also when it was taken before, and looked at only then. */
static void test_a_port_used_again_later(void **state)
{
	struct scene *scene = *state;
	uint16_t port;
	int first = dial_to_come_again(scene, &port), ours = take(scene), second;

	expect_owner(scene, ours, getuid());
	reset(first);
	second = dial(scene, port);
	assert_true(second >= 0);
	expect_nobody(scene, ours);
	assert_false(rpc_owner_is_there(ours));
	close(second);
	close(ours);
}

static void test_a_listener_is_not_the_peer(void **state)
{
	struct scene *scene = *state;
	struct sockaddr_in peer = {.sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uid_t uid;

	assert_false(rpc_owner_at(
		&scene->query, (struct sockaddr *)&scene->address, (struct sockaddr *)&peer, &uid));
	peer.sin_family = AF_UNIX;
	assert_false(rpc_owner_at(
		&scene->query, (struct sockaddr *)&peer, (struct sockaddr *)&scene->address, &uid));
}

/* Somebody else dials, and exits when told. */
static pid_t stranger_dials(const struct scene *scene, int *ret_until)
{
	int until[2];
	char byte;

	assert_int_equal(pipe(until), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(until[1]);
		if (setgid(STRANGER) < 0 || setuid(STRANGER) < 0)
			_exit(1);
		dial(scene, 0);
		_exit(read(until[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(until[0]);
	*ret_until = until[1];
	return pid;
}

static void test_somebody_else(void **state)
{
	struct scene *scene = *state;
	int until, ours, status;
	pid_t pid;

	if (getuid() != 0)
		skip();
	pid = stranger_dials(scene, &until);
	ours = take(scene);
	expect_owner(scene, ours, STRANGER);
	close(until);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	wait_for(ours, POLLIN);
	expect_nobody(scene, ours);
	close(ours);
}

static void test_ipv6(void **state)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
	struct sockaddr_in mapped = {.sin_family = AF_INET};
	struct scene scene;
	int theirs, ours, probe = socket(AF_INET6, SOCK_STREAM, 0);

	(void)state;
	if (probe < 0)
		skip();
	close(probe);
	scene_listen(&scene, (const struct sockaddr *)&any, sizeof(any));
	/* An IPv4 client of a socket of both. */
	mapped.sin_port = ((struct sockaddr_in6 *)&scene.address)->sin6_port;
	mapped.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	theirs = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(theirs, (struct sockaddr *)&mapped, sizeof(mapped)), 0);
	ours = take(&scene);
	expect_owner(&scene, ours, getuid());
	close(theirs);
	close(ours);
	/* Where loopback has no IPv6 address there is nothing to connect to. */
	theirs = socket(AF_INET6, SOCK_STREAM, 0);
	if (connect(theirs, (struct sockaddr *)&scene.address, scene.address_len) == 0) {
		ours = take(&scene);
		expect_owner(&scene, ours, getuid());
		close(ours);
	}
	close(theirs);
	rpc_owner_query_close(&scene.query);
	close(scene.listener);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_our_own),
		CASE(test_a_late_answer_is_not_mistaken),
		CASE(test_gone),
		CASE(test_gone_before),
		CASE(test_a_port_used_again),
		CASE(test_a_port_used_again_later),
		CASE(test_a_listener_is_not_the_peer),
		CASE(test_somebody_else),
		CASE(test_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
