/* SPDX-License-Identifier: MIT */
/* The HTTP listener. */
#include "tools/vfiod/listener.h"

#include "core/base/util.h"
#include "tools/vfiod/log/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

enum { BACKLOG = 1024 };

/* Splits ADDR:PORT or [ADDR]:PORT. */
static bool listener_split(const char *address, char host[static 64], char port[static 8])
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;

	if (!colon || len == 0 || len >= 64 || strlen(colon + 1) == 0 || strlen(colon + 1) >= 8)
		return false;
	if (address[0] == '[') {
		if (address[len - 1] != ']' || len < 3)
			return false;
		address++;
		len -= 2;
	}
	memcpy(host, address, len);
	host[len] = '\0';
	snprintf(port, 8, "%s", colon + 1);
	return true;
}

static int listen_on(const struct addrinfo *ai)
{
	CLEANUP(fd_cleanup)
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -1;
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	int result = fd;
	fd = -1;
	return result;
}

static bool is_loopback(const struct sockaddr_storage *sa)
{
	if (sa->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == 127;
	if (sa->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)sa)->sin6_addr);
	return false;
}

/* Fills in what the socket turned out to be. */
static int listener_describe(struct listener *l)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	char host[64], port[8];

	if (getsockname(l->fd, (struct sockaddr *)&sa, &len) < 0)
		return -1;
	l->loopback = is_loopback(&sa);
	if (getnameinfo((struct sockaddr *)&sa, len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return -1;
	snprintf(l->text, sizeof(l->text), sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		port);
	return 0;
}

int listener_open(const char *address, struct listener *ret)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct listener l = {.fd = -1};
	struct addrinfo *ai = NULL;
	char host[64], port[8];

	if (sd_listen_fds(1) >= 1) {
		l.fd = SD_LISTEN_FDS_START;
	} else if (!listener_split(address, host, port) ||
		   getaddrinfo(host, port, &hints, &ai) != 0) {
		log_say(LOG_ERR,
			"--http %s: expected ADDR:PORT, as in 127.0.0.1:8080 or [::1]:8080",
			address);
		return -1;
	} else {
		l.fd = listen_on(ai);
		freeaddrinfo(ai);
	}
	if (l.fd < 0 || listener_describe(&l) < 0) {
		log_say(LOG_ERR, "cannot listen on %s: %s", address, strerror(errno));
		fd_cleanup(&l.fd);
		return -1;
	}
	*ret = l;
	return 0;
}
