/* SPDX-License-Identifier: MIT */
/* Refusals. */
#include "rest/refusal.h"

#include "rest/answer.h"

#include <stdio.h>

static void refusal_on_sent(h2o_socket_t *sock, const char *err)
{
	(void)err;
	rest_connection_end(sock->on_close.data);
}

void rest_refusal_send(
	struct rest_connection *connection, int http_status, enum rpc_code code, const char *why)
{
	struct rest_json *text = &connection->refusal;
	struct rest_json body = {0};
	char head[256];
	h2o_iovec_t bytes;

	rest_answer_error(&body, code, why, NULL, NULL);
	snprintf(head, sizeof(head),
		"HTTP/1.1 %d %s\r\nServer: vfiod\r\nConnection: close\r\n"
		"Content-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n"
		"Cache-Control: no-store\r\nContent-Length: %zu\r\n\r\n",
		http_status, rest_answer_reason(http_status), body.len);
	rest_json_raw(text, head, strlen(head));
	rest_json_raw(text, body.data, body.len);
	rest_json_clear(&body);
	bytes = h2o_iovec_init(text->data, text->len);
	h2o_socket_write(connection->sock, &bytes, 1, refusal_on_sent);
}
