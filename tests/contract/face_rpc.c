/* SPDX-License-Identifier: MIT */
/* Cases over RPC: the same JSON, made messages and back by descriptor. */
#include "tests/contract/error_shape.h"
#include "tests/contract/face.h"
#include "tests/contract/match.h"

#include "core/base/util.h"
#include "rest/answer.h"
#include "rest/transcode.h"
#include "rpc/nng/envelope.h"
#include "rpc/service/method.h"
#include "tests/rpc/nng/raw.h"
#include "vfio/v1/problem.pb-c.h"

#include <string.h>
#include <sys/time.h>

enum { METADATA_MAX = 4 };

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* A connection for all the cases of a daemon; reads fail rather than hang. */
static bool connect_rpc(struct daemon *d, int which)
{
	const struct timeval timeout = {.tv_sec = 40}; /* a change may take 30 s to give up */

	if (d->rpc_fd[which] < 0)
		d->rpc_fd[which] = raw_open(d->rpc[which]);
	return d->rpc_fd[which] >= 0 && setsockopt(d->rpc_fd[which], SOL_SOCKET, SO_RCVTIMEO,
						&timeout, sizeof(timeout)) == 0;
}

static void response_free(Rpc__V1__Response **response)
{
	if (*response)
		rpc__v1__response__free_unpacked(*response, NULL);
}

static void disconnect_rpc(struct daemon *d, int which)
{
	fd_cleanup(&d->rpc_fd[which]);
	d->rpc_fd[which] = -1;
}

/* What is asked meanwhile goes over a connection of its own: this one waits for its answer. */
static bool ask_meanwhile(struct face *face, int which, struct why *why)
{
	struct daemon *d = face->daemon;
	int waiting = d->rpc_fd[which];

	if (!face->meanwhile)
		return true;
	d->rpc_fd[which] = -1;
	bool ok = face_meanwhile(face, why);
	disconnect_rpc(d, which);
	d->rpc_fd[which] = waiting;
	return ok;
}

/* The reply's bytes. */
static bool exchange(struct face *face, const json_t *request, const struct rpc_bytes *envelope,
	struct bytes *ret, struct why *why)
{
	struct daemon *d = face->daemon;
	int which = daemon_rpc_of(d, strcmp(text_of(request, "over"), "tcp") == 0);

	if (!connect_rpc(d, which))
		return why_not(why, "cannot connect to %s", d->rpc[which]);
	uint32_t id = ++d->rpc_id;
	raw_send(d->rpc_fd[which], which == 0, id, envelope->data, envelope->len);
	if (!ask_meanwhile(face, which, why))
		return false;
	CLEANUP(rpc_bytes_free)
	struct rpc_bytes reply = raw_receive(d->rpc_fd[which], which == 0, id);
	if (reply.data) {
		bytes_add(ret, reply.data, reply.len);
		return true;
	}
	disconnect_rpc(d, which);
	return why_not(why, "no reply");
}

static bool next_reply(struct face *face, const json_t *request, const struct rpc_bytes *envelope,
	struct bytes *ret, struct why *why)
{
	if (tape_is_replaying(face->tape)) {
		if (!face_meanwhile(face, why))
			return false;
		const struct tape_item *item = tape_play(face->tape);
		bytes_add(ret, item->texts[0].data, item->texts[0].len);
		return true;
	}
	if (!exchange(face, request, envelope, ret, why))
		return false;
	tape_record(face->tape, 0, ret, NULL);
	return true;
}

static bool pack_message(
	const struct rpc_method *method, const json_t *json, struct rpc_bytes *ret, struct why *why)
{
	json_t *expanded = bytes_expand_lists(json);
	CLEANUP(free_cleanup) char *text = json_dumps(expanded, JSON_COMPACT);
	struct fault fault;
	ProtobufCMessage *message;

	json_decref(expanded);
	if (!method)
		return why_not(why, "a message needs a method there is");
	if (rest_transcode_read(rpc_method_input(method), text, strlen(text), &message, &fault) < 0)
		return why_not(why, "the case's message: %s", fault.text);
	rpc_bytes_pack(message, ret);
	protobuf_c_message_free_unpacked(message, NULL);
	return true;
}

static bool make_payload(const struct rpc_method *method, const json_t *request,
	struct rpc_bytes *ret, struct why *why)
{
	const json_t *raw = json_object_get(request, "payload");
	const json_t *message = json_object_get(request, "message");
	struct bytes bytes = {0};

	if (raw && bytes_add_json(&bytes, raw)) {
		rpc_bytes_copy((uint8_t *)bytes.data, bytes.len, ret);
		bytes_clear(&bytes);
		return true;
	}
	return !message || pack_message(method, message, ret, why);
}

static bool make_request(const json_t *request, const struct rpc_method *method,
	struct rpc_bytes *ret, struct why *why)
{
	CLEANUP(rpc_bytes_free) struct rpc_bytes payload = {0};
	Rpc__V1__Request message = RPC__V1__REQUEST__INIT;
	Rpc__V1__Request__MetadataEntry entries[METADATA_MAX], *list[METADATA_MAX];
	const char *key;
	json_t *value;

	if (!make_payload(method, request, &payload, why))
		return false;
	message.method = (char *)text_of(request, "method");
	message.payload = (ProtobufCBinaryData){payload.len, payload.data};
	message.timeout_ms = (uint32_t)json_integer_value(json_object_get(request, "timeout_ms"));
	message.request_id = (char *)text_of(request, "request_id");
	message.metadata = list;
	json_object_foreach(json_object_get(request, "metadata"), key, value)
	{
		Rpc__V1__Request__MetadataEntry *entry = &entries[message.n_metadata];

		rpc__v1__request__metadata_entry__init(entry);
		entry->key = (char *)key;
		entry->value = (char *)json_string_value(value);
		list[message.n_metadata++] = entry;
	}
	return rpc_bytes_pack(&message.base, ret) == 0;
}

static bool make_envelope(const json_t *request, const struct rpc_method *method,
	struct rpc_bytes *ret, struct why *why)
{
	const json_t *raw = json_object_get(request, "envelope");
	struct bytes bytes = {0};

	if (!raw)
		return make_request(request, method, ret, why);
	if (!bytes_add_json(&bytes, raw))
		return why_not(why, "the case's envelope is no bytes");
	rpc_bytes_copy((uint8_t *)bytes.data, bytes.len, ret);
	bytes_clear(&bytes);
	return true;
}

/* The answer or the error as REST would show it. NULL when there is neither. */
static json_t *as_json(const struct rpc_method *method, const Rpc__V1__Response *response)
{
	static const ProtobufCMessageDescriptor *const details[] = {
		&vfio__v1__device_problem__descriptor, NULL};
	CLEANUP(rest_json_clear) struct rest_json text = {0};
	ProtobufCMessage *message = NULL;

	if (response->status && response->status->code != 0) {
		rest_answer_error(&text, response->status->code, response->status->message,
			response->status, details);
	} else if (method) {
		message = protobuf_c_message_unpack(rpc_method_output(method), NULL,
			response->payload.len, response->payload.data);
		if (!message || rest_transcode_write(&text, message) < 0)
			rest_json_reset(&text);
		if (message)
			protobuf_c_message_free_unpacked(message, NULL);
	}
	return text.len > 0 ? json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL) : NULL;
}

static bool check_body(
	const json_t *request, const json_t *answer, const json_t *expect, struct why *why)
{
	const char *answer_in = text_of(request, "answer_in");
	const json_t *want = json_object_get(expect, "body"),
		     *adds = json_object_get(expect, "adds");
	const json_t *got = *answer_in ? json_object_get(answer, answer_in) : answer;

	if (!want)
		return why_not(why, "the case expects neither an answer nor an error");
	json_t *expanded = bytes_expand_lists(want);
	bool ok = match(expanded, got, "answer", why) && (!adds || match(adds, got, "answer", why));
	json_decref(expanded);
	return ok;
}

static bool check_response(const json_t *request, const struct rpc_method *method,
	const Rpc__V1__Response *response, const json_t *expect, struct why *why)
{
	const json_t *error = json_object_get(expect, "error");
	bool failed = response->status && response->status->code != 0;
	const char *id = text_of(request, "request_id");

	if (!json_object_get(request, "envelope") && strcmp(id, response->request_id) != 0)
		return why_not(
			why, "request_id \"%s\" came back as \"%s\"", id, response->request_id);
	if (failed && response->payload.len > 0)
		return why_not(why, "a failure with a payload");
	json_t *got = as_json(method, response);
	bool ok;
	if (!got)
		ok = why_not(why, "the payload is not the method's answer");
	else if (error && !failed)
		ok = why_not(why, "expected an error, got an answer");
	else if (error)
		ok = error_shape_check(got, error, why);
	else if (failed)
		ok = why_not(why, "expected an answer, got the error %s", text_of(got, "error"));
	else
		ok = check_body(request, got, expect, why);
	json_decref(got);
	return ok;
}

/* Against the answer before, which this one then is. */
static bool check_same(
	struct face *face, const Rpc__V1__Response *response, const json_t *same, struct why *why)
{
	struct bytes *before = &face->before;
	bool equal = before->len == response->payload.len && before->len > 0 &&
		     memcmp(before->data, response->payload.data, before->len) == 0;

	bytes_clear(before);
	if (response->payload.len > 0)
		bytes_add(before, response->payload.data, response->payload.len);
	if (same && json_is_true(same) != equal)
		return why_not(why, "the answer %s the one before", equal ? "is" : "is not");
	return true;
}

bool face_rpc(struct face *face, const json_t *request, const json_t *expect, struct why *why)
{
	const char *name = text_of(request, "method");
	const struct rpc_method *method = rpc_method_find(name, strlen(name));
	CLEANUP(rpc_bytes_free) struct rpc_bytes envelope = {0};
	CLEANUP(bytes_clear) struct bytes reply = {0};
	CLEANUP(response_free) Rpc__V1__Response *response = NULL;
	struct fault fault;

	if (!make_envelope(request, method, &envelope, why) ||
		!next_reply(face, request, &envelope, &reply, why))
		return false;
	if (rpc_envelope_decode_response(
		    (const uint8_t *)reply.data, reply.len, &response, &fault) < 0)
		return why_not(why, "the reply is no Response: %s", fault.text);
	return check_response(request, method, response, expect, why) &&
	       check_same(face, response, json_object_get(expect, "same_body"), why);
}
