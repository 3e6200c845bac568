/* SPDX-License-Identifier: MIT */
/* Raw HTTP over loopback. */
#include "http_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

int http_listen(unsigned *ret_port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

int http_connect(unsigned port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	struct timeval timeout = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), 0);
	/* What is sent in pieces is to arrive in them, and at once. */
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
	return fd;
}

void http_send(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		/* A server that has heard enough may close while we still talk. */
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return;
		assert_true(n > 0);
		bytes += n;
		len -= (size_t)n;
	}
}

void http_send_text(int fd, const char *text)
{
	http_send(fd, text, strlen(text));
}

void http_send_last(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_MORE | MSG_NOSIGNAL), strlen(text));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

static void read_byte(int fd, char *ret)
{
	ssize_t n = recv(fd, ret, 1, 0);

	if (n != 1)
		fail_msg("the connection ended before the answer did: %s",
			n < 0 ? strerror(errno) : "closed");
}

static void read_head(int fd, struct http_answer *ret)
{
	size_t len = 0;

	ret->head = calloc(1, 8192);
	while (len < 4 || memcmp(ret->head + len - 4, "\r\n\r\n", 4) != 0) {
		assert_true(len < 8191);
		read_byte(fd, ret->head + len++);
	}
	assert_int_equal(sscanf(ret->head, "HTTP/1.1 %d ", &ret->status), 1);
}

void http_read(int fd, struct http_answer *ret, bool has_body)
{
	const char *length;

	*ret = (struct http_answer){0};
	read_head(fd, ret);
	length = strcasestr(ret->head, "\r\nContent-Length: ");
	if (length && has_body)
		ret->body_len = strtoul(length + strlen("\r\nContent-Length: "), NULL, 10);
	ret->body = calloc(1, ret->body_len + 1);
	for (size_t at = 0; at < ret->body_len;) {
		ssize_t n = recv(fd, ret->body + at, ret->body_len - at, 0);

		assert_true(n > 0);
		at += (size_t)n;
	}
}

void http_expect_closed(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

void http_expect_ended(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
}

bool http_has_header(const struct http_answer *answer, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = answer->head; (at = strstr(at, "\r\n")) != NULL; at += 2)
		if (strncasecmp(at + 2, line, len) == 0 && at[2 + len] == '\r')
			return true;
	return false;
}

void http_answer_clear(struct http_answer *answer)
{
	free(answer->head);
	free(answer->body);
	*answer = (struct http_answer){0};
}
