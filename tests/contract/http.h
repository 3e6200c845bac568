/* SPDX-License-Identifier: MIT */
/* An HTTP client that sends exactly the bytes it is given, and fails with a sentence. */
#pragma once

#include "tests/contract/bytes.h"
#include "tests/contract/why.h"

#include <sys/socket.h>

/* One answer, its texts NUL-terminated. All zero is an empty one. */
struct http_answer {
	int status;
	struct bytes head;
	struct bytes body;
};

/* Connects to the server, from that local IPv4 address where one is given; reads then fail after
 * 40 seconds. -1 with why set. */
int http_connect(const struct sockaddr_storage *server, const char *from, struct why *why);

/* Sends; a server that has heard enough may have closed, which the answer will show. */
void http_send(int fd, const void *bytes, size_t len);

/* Reads one answer by its Content-Length; has_body false where only a head comes. */
bool http_read(int fd, bool has_body, struct http_answer *ret, struct why *why);

/* Whether the server has ended the connection, or does so before reads time out. */
bool http_is_closed(int fd);

/* The value of a header, any case, into buf; false when there is none. */
bool http_header(const struct http_answer *answer, const char *name, char *buf, size_t size);

void http_answer_clear(struct http_answer *answer);
