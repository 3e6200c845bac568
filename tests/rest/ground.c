/* SPDX-License-Identifier: MIT */
/* A server under test. */
#include "ground.h"

#include "fake_service.h"
#include "vfio/v1/problem.pb-c.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void ground_open(struct ground *ground)
{
	static const ProtobufCMessageDescriptor *const details[] = {
		&vfio__v1__device_problem__descriptor, NULL};
	static ProtobufCService *services[2];

	*ground = (struct ground){0};
	services[0] = fake_service();
	ground->config.listen_fd = http_listen(&ground->port);
	ground->config.threads = 2;
	ground->config.anyone_may_change = true;
	ground->config.access = &ground->access;
	ground->config.services = services;
	ground->config.details = details;
}

void ground_start(struct ground *ground)
{
	struct fault fault = {""};

	if (rest_server_start(&ground->config, &ground->server, &fault) != 0)
		fail_msg("%s", fault.text);
}

void ground_close(struct ground *ground)
{
	ground->server = rest_server_free(ground->server);
	close(ground->config.listen_fd);
	rest_access_clear(&ground->access);
}

void ask(struct ground *ground, const char *request, struct http_answer *ret)
{
	int fd = http_connect(ground->port);

	http_send_text(fd, request);
	http_read(fd, ret, strncmp(request, "HEAD", 4) != 0);
	close(fd);
}

void format_post(char *text, size_t size, const char *path, const char *body)
{
	snprintf(text, size, "POST %s HTTP/1.1\r\n" HOST JSON "Content-Length: %zu\r\n\r\n%s", path,
		strlen(body), body);
}

void expect_shape(const struct http_answer *answer, int status, const char *code, const char *text)
{
	json_error_t error;
	json_t *root = json_loadb(answer->body, answer->body_len, 0, &error), *message;

	if (answer->status != status)
		fail_msg("status %d, not %d: %s", answer->status, status, answer->body);
	if (!root)
		fail_msg("not JSON: %s", answer->body);
	assert_int_equal(json_object_size(root), 5);
	assert_string_equal(json_string_value(json_object_get(root, "status")), code);
	assert_true(json_is_integer(json_object_get(root, "code")));
	assert_true(json_is_array(json_object_get(root, "details")));
	message = json_object_get(root, "message");
	assert_true(json_equal(message, json_object_get(root, "error")));
	if (!strstr(json_string_value(message), text))
		fail_msg("\"%s\" has no \"%s\"", json_string_value(message), text);
	json_decref(root);
	assert_true(http_has_header(answer, "Content-Type: application/json"));
	assert_true(http_has_header(answer, "X-Content-Type-Options: nosniff"));
	assert_true(http_has_header(answer, "Cache-Control: no-store"));
}

void expect_error(
	struct ground *ground, const char *request, int status, const char *code, const char *text)
{
	struct http_answer answer;

	ask(ground, request, &answer);
	expect_shape(&answer, status, code, text);
	http_answer_clear(&answer);
}

void expect_body(struct ground *ground, const char *request, const char *body)
{
	struct http_answer answer;

	ask(ground, request, &answer);
	if (answer.status != 200 || !strstr(answer.body, body))
		fail_msg("%d %s: no %s", answer.status, answer.body, body);
	assert_true(http_has_header(&answer, "Content-Type: application/json"));
	http_answer_clear(&answer);
}

void expect_info(struct ground *ground, const char *address, const char *body)
{
	char request[512], json[64];

	snprintf(json, sizeof(json), "{\"pci_address\":\"%s\"}", address);
	format_post(request, sizeof(request), V1 "/devices/info", json);
	expect_body(ground, request, body);
}

int ground_setup(void **state)
{
	struct ground *ground = malloc(sizeof(*ground));

	ground_open(ground);
	ground_start(ground);
	*state = ground;
	return 0;
}

int ground_teardown(void **state)
{
	ground_close(*state);
	free(*state);
	return 0;
}
