/* SPDX-License-Identifier: MIT */
/* DeviceService: runs the operation of a call, on the caller's thread or on a worker thread. */
#include "rpc/device/service.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/base/workers.h"
#include "rpc/device/change.h"
#include "rpc/device/check.h"
#include "rpc/device/read.h"
#include "vfio/v1/device_service.pb-c.h"

#include <string.h>

/* Changes at once: each waits for its IOMMU groups in a thread of its own, so a crowd for one group
 * must not keep other groups' changes out. */
enum { MAX_WORKERS = 64, MAX_QUEUE = 64, WORKER_IDLE_MS = 10000 };

/* Every operation of vfio.v1.DeviceService. Those that may block run on a worker thread. */
static const struct operation {
	const char *method;
	device_operation *run;
	enum { ON_CALLER, ON_WORKER } where;
} operations[] = {
	{"ListDevices", device_list_devices, ON_CALLER},
	{"GetDeviceInfo", device_get_device_info, ON_CALLER},
	{"CheckIommuGroups", device_check_iommu_groups, ON_WORKER},
	{"GetGroupPaths", device_get_group_paths, ON_CALLER},
	{"ValidateDevices", device_validate_devices, ON_WORKER},
	{"BindDevices", device_bind_devices, ON_WORKER},
	{"UnbindDevices", device_unbind_devices, ON_WORKER},
	{"GetHost", device_get_host, ON_WORKER},
};

_Static_assert(ARRAY_SIZE(operations) ==
		       (sizeof(Vfio__V1__DeviceService_Service) - sizeof(ProtobufCService)) /
			       sizeof(void (*)(void)),
	"every method has an operation: the generated struct has a function for each");

struct device_service {
	ProtobufCService base; /* first: the service is what callers hold */
	struct device_env env;
	struct workers *workers;
	const struct operation **by_method; /* by its index in the descriptor; NULL: none */
};

/* A call that a worker will answer. */
struct job {
	const struct device_env *env;
	struct rpc_call *call;
	const ProtobufCMessage *request; /* the caller's, until done */
	ProtobufCClosure done;
	device_operation *run;
};

static void job_run(void *arg)
{
	struct job job = *(struct job *)arg;

	free(arg);
	if (now_ns() >= job.call->deadline_ns) {
		rpc_call_fail(job.call, RPC_DEADLINE_EXCEEDED,
			"the deadline of %s passed while it was queued; nothing was done",
			job.call->method->name);
		job.done(NULL, job.call);
		return;
	}
	job.run(job.env, job.call, job.request, job.done);
}

static void run_later(struct device_service *s, device_operation *run,
	const ProtobufCMessage *request, ProtobufCClosure done, struct rpc_call *call)
{
	struct job *job = malloc(sizeof(*job));

	if (job) {
		*job = (struct job){&s->env, call, request, done, run};
		if (workers_submit(s->workers, job_run, job))
			return;
		free(job);
	}
	rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED,
		"too many requests are waiting for devices; try again in a moment");
	done(NULL, call);
}

/* Runs the operation of a method, here or on a worker thread. */
static void service_invoke(ProtobufCService *base, unsigned method, const ProtobufCMessage *request,
	ProtobufCClosure done, void *closure_data)
{
	struct device_service *s = (struct device_service *)base;
	const struct operation *o = s->by_method[method];
	struct rpc_call *call = closure_data;

	if (!o) {
		rpc_call_fail(call, RPC_UNIMPLEMENTED, "this server does not have the method");
		done(NULL, call);
	} else if (o->where == ON_WORKER) {
		run_later(s, o->run, request, done, call);
	} else {
		o->run(&s->env, call, request, done);
	}
}

static const struct operation *find_operation(const char *method)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (strcmp(operations[i].method, method) == 0)
			return &operations[i];
	}
	return NULL;
}

static bool index_operations(struct device_service *s)
{
	const ProtobufCServiceDescriptor *descriptor = s->base.descriptor;

	s->by_method = calloc(descriptor->n_methods, sizeof(struct operation *));
	for (unsigned i = 0; s->by_method && i < descriptor->n_methods; i++)
		s->by_method[i] = find_operation(descriptor->methods[i].name);
	return s->by_method;
}

struct device_service *device_service_new(const struct device_env *env)
{
	struct device_service *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->base = (ProtobufCService){
		.descriptor = &vfio__v1__device_service__descriptor, .invoke = service_invoke};
	s->env = *env;
	s->workers = workers_new(MAX_WORKERS, MAX_QUEUE, WORKER_IDLE_MS);
	if (s->workers && index_operations(s))
		return s;
	device_service_free(s);
	return NULL;
}

ProtobufCService *device_service_base(struct device_service *service)
{
	return &service->base;
}

bool device_service_drain(struct device_service *service, int64_t deadline_ns)
{
	return workers_drain(service->workers, deadline_ns);
}

void device_service_free(struct device_service *service)
{
	if (!service)
		return;
	workers_free(service->workers);
	free(service->by_method);
	free(service);
}
