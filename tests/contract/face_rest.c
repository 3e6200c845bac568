/* SPDX-License-Identifier: MIT */
/* Cases over REST. */
#include "tests/contract/error_shape.h"
#include "tests/contract/face.h"
#include "tests/contract/match.h"

#include "core/base/util.h"

#include <string.h>

enum { HEADER_MAX = 512 };

static const char *text_of(const json_t *object, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : otherwise;
}

static void compose_header(
	struct bytes *out, const json_t *headers, const char *name, const char *otherwise)
{
	if (!json_object_get(headers, name))
		bytes_print(out, "%s: %s\r\n", name, otherwise);
}

static void compose_chunks(struct bytes *out, const json_t *chunks)
{
	json_t *chunk;
	size_t i;

	json_array_foreach(chunks, i, chunk)
	{
		struct bytes data = {0};

		bytes_add_json(&data, chunk);
		bytes_print(out, "%zx\r\n", data.len);
		bytes_add(out, data.data, data.len);
		bytes_print(out, "\r\n");
		bytes_clear(&data);
	}
	bytes_print(out, "0\r\n\r\n");
}

static bool compose_body(const json_t *request, struct bytes *body)
{
	json_t *json = json_object_get(request, "body"),
	       *raw = json_object_get(request, "raw_body");

	if (raw)
		return bytes_add_json(body, raw);
	if (!json)
		return false;
	json_t *expanded = bytes_expand_lists(json);
	CLEANUP(free_cleanup) char *text = json_dumps(expanded, JSON_COMPACT | JSON_ENCODE_ANY);
	bytes_add(body, text, strlen(text));
	json_decref(expanded);
	return true;
}

/* The request's bytes; a header that is null is left out, also one that would be there anyway. */
static void compose(struct bytes *out, const json_t *request)
{
	const json_t *headers = json_object_get(request, "headers");
	const json_t *chunks = json_object_get(request, "chunks");
	struct bytes body = {0};
	const char *name;
	json_t *value;
	char length[24];
	bool has_body = compose_body(request, &body);

	bytes_print(out, "%s ", text_of(request, "method", "GET"));
	bytes_add_json(out, json_object_get(request, "path"));
	bytes_print(out, " HTTP/%s\r\n", text_of(request, "version", "1.1"));
	compose_header(out, headers, "Host", "localhost");
	if (has_body || chunks)
		compose_header(out, headers, "Content-Type", "application/json");
	snprintf(length, sizeof(length), "%zu", body.len);
	if (has_body)
		compose_header(out, headers, "Content-Length", length);
	else if (chunks)
		compose_header(out, headers, "Transfer-Encoding", "chunked");
	json_object_foreach((json_t *)headers, name, value)
	{
		if (json_is_string(value))
			bytes_print(out, "%s: %s\r\n", name, json_string_value(value));
	}
	bytes_print(out, "\r\n");
	bytes_add(out, body.data, body.len);
	if (chunks)
		compose_chunks(out, chunks);
	bytes_clear(&body);
}

static bool check_header(
	const struct http_answer *answer, const char *name, const json_t *want, struct why *why)
{
	char value[HEADER_MAX];
	bool there = http_header(answer, name, value, sizeof(value));

	if (json_is_null(want))
		return !there || why_not(why, "header %s: expected none, got %s", name, value);
	if (!there)
		return why_not(why, "header %s is missing", name);
	json_t *got = json_string(value);
	bool ok = match(want, got, name, why);
	json_decref(got);
	return ok;
}

static bool check_headers(const struct http_answer *answer, const json_t *want, struct why *why)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)want, name, value)
	{
		if (!check_header(answer, name, value, why))
			return false;
	}
	return true;
}

static bool check_json(const struct http_answer *answer, const json_t *expect, struct why *why)
{
	const json_t *error = json_object_get(expect, "error");
	const json_t *body = json_object_get(expect, "body");
	const json_t *adds = json_object_get(expect, "adds");
	json_error_t fault;
	char type[HEADER_MAX] = "";

	if (!error && !body && !adds)
		return true;
	http_header(answer, "Content-Type", type, sizeof(type));
	if (strcmp(type, "application/json") != 0)
		return why_not(why, "the answer's Content-Type is \"%s\"", type);
	json_t *got = json_loadb(answer->body.data, answer->body.len,
		JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &fault);
	if (!got)
		return why_not(why, "the answer is no JSON: %s", fault.text);
	json_t *expanded = body ? bytes_expand_lists(body) : NULL;
	bool ok = (!error || error_shape_check(got, error, why)) &&
		  (!expanded || match(expanded, got, "body", why)) &&
		  (!adds || match(adds, got, "body", why));
	json_decref(expanded);
	json_decref(got);
	return ok;
}

static bool check_bytes(
	struct face *face, const struct http_answer *answer, const json_t *expect, struct why *why)
{
	const json_t *same = json_object_get(expect, "same_body");
	const char *bytes = text_of(expect, "bytes", NULL);
	bool equal = face->before.len == answer->body.len &&
		     memcmp(face->before.data ? face->before.data : "", answer->body.data,
			     answer->body.len) == 0;

	if (bytes && strcmp(bytes, answer->body.data) != 0)
		return why_not(why, "expected the bytes %s, got %.500s", bytes, answer->body.data);
	if (same && json_is_true(same) != equal)
		return why_not(why, "the body %s the one before", equal ? "is" : "is not");
	return true;
}

static bool check_answer(
	struct face *face, const struct http_answer *answer, const json_t *expect, struct why *why)
{
	const json_t *status = json_object_get(expect, "status");
	const json_t *error = json_object_get(expect, "error");
	int wanted = 200;

	if (error)
		error_shape_code(text_of(error, "code", ""), &wanted);
	if (status)
		wanted = (int)json_integer_value(status);
	if (answer->status != wanted)
		return why_not(why, "expected status %d, got %d: %.500s", wanted, answer->status,
			answer->body.data);
	return check_headers(answer, json_object_get(expect, "headers"), why) &&
	       check_json(answer, expect, why) && check_bytes(face, answer, expect, why);
}

static bool next_answer(
	struct face *face, bool has_body, struct http_answer *answer, struct why *why)
{
	if (tape_is_replaying(face->tape)) {
		const struct tape_item *item = tape_play(face->tape);

		answer->status = item->number;
		bytes_add(&answer->head, item->texts[0].data, item->texts[0].len);
		bytes_add(&answer->body, item->texts[1].data, item->texts[1].len);
		return true;
	}
	if (!http_read(face->fd, has_body, answer, why))
		return false;
	tape_record(face->tape, answer->status, &answer->head, &answer->body);
	return true;
}

static bool take_answer(
	struct face *face, const json_t *request, const json_t *expect, struct why *why)
{
	struct http_answer answer = {0};
	bool has_body = strcmp(text_of(request, "method", "GET"), "HEAD") != 0;
	bool ok = next_answer(face, has_body, &answer, why) &&
		  check_answer(face, &answer, expect, why);

	bytes_clear(&face->before);
	face->before = answer.body;
	answer.body = (struct bytes){0};
	http_answer_clear(&answer);
	return ok;
}

static bool take_answers(
	struct face *face, const json_t *request, const json_t *expect, struct why *why)
{
	const json_t *answers = json_object_get(expect, "answers");
	json_t *one;
	size_t i;

	if (!answers)
		return take_answer(face, request, expect, why);
	json_array_foreach(answers, i, one)
	{
		if (!take_answer(face, request, one, why))
			return false;
	}
	return true;
}

/* Another request tells an open connection from one that is about to be closed. */
static bool is_open(const struct face *face)
{
	static const char next[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct http_answer answer = {0};
	struct why ignored;

	if (tape_is_replaying(face->tape))
		return tape_play(face->tape)->number;
	http_send(face->fd, next, sizeof(next) - 1);
	bool open = http_read(face->fd, true, &answer, &ignored) && answer.status == 200;
	http_answer_clear(&answer);
	tape_record(face->tape, open, NULL, NULL);
	return open;
}

static bool check_end(const struct face *face, const json_t *closed, struct why *why)
{
	if (!json_is_boolean(closed))
		return true;
	if (is_open(face) != json_is_true(closed))
		return true;
	return why_not(
		why, "the connection %s", json_is_true(closed) ? "goes on" : "does not go on");
}

static bool send_request(struct face *face, const json_t *request, struct why *why)
{
	const json_t *raw = json_object_get(request, "raw");
	struct bytes bytes = {0};

	if (tape_is_replaying(face->tape))
		return true;
	if (face->fd < 0)
		face->fd = http_connect(&face->daemon->http, text_of(request, "from", NULL), why);
	if (face->fd < 0)
		return false;
	if (!raw || !bytes_add_json(&bytes, raw))
		compose(&bytes, request);
	http_send(face->fd, bytes.data, bytes.len);
	bytes_clear(&bytes);
	return true;
}

bool face_meanwhile(struct face *face, struct why *why)
{
	return !face->meanwhile || face->meanwhile(face->meanwhile_arg, why);
}

bool face_rest(struct face *face, const json_t *request, const json_t *expect, struct why *why)
{
	bool ok = send_request(face, request, why) && face_meanwhile(face, why) &&
		  take_answers(face, request, expect, why) &&
		  check_end(face, json_object_get(expect, "closed"), why);

	if (!face->shared) {
		fd_cleanup(&face->fd);
		face->fd = -1;
	}
	return ok;
}

void face_clear(struct face *face)
{
	fd_cleanup(&face->fd);
	face->fd = -1;
	bytes_clear(&face->before);
}
