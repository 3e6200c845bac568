/* SPDX-License-Identifier: MIT */
/* The HTTP listener: opened first, while the process may still use any port. */
#pragma once

#include <stdbool.h>

struct listener {
	int fd;
	bool loopback;
	char text[80]; /* "127.0.0.1:8080", with the port it got */
};

/* Listens on ADDR:PORT, or on the socket that the service manager passed. 0, or -1 with a sentence
 * on stderr. */
int listener_open(const char *address, struct listener *ret);
