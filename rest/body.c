/* SPDX-License-Identifier: MIT */
/* Bodies of either framing. */
#include "rest/body.h"

enum rest_chunked rest_body_take(struct rest_connection *connection)
{
	const struct rest_head_scan *head = &connection->head;
	struct rest_inbox *inbox = &connection->inbox;
	size_t len = inbox->len - connection->body, taken = 0;
	enum rest_chunked verdict;

	if (!head->chunked) {
		if (head->body_len > REST_BODY_MAX)
			return REST_CHUNKED_TOO_LONG;
		connection->body = inbox->len < head->body_len ? inbox->len : head->body_len;
		return connection->body == head->body_len ? REST_CHUNKED_DONE
							  : REST_CHUNKED_PARTIAL;
	}
	verdict = rest_chunked_read(
		&connection->chunked, rest_inbox_bytes(inbox) + connection->body, &len, &taken);
	rest_inbox_cut(inbox, connection->body + len, taken - len);
	connection->body += len;
	return verdict;
}
