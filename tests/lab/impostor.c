/* SPDX-License-Identifier: MIT */
/*
 * A user without rights who asks vfiod for a change and then is somebody else: gone, half gone, or
 * another process at the same port. In many ways and a thousand tries, all of which must fail.
 *
 * Started as root, it keeps one process of root's beside, which does what a root's innocent
 * process can be made to do: connect from a port that has become free, or be handed a socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum {
	FIRST_PORT = 20000, /* of those that are used again */
	BUSY_CONNECTIONS = 4,
	BUSY_REQUESTS = 100,
	WAIT_MS = 10000, /* for an answer that must come */
	AFTER_MS = 1000, /* for a change that must not */
};

static const char usage[] =
	"Usage: impostor PORT USER ADDRESS DRIVER\n"
	"\n"
	"Tries a thousand times, as user number USER, to have the vfiod at 127.0.0.1:PORT bind the\n"
	"device ADDRESS, which is on DRIVER and must stay there. Fails when it does not.\n";

static struct {
	struct sockaddr_in vfiod;
	uid_t user;
	char driver_link[64];
	const char *driver;
	char request[512];
	int helper;    /* a socket to root's process */
	unsigned came; /* how often root was at the port */
} self;

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* --- connections ---------------------------------------------------------------------------- */

/* port 0: any. Of -1, errno tells. */
static int dial(int protocol, uint16_t port)
{
	const struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || (port && bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0) ||
		connect(fd, (const struct sockaddr *)&self.vfiod, sizeof(self.vfiod)) < 0) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int must_dial(uint16_t port)
{
	int fd = dial(IPPROTO_TCP, port);

	if (fd < 0)
		die("cannot connect: %s", strerror(errno));
	return fd;
}

static void say(int fd, const char *text, size_t len, int flags)
{
	if (send(fd, text, len, MSG_NOSIGNAL | flags) != (ssize_t)len)
		die("cannot send: %s", strerror(errno));
}

static void ask(int fd)
{
	say(fd, self.request, strlen(self.request), 0);
}

static void reset(int fd)
{
	const struct linger at_once = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

/* The status of the one answer; 0: the connection ended without. */
static int read_status(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char answer[2048];
	int status;

	if (poll(&p, 1, WAIT_MS) != 1)
		die("no answer within %d ms", WAIT_MS);
	ssize_t n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n <= 0)
		return 0;
	answer[n] = '\0';
	return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

/* --- root's process ------------------------------------------------------------------------- */

/* What it is asked for: a port to connect from (0: none), or to read an answer from the socket that
 * comes along. It answers how that went. */
static int give(int fd, uint16_t port)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec bytes = {&port, sizeof(port)};
	struct msghdr msg = {.msg_iov = &bytes, .msg_iovlen = 1};
	int status = -1;

	if (fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	if (sendmsg(self.helper, &msg, MSG_NOSIGNAL) < 0)
		die("root's process has gone");
	if (fd >= 0)
		close(fd);
	if (recv(self.helper, &status, sizeof(status), 0) != sizeof(status))
		die("root's process does not answer");
	return status;
}

static int take(int from, uint16_t *ret_port)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec bytes = {ret_port, sizeof(*ret_port)};
	struct msghdr msg = {.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(from, &msg, 0) <= 0)
		_exit(0);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	if (c)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void be_root(int from)
{
	int connected = -1, status, fd;
	uint16_t port;

	for (;;) {
		fd = take(from, &port);
		if (connected >= 0)
			reset(connected);
		connected = -1;
		if (fd >= 0) {
			status = read_status(fd);
			close(fd);
		} else if (port) {
			connected = dial(IPPROTO_TCP, port);
			status = connected >= 0 ? 0 : errno;
		} else {
			fd = must_dial(0);
			ask(fd);
			status = read_status(fd);
			close(fd);
		}
		if (send(from, &status, sizeof(status), MSG_NOSIGNAL) < 0)
			_exit(0);
	}
}

/* Parts root from the user, whom the rest of this process is. */
static void split(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		be_root(pair[1]);
	}
	close(pair[1]);
	self.helper = pair[0];
	if (pid < 0 || setgroups(0, NULL) < 0 || setgid(self.user) < 0 || setuid(self.user) < 0)
		die("cannot become user %u: %s", self.user, strerror(errno));
}

/* --- the tries ------------------------------------------------------------------------------ */

/* Each returns the status of an answer, or 0 where it waits for none. */

static int try_honest(unsigned n)
{
	int fd = must_dial(0), status;

	(void)n;
	ask(fd);
	status = read_status(fd);
	close(fd);
	return status;
}

static int try_close(unsigned n)
{
	int fd = must_dial(0);

	(void)n;
	ask(fd);
	close(fd);
	return 0;
}

/* Request and end in one packet, so that whoever reads the one has the other. */
static int try_half_close(unsigned n)
{
	int fd = must_dial(0), status;

	(void)n;
	say(fd, self.request, strlen(self.request), MSG_MORE);
	shutdown(fd, SHUT_WR);
	status = read_status(fd);
	close(fd);
	return status;
}

/* What is half closed and then let go of is nobody's, without an inode. */
static int try_half_close_and_go(unsigned n)
{
	int fd = must_dial(0);

	(void)n;
	say(fd, self.request, strlen(self.request), MSG_MORE);
	shutdown(fd, SHUT_WR);
	close(fd);
	return 0;
}

static int try_reset(unsigned n)
{
	int fd = must_dial(0);

	(void)n;
	ask(fd);
	reset(fd);
	return 0;
}

/* Accepted while it is there; the end of its request comes with the end of the connection. */
static int try_late(unsigned n)
{
	int fd = must_dial(0);
	size_t len = strlen(self.request);

	(void)n;
	say(fd, self.request, len - 1, 0);
	say(fd, self.request + len - 1, 1, MSG_MORE);
	close(fd);
	return 0;
}

/* Root is at the port when vfiod asks whose it is. */
static int try_port_again(unsigned n)
{
	uint16_t port = (uint16_t)(FIRST_PORT + n);
	int fd = must_dial(port);

	ask(fd);
	reset(fd);
	self.came += give(-1, port) == 0;
	return 0;
}

/* The same, gone before the end of its request has come. */
static int try_port_again_late(unsigned n)
{
	uint16_t port = (uint16_t)(FIRST_PORT + n);
	size_t len = strlen(self.request);
	int fd = must_dial(port);

	say(fd, self.request, len - 1, 0);
	say(fd, self.request + len - 1, 1, 0);
	reset(fd);
	self.came += give(-1, port) == 0;
	return 0;
}

/* Root has the socket that a user made, who has no longer. */
static int try_hand_on(unsigned n)
{
	int fd = must_dial(0);

	(void)n;
	ask(fd);
	return give(fd, 0);
}

/* Such a socket is the kernel's own below. */
static int try_multipath(unsigned n)
{
	int fd = dial(IPPROTO_MPTCP, 0);

	(void)n;
	if (fd < 0)
		fd = must_dial(0);
	ask(fd);
	close(fd);
	return 0;
}

/* Has every loop of vfiod write lists, and comes and goes meanwhile. */
static int try_while_busy(unsigned n)
{
	static const char list[] = "GET /api/v1/vfio/devices HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static char lists[BUSY_REQUESTS * (sizeof(list) - 1)];
	int busy[BUSY_CONNECTIONS];

	for (int i = 0; i < BUSY_REQUESTS; i++)
		memcpy(lists + (size_t)i * (sizeof(list) - 1), list, sizeof(list) - 1);
	for (int i = 0; i < BUSY_CONNECTIONS; i++) {
		busy[i] = must_dial(0);
		send(busy[i], lists, sizeof(lists), MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	for (int i = 0; i < BUSY_CONNECTIONS; i++)
		try_close(n);
	try_port_again(n);
	for (int i = 0; i < BUSY_CONNECTIONS; i++)
		close(busy[i]);
	return 0;
}

static const struct way {
	const char *name;
	int (*go)(unsigned n);
	unsigned tries;
} ways[] = {
	{"stays", try_honest, 20},
	{"closes", try_close, 250},
	{"half closes", try_half_close, 80},
	{"half closes and goes", try_half_close_and_go, 100},
	{"resets", try_reset, 100},
	{"closes with the end of the request", try_late, 100},
	{"root comes to the port", try_port_again, 150},
	{"root comes to the port of a late one", try_port_again_late, 50},
	{"hands the socket to root", try_hand_on, 50},
	{"closes a multipath socket", try_multipath, 80},
	{"closes while vfiod is busy", try_while_busy, 20},
};

/* --- what came of them ---------------------------------------------------------------------- */

static bool is_taken(void)
{
	char target[256];
	ssize_t n = readlink(self.driver_link, target, sizeof(target) - 1);
	const char *name;

	if (n < 0)
		return true;
	target[n] = '\0';
	name = strrchr(target, '/');
	return strcmp(name ? name + 1 : target, self.driver) != 0;
}

/* Connections are accepted in their order, so that who is answered now comes after all tries; what
 * those began has a moment to show. */
static bool is_taken_after_all(void)
{
	for (int i = 0; i < 2 * BUSY_CONNECTIONS; i++)
		try_honest(0);
	for (int ms = 0; ms < AFTER_MS && !is_taken(); ms += 10)
		poll(NULL, 0, 10);
	return is_taken();
}

/* False when a try had its way. */
static bool go(const struct way *way)
{
	unsigned n, refused = 0, allowed = 0;

	for (n = 0; n < way->tries && allowed == 0 && !is_taken(); n++) {
		int status = way->go(n);

		refused += status == 403;
		allowed += status == 200;
	}
	bool taken = allowed > 0 || is_taken_after_all();
	printf("%-38s %4u tries, %3u told no: %s\n", way->name, n, refused,
		taken ? "HAS THE DEVICE" : "nothing");
	fflush(stdout);
	return !taken;
}

static void prepare(char **argv)
{
	char body[64];

	self.vfiod = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[1])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	self.user = (uid_t)atoi(argv[2]);
	self.driver = argv[4];
	snprintf(self.driver_link, sizeof(self.driver_link), "/sys/bus/pci/devices/%.16s/driver",
		argv[3]);
	snprintf(body, sizeof(body), "{\"pci_addresses\":[\"%.16s\"]}", argv[3]);
	snprintf(self.request, sizeof(self.request),
		"POST /api/v1/vfio/devices/bind HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(body), body);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	unsigned tries = 0;

	if (argc != 5) {
		fputs(usage, stderr);
		return 2;
	}
	prepare(argv);
	if (is_taken())
		die("%s is not on %s to begin with", argv[3], argv[4]);
	split();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!go(&ways[i]))
			return 1;
		tries += ways[i].tries;
	}
	if (self.came == 0)
		die("root never came to a port: the tries prove less");
	/* What would have come of the right to do so. */
	if (give(-1, 0) != 200 || !is_taken())
		die("root cannot bind the device either: the tries prove nothing");
	printf("%u tries, none of which had its way; root was at the port %u times\n", tries,
		self.came);
	return 0;
}
