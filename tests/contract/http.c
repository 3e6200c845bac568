/* SPDX-License-Identifier: MIT */
/* An HTTP client that sends exactly the bytes it is given. */
#include "tests/contract/http.h"

#include "core/base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

enum { HEAD_MAX = 16384 };

static bool bind_from(int fd, const char *from)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	return inet_pton(AF_INET, from, &address.sin_addr) == 1 &&
	       bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

int http_connect(const struct sockaddr_storage *server, const char *from, struct why *why)
{
	CLEANUP(fd_cleanup) int fd = socket(server->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval timeout = {.tv_sec = 40}; /* a change may take 30 s to give up */
	bool v6 = server->ss_family == AF_INET6;
	socklen_t len = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
		(from && !bind_from(fd, from)) ||
		connect(fd, (const struct sockaddr *)server, len) < 0) {
		why_not(why, "cannot connect: %s", strerror(errno));
		return -1;
	}
	int connected = fd;
	fd = -1;
	return connected;
}

void http_send(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

/* One byte at a time: the next may belong to the answer after. */
static bool read_head(int fd, struct http_answer *ret, struct why *why)
{
	struct bytes *head = &ret->head;

	while (head->len < 4 || memcmp(head->data + head->len - 4, "\r\n\r\n", 4) != 0) {
		char byte;
		ssize_t n = recv(fd, &byte, 1, 0);

		if (n != 1)
			return why_not(why, "the connection ended before an answer: %s",
				n < 0 ? strerror(errno) : "closed");
		if (head->len == HEAD_MAX)
			return why_not(why, "the answer's head is too long");
		bytes_add(head, &byte, 1);
	}
	if (sscanf(head->data, "HTTP/1.1 %d ", &ret->status) != 1)
		return why_not(why, "no HTTP/1.1 answer: %.100s", head->data);
	return true;
}

static bool read_body(int fd, size_t len, struct bytes *body, struct why *why)
{
	while (body->len < len) {
		char buf[4096];
		size_t want = len - body->len < sizeof(buf) ? len - body->len : sizeof(buf);
		ssize_t n = recv(fd, buf, want, 0);

		if (n <= 0)
			return why_not(why, "the answer's body ends after %zu of %zu bytes",
				body->len, len);
		bytes_add(body, buf, (size_t)n);
	}
	return true;
}

bool http_read(int fd, bool has_body, struct http_answer *ret, struct why *why)
{
	char length[32];

	/* An interim answer (100 Continue) is not the answer. */
	do {
		bytes_clear(&ret->head);
		if (!read_head(fd, ret, why))
			return false;
	} while (ret->status < 200);
	bytes_add(&ret->body, "", 0);
	if (!has_body || ret->status == 204 || ret->status == 304)
		return true;
	if (!http_header(ret, "Content-Length", length, sizeof(length)))
		return why_not(why, "the answer has no Content-Length");
	return read_body(fd, strtoul(length, NULL, 10), &ret->body, why);
}

bool http_is_closed(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

bool http_header(const struct http_answer *answer, const char *name, char *buf, size_t size)
{
	size_t len = strlen(name);

	for (const char *at = strstr(answer->head.data, "\r\n"); at; at = strstr(at + 2, "\r\n")) {
		if (strncasecmp(at + 2, name, len) != 0 || at[2 + len] != ':')
			continue;
		const char *value = at + 2 + len + 1 + strspn(at + 2 + len + 1, " ");
		snprintf(buf, size, "%.*s", (int)strcspn(value, "\r"), value);
		return true;
	}
	return false;
}

void http_answer_clear(struct http_answer *answer)
{
	bytes_clear(&answer->head);
	bytes_clear(&answer->body);
	answer->status = 0;
}
