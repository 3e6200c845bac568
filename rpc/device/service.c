/* SPDX-License-Identifier: MIT */
/* DeviceService: the seam to the engine, and the operations that answer at once. */
#include "rpc/device/service.h"

#include "core/util.h"
#include "rpc/device/operations.h"
#include "rpc/device/workers.h"

#include <errno.h>
#include <string.h>

/* Changes at once: each waits for its IOMMU groups in a thread of its own, so a crowd for one group
 * must not keep other groups' changes out. */
enum { MAX_WORKERS = 64, MAX_QUEUE = 64, WORKER_IDLE_MS = 10000 };

struct device_service {
	Vfio__V1__DeviceService_Service base; /* first: the service is what closures are given */
	struct device_env env;
	struct workers *workers;
};

/* A call that a worker will answer. */
struct job {
	const struct device_env *env;
	struct rpc_call *call;
	const ProtobufCMessage *request; /* the caller's, until done */
	ProtobufCClosure done;
	device_operation run;
};

static void job_run(void *arg)
{
	struct job job = *(struct job *)arg;

	free(arg);
	if (rpc_now_ns() >= job.call->deadline_ns) {
		rpc_call_fail(job.call, RPC_DEADLINE_EXCEEDED,
			"the deadline of %s passed while it was queued; nothing was done",
			job.call->method->name);
		job.done(NULL, job.call);
		return;
	}
	job.run(job.env, job.call, job.request, job.done);
}

static void run_later(struct device_service *s, device_operation run,
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

/* Each method of the generated interface comes down to an operation, now or later. */
#define NOW(method, Request, Response)                                                             \
	static void method(Vfio__V1__DeviceService_Service *service,                               \
		const Vfio__V1__##Request *request, Vfio__V1__##Response##_Closure done,           \
		void *call)                                                                        \
	{                                                                                          \
		struct device_service *s = (struct device_service *)service;                       \
		device_##method(&s->env, call, &request->base, (ProtobufCClosure)done);            \
	}

#define LATER(method, Request, Response)                                                           \
	static void method(Vfio__V1__DeviceService_Service *service,                               \
		const Vfio__V1__##Request *request, Vfio__V1__##Response##_Closure done,           \
		void *call)                                                                        \
	{                                                                                          \
		run_later((struct device_service *)service, device_##method, &request->base,       \
			(ProtobufCClosure)done, call);                                             \
	}

NOW(list_devices, ListDevicesRequest, ListDevicesResponse)
NOW(get_device_info, GetDeviceInfoRequest, Device)
NOW(check_iommu_groups, CheckIommuGroupsRequest, CheckIommuGroupsResponse)
NOW(get_group_paths, GetGroupPathsRequest, GetGroupPathsResponse)
LATER(validate_devices, ValidateDevicesRequest, ValidateDevicesResponse)
LATER(bind_devices, BindDevicesRequest, BindDevicesResponse)
LATER(unbind_devices, UnbindDevicesRequest, UnbindDevicesResponse)
LATER(get_host, GetHostRequest, Host)

struct device_service *device_service_new(const struct device_env *env)
{
	static const Vfio__V1__DeviceService_Service base = VFIO__V1__DEVICE_SERVICE__INIT();
	struct device_service *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->base = base;
	s->env = *env;
	s->workers = workers_new(MAX_WORKERS, MAX_QUEUE, WORKER_IDLE_MS);
	if (s->workers)
		return s;
	device_service_free(s);
	return NULL;
}

ProtobufCService *device_service_base(struct device_service *service)
{
	return &service->base.base;
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
	free(service);
}
