/* SPDX-License-Identifier: MIT */
/* One client over one face. */
#include "tests/sweep/asker.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "rest/answer.h"
#include "rest/transcode.h"
#include "rpc/nng/envelope.h"
#include "rpc/service/method.h"
#include "tests/rpc/nng/raw.h"
#include "vfio/v1/problem.pb-c.h"

#include <stdio.h>
#include <string.h>
#include <sys/time.h>

enum { WAIT_S = 60 };

static const struct {
	const char *name, *path, *method;
} operations[] = {
	[ASK_INFO] = {"info", "/info", "vfio.v1.DeviceService/GetDeviceInfo"},
	[ASK_LIST] = {"list", "", "vfio.v1.DeviceService/ListDevices"},
	[ASK_GROUPS] = {"iommu-groups", "/iommu-groups", "vfio.v1.DeviceService/CheckIommuGroups"},
	[ASK_VALIDATE] = {"validate", "/validate", "vfio.v1.DeviceService/ValidateDevices"},
	[ASK_BIND] = {"bind", "/bind", "vfio.v1.DeviceService/BindDevices"},
	[ASK_UNBIND] = {"unbind", "/unbind", "vfio.v1.DeviceService/UnbindDevices"},
};

void asker_init(struct asker *a, const struct stage *stage, enum asker_face face)
{
	*a = (struct asker){.stage = stage, .face = face, .fd = -1};
}

static bool connect_asker(struct asker *a, struct why *why)
{
	const struct timeval timeout = {.tv_sec = WAIT_S};
	const struct daemon *d = a->stage->daemon;

	if (a->fd < 0)
		a->fd = a->face == ASKER_REST ? http_connect(&d->http, NULL, why)
					      : raw_open(d->rpc[0]);
	return a->fd >= 0 &&
	       setsockopt(a->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0;
}

static void compose(struct bytes *out, enum asker_operation operation, const char *json)
{
	bool get = operation == ASK_LIST;

	bytes_print(out, "%s /api/v1/vfio/devices%s HTTP/1.1\r\nHost: localhost\r\n",
		get ? "GET" : "POST", operations[operation].path);
	if (!get)
		bytes_print(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			strlen(json));
	bytes_print(out, "\r\n%s", get ? "" : json);
}

static bool ask_rest(struct asker *a, enum asker_operation operation, const char *json,
	struct asker_answer *ret, struct why *why)
{
	struct http_answer answer = {0};
	struct bytes request = {0};

	compose(&request, operation, json);
	ret->sent_ns = now_ns();
	http_send(a->fd, request.data, request.len);
	bool ok = http_read(a->fd, true, &answer, why);
	ret->took_ns = now_ns() - ret->sent_ns;
	bytes_clear(&request);
	if (ok) {
		ret->http = answer.status;
		ret->body = json_loadb(answer.body.data, answer.body.len, 0, NULL);
	}
	http_answer_clear(&answer);
	return ok && (ret->body || why_not(why, "the answer is no JSON"));
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
	} else {
		message = protobuf_c_message_unpack(rpc_method_output(method), NULL,
			response->payload.len, response->payload.data);
		if (message && rest_transcode_write(&text, message) < 0)
			rest_json_reset(&text);
		if (message)
			protobuf_c_message_free_unpacked(message, NULL);
	}
	return text.len > 0 ? json_loadb(text.data, text.len, 0, NULL) : NULL;
}

static bool exchange(struct asker *a, const struct rpc_bytes *request, struct asker_answer *ret,
	const struct rpc_method *method, struct why *why)
{
	CLEANUP(rpc_bytes_free) struct rpc_bytes reply = {0};
	Rpc__V1__Response *response = NULL;
	struct fault fault = {"nothing came"};

	ret->sent_ns = now_ns();
	raw_send(a->fd, true, ++a->id, request->data, request->len);
	reply = raw_receive(a->fd, true, a->id);
	ret->took_ns = now_ns() - ret->sent_ns;
	if (!reply.data || rpc_envelope_decode_response(reply.data, reply.len, &response, &fault))
		return why_not(why, "no reply over RPC: %s", fault.text);
	ret->body = as_json(method, response);
	rpc__v1__response__free_unpacked(response, NULL);
	return ret->body || why_not(why, "the reply is not the method's");
}

static bool ask_rpc(struct asker *a, enum asker_operation operation, const char *json,
	uint32_t timeout_ms, struct asker_answer *ret, struct why *why)
{
	const char *name = operations[operation].method;
	const struct rpc_method *method = rpc_method_find(name, strlen(name));
	CLEANUP(rpc_bytes_free) struct rpc_bytes request = {0};
	ProtobufCMessage *message;
	struct fault fault;

	if (rest_transcode_read(rpc_method_input(method), json, strlen(json), &message, &fault) < 0)
		return why_not(why, "%s: %s", json, fault.text);
	request = raw_request(name, message, "", timeout_ms, NULL);
	protobuf_c_message_free_unpacked(message, NULL);
	return exchange(a, &request, ret, method, why);
}

bool asker_ask(struct asker *a, enum asker_operation operation, const char *json,
	uint32_t timeout_ms, struct asker_answer *ret, struct why *why)
{
	*ret = (struct asker_answer){0};
	if (!connect_asker(a, why))
		return false;
	if (a->face == ASKER_REST ? ask_rest(a, operation, json, ret, why)
				  : ask_rpc(a, operation, json, timeout_ms, ret, why))
		return true;
	asker_clear(a);
	return false;
}

const char *asker_status(const struct asker_answer *answer)
{
	return asker_text(answer, "status");
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

const char *asker_text(const struct asker_answer *answer, const char *name)
{
	return text_of(answer->body, name);
}

const char *asker_item_text(
	const struct asker_answer *answer, const char *list, size_t i, const char *name)
{
	return text_of(json_array_get(json_object_get(answer->body, list), i), name);
}

void asker_answer_clear(struct asker_answer *answer)
{
	json_decref(answer->body);
	*answer = (struct asker_answer){0};
}

void asker_clear(struct asker *a)
{
	fd_cleanup(&a->fd);
	a->fd = -1;
}

const char *asker_operation_name(enum asker_operation operation)
{
	return operations[operation].name;
}

const char *asker_face_name(enum asker_face face)
{
	return face == ASKER_REST ? "REST" : "RPC";
}
