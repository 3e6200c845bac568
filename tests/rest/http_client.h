/* SPDX-License-Identifier: MIT */
/* A client that sends exactly the bytes it is given. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One answer, NUL-terminated; free with http_answer_clear. */
struct http_answer {
	int status;
	char *head;
	char *body;
	size_t body_len;
};

/* A listening socket on a free loopback port. */
int http_listen(unsigned *ret_port);

/* A connection whose reads fail after ten seconds rather than hang a test. */
int http_connect(unsigned port);

void http_send(int fd, const char *bytes, size_t len);
void http_send_text(int fd, const char *text);

/* Sends it and closes our direction of the connection, in one packet: whoever has read the one can
 * know of the other. */
void http_send_last(int fd, const char *text);

/* Reads one answer by its Content-Length; has_body false for one to HEAD. Fails the test when the
 * connection ends before it does. */
void http_read(int fd, struct http_answer *ret, bool has_body);

/* Fails the test unless the server has closed in good order: nothing more comes. */
void http_expect_closed(int fd);

/* The same, but the connection may also have been reset. */
void http_expect_ended(int fd);

/* Whether the head has this line, without its line break; names as the server spells them. */
bool http_has_header(const struct http_answer *answer, const char *line);

void http_answer_clear(struct http_answer *answer);
