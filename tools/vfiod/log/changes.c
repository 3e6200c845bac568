/* SPDX-License-Identifier: MIT */
/* One line in the log for each change of devices and for each one that was refused. */
#include "tools/vfiod/log/changes.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/util.h"
#include "tools/vfiod/log/limit.h"
#include "tools/vfiod/log/log.h"
#include "vfio/v1/device_service.pb-c.h"
#include "vfio/v1/problem.pb-c.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 16 };

struct changes_log {
	struct rpc_observer observer;
	struct changes_log_names names;
	pthread_mutex_t lock;
	struct limit limit; /* under the lock */
};

/* What a request to change devices says, whichever it is. */
struct asked {
	const char *verb;
	char *const *addresses, *const *force;
	size_t n_addresses, n_force;
	bool dry_run;
};

/* What one line says. The fields for the journal are its parts. */
struct record {
	char devices[512], forced[160], who[200], user[40], command[32], outcome[640];
	const char *result, *reason;
	int priority;
	int64_t ms;
};

static void append(char *text, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *text, size_t size, const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + len, size - len, fmt, args);
	va_end(args);
}

static struct asked asked_of(const struct rpc_method *method, const ProtobufCMessage *request)
{
	struct asked asked = {.verb = method->name};
	const ProtobufCMessageDescriptor *input = rpc_method_input(method);

	if (input == &vfio__v1__bind_devices_request__descriptor)
		asked.verb = "bind";
	if (input == &vfio__v1__unbind_devices_request__descriptor)
		asked.verb = "unbind";
	if (request && request->descriptor == &vfio__v1__bind_devices_request__descriptor) {
		const Vfio__V1__BindDevicesRequest *m = (const void *)request;

		return (struct asked){asked.verb, m->pci_addresses, m->force, m->n_pci_addresses,
			m->n_force, m->dry_run};
	}
	if (request && request->descriptor == &vfio__v1__unbind_devices_request__descriptor) {
		const Vfio__V1__UnbindDevicesRequest *m = (const void *)request;

		return (struct asked){asked.verb, m->pci_addresses, m->force, m->n_pci_addresses,
			m->n_force, m->dry_run};
	}
	return asked;
}

/* The texts of a list with blanks between, as far as there is room; strangers wrote them. */
static void write_list(char *ret, size_t size, char *const *items, size_t count)
{
	size_t n = 0;

	for (; n < count && strlen(ret) + strlen(items[n]) + 32 < size; n++)
		append(ret, size, "%s%s", n ? " " : "", items[n]);
	if (n < count)
		append(ret, size, "%sand %zu more", n ? " " : "", count - n);
	text_clean(ret);
}

/* All that were changed, those too that the request did not name. */
static void write_devices(
	struct record *r, const struct asked *asked, const ProtobufCMessage *response)
{
	Vfio__V1__DeviceChange *const *changes = NULL;
	size_t n = 0;

	if (response && response->descriptor == &vfio__v1__bind_devices_response__descriptor) {
		const Vfio__V1__BindDevicesResponse *m = (const void *)response;

		changes = m->devices;
		n = m->n_devices;
	} else if (response &&
		   response->descriptor == &vfio__v1__unbind_devices_response__descriptor) {
		const Vfio__V1__UnbindDevicesResponse *m = (const void *)response;

		changes = m->devices;
		n = m->n_devices;
	}
	if (!changes) {
		write_list(r->devices, sizeof(r->devices), asked->addresses, asked->n_addresses);
		return;
	}
	for (size_t i = 0; i < n && strlen(r->devices) + 48 < sizeof(r->devices); i++)
		append(r->devices, sizeof(r->devices), "%s%s", i ? " " : "", changes[i]->address);
}

/* A simulated host has other processes than those that call, and the sandbox lets /proc be read of
 * a real one alone. */
static void write_command(struct record *r, pid_t pid)
{
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, r->command, sizeof(r->command) - 1) : -1;
	r->command[n > 0 ? n : 0] = '\0';
	r->command[strcspn(r->command, "\n")] = '\0';
	text_clean(r->command);
}

static void write_who(const struct changes_log *log, struct record *r, const struct rpc_peer *peer)
{
	bool has_user = peer->has_ids || peer->rights;

	if (has_user)
		log->names.name(log->names.arg, peer->uid, r->user, sizeof(r->user));
	if (peer->has_ids)
		write_command(r, peer->pid);
	append(r->who, sizeof(r->who), "%s", peer->text[0] ? peer->text : "an unknown caller");
	if (r->user[0] || r->command[0])
		append(r->who, sizeof(r->who), " (%s%s%s)", r->user,
			r->user[0] && r->command[0] ? ", " : "", r->command);
	if (peer->has_key)
		append(r->who, sizeof(r->who), " with the API key");
	text_clean(r->who);
}

/* The first problem that the status tells, which the caller frees; NULL where there is none. */
static Vfio__V1__DeviceProblem *first_problem(const Rpc__V1__Status *status)
{
	for (size_t i = 0; i < status->n_details; i++) {
		const Google__Protobuf__Any *any = status->details[i];

		if (strstr(any->type_url, "/vfio.v1.DeviceProblem"))
			return vfio__v1__device_problem__unpack(
				NULL, any->value.len, any->value.data);
	}
	return NULL;
}

static bool is_refusal(int code)
{
	return code == RPC_PERMISSION_DENIED || code == RPC_UNAUTHENTICATED ||
	       code == RPC_FAILED_PRECONDITION || code == RPC_INVALID_ARGUMENT ||
	       code == RPC_NOT_FOUND || code == RPC_RESOURCE_EXHAUSTED;
}

static void write_failure(
	struct record *r, const Rpc__V1__Status *status, const Vfio__V1__DeviceProblem *problem)
{
	bool refused = status && is_refusal(status->code);
	const char *code = rpc_code_name(status ? (int)status->code : RPC_RESOURCE_EXHAUSTED);

	r->result = refused ? "refused" : "failed";
	r->priority = refused ? LOG_NOTICE : LOG_ERR;
	if (status && status->code == RPC_DEADLINE_EXCEEDED)
		r->priority = LOG_WARNING;
	r->reason = problem && problem->reason[0] ? problem->reason : code;
	append(r->outcome, sizeof(r->outcome), "%s, %s: %s", r->result, r->reason,
		status ? status->message : "out of memory");
	text_clean(r->outcome);
}

/* Fields for the journal. */
struct fields {
	char *items[FIELDS];
	size_t count;
};

static void fields_clear(struct fields *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		free(fields->items[i]);
}

static void fields_add(struct fields *fields, const char *name, const char *value)
{
	if (value && value[0] && fields->count < FIELDS &&
		asprintf(&fields->items[fields->count], "VFIOD_%s=%s", name, value) >= 0)
		fields->count++;
}

static void fields_add_number(struct fields *fields, const char *name, long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", value);
	fields_add(fields, name, text);
}

static void fields_fill(struct fields *f, const struct rpc_call *call, const struct record *r)
{
	fields_add(f, "METHOD", call->method->name);
	fields_add(f, "DEVICES", r->devices);
	fields_add(f, "OUTCOME", r->result);
	fields_add(f, "REASON", r->reason);
	fields_add(f, "FORCED", r->forced);
	fields_add(f, "REQUEST_ID", call->request_id);
	fields_add(f, "CALLER", call->peer.text);
	fields_add(f, "CALLER_USER", r->user);
	fields_add(f, "CALLER_COMMAND", r->command);
	fields_add_number(f, "DURATION_MS", r->ms);
	if (call->peer.has_ids || call->peer.rights)
		fields_add_number(f, "CALLER_UID", call->peer.uid);
	if (call->peer.has_ids)
		fields_add_number(f, "CALLER_PID", call->peer.pid);
}

static void record_write(
	const struct rpc_call *call, const struct asked *asked, const struct record *r)
{
	CLEANUP(fields_clear) struct fields fields = {0};
	char line[1700] = "";

	append(line, sizeof(line), "%s %s by %s: %s", asked->verb,
		r->devices[0] ? r->devices : "(devices not read)", r->who, r->outcome);
	if (r->forced[0])
		append(line, sizeof(line), "; forced %s", r->forced);
	if (call->request_id && call->request_id[0])
		append(line, sizeof(line), "; request %s", call->request_id);
	append(line, sizeof(line), "; %lld ms", (long long)r->ms);
	text_clean(line);
	fields_fill(&fields, call, r);
	log_fields(r->priority, line, (const char *const *)fields.items, fields.count);
}

/* Whether the line of a refusal is to be written; how many were not, since the last one, is said.
 */
static bool passes_limit(struct changes_log *log, const struct rpc_peer *peer)
{
	unsigned left_out = 0;
	bool passes;

	pthread_mutex_lock(&log->lock);
	passes = limit_take(&log->limit, peer->text, now_ns(), &left_out);
	pthread_mutex_unlock(&log->lock);
	if (passes && left_out > 0)
		log_say(LOG_NOTICE, "%u more refused changes were not logged", left_out);
	return passes;
}

static void changes_log_on_ended(void *arg, const struct rpc_call *call,
	const ProtobufCMessage *request, const ProtobufCMessage *response)
{
	struct changes_log *log = arg;
	struct asked asked = asked_of(call->method, request);
	struct record r = {.result = "done",
		.priority = LOG_INFO,
		.ms = (now_ns() - call->began_ns) / NS_PER_MS,
		.outcome = "done"};
	Vfio__V1__DeviceProblem *problem = NULL;

	if (asked.dry_run)
		return;
	if (!response) {
		problem = call->status ? first_problem(call->status) : NULL;
		r.outcome[0] = '\0';
		write_failure(&r, call->status, problem);
	}
	if (r.priority != LOG_NOTICE || passes_limit(log, &call->peer)) {
		write_devices(&r, &asked, response);
		write_list(r.forced, sizeof(r.forced), asked.force, asked.n_force);
		write_who(log, &r, &call->peer);
		record_write(call, &asked, &r);
	}
	if (problem)
		vfio__v1__device_problem__free_unpacked(problem, NULL);
}

struct changes_log *changes_log_new(const struct changes_log_names *names)
{
	struct changes_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->names = *names;
	log->observer = (struct rpc_observer){changes_log_on_ended, log};
	pthread_mutex_init(&log->lock, NULL);
	return log;
}

const struct rpc_observer *changes_log_observer(struct changes_log *log)
{
	return &log->observer;
}

void changes_log_free(struct changes_log *log)
{
	if (!log)
		return;
	pthread_mutex_destroy(&log->lock);
	free(log);
}
