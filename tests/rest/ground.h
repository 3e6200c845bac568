/* SPDX-License-Identifier: MIT */
/* A server over loopback in front of the fake service, and what is asked of it. */
#pragma once

#include "http_client.h"
#include "rest/server.h"

#define V1 "/api/v1/vfio"
#define HOST "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\n"

/* One server under test. */
struct ground {
	struct rest_config config;
	struct rest_access access;
	struct rest_server *server;
	unsigned port;
};

/* Prepares a server with two loops, on which anyone may do anything. */
void ground_open(struct ground *ground);
void ground_start(struct ground *ground);
void ground_close(struct ground *ground);

/* For cmocka: a started server as the test's state. */
int ground_setup(void **state);
int ground_teardown(void **state);

/* A POST of JSON as text. */
void format_post(char *text, size_t size, const char *path, const char *body);

/* Sends on a connection of its own and reads the one answer. */
void ask(struct ground *ground, const char *request, struct http_answer *ret);

/* Fails the test unless the answer is the error shape with that status, code and text. */
void expect_shape(const struct http_answer *answer, int status, const char *code, const char *text);

/* Asks, and expects such an error; a 200 with that in its body; info to answer so. */
void expect_error(
	struct ground *ground, const char *request, int status, const char *code, const char *text);
void expect_body(struct ground *ground, const char *request, const char *body);
void expect_info(struct ground *ground, const char *address, const char *body);
