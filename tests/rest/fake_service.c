/* SPDX-License-Identifier: MIT */
/* Canned answers, at once, from elsewhere, or late. */
#include "fake_service.h"

#include "rpc/service/call.h"
#include "vfio/v1/device_service.pb-c.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_job {
	Vfio__V1__Device_Closure done;
	struct rpc_call *call;
	char *address;
	bool held;
};

static atomic_uint fake_calls;
static sem_t fake_entered, fake_go, fake_gone;

static void fake_fail(Vfio__V1__Device_Closure done, struct rpc_call *call, const char *address)
{
	Vfio__V1__DeviceProblem problem = VFIO__V1__DEVICE_PROBLEM__INIT;
	Vfio__V1__Holder unknown = VFIO__V1__HOLDER__INIT;

	if (strcmp(address, "silent") != 0) {
		rpc_call_fail(call, RPC_NOT_FOUND, "PCI device not found: %s", address);
		problem.pci_address = (char *)address;
		problem.reason = (char *)"DEVICE_NOT_FOUND";
		rpc_status_add_detail(
			call->status, strcmp(address, "mute") == 0 ? &unknown.base : &problem.base);
	}
	done(NULL, call);
}

static void fake_answer(Vfio__V1__Device_Closure done, struct rpc_call *call, const char *address)
{
	Vfio__V1__Device device = VFIO__V1__DEVICE__INIT;
	char *big = NULL, count[16];

	snprintf(count, sizeof(count), "%u", atomic_fetch_add(&fake_calls, 1));
	if (!strcmp(address, "missing") || !strcmp(address, "silent") || !strcmp(address, "mute")) {
		fake_fail(done, call, address);
		return;
	}
	device.address = (char *)address;
	if (strcmp(address, "peer") == 0)
		device.driver = call->peer.text;
	if (strcmp(address, "count") == 0)
		device.driver = count;
	if (strcmp(address, "big") == 0) {
		big = malloc((1 << 20) + 1);
		memset(big, 'x', 1 << 20);
		big[1 << 20] = '\0';
		device.driver = big;
	}
	done(&device, call);
	free(big);
}

static void fake_hold(void)
{
	sem_post(&fake_entered);
	sem_wait(&fake_go);
}

static void *fake_run(void *data)
{
	struct fake_job *job = data;
	bool held = job->held;

	if (held)
		fake_hold();
	fake_answer(job->done, job->call, job->address);
	free(job->address);
	free(job);
	if (held)
		sem_post(&fake_gone);
	return NULL;
}

static void fake_get_device_info(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__GetDeviceInfoRequest *request, Vfio__V1__Device_Closure done, void *data)
{
	struct fake_job *job;
	pthread_t thread;

	(void)service;
	if (strcmp(request->pci_address, "stall") == 0) {
		fake_hold();
		fake_answer(done, data, request->pci_address);
		sem_post(&fake_gone);
		return;
	}
	if (strcmp(request->pci_address, "thread") != 0 &&
		strcmp(request->pci_address, "held") != 0) {
		fake_answer(done, data, request->pci_address);
		return;
	}
	job = malloc(sizeof(*job));
	job->done = done;
	job->call = data;
	job->address = strdup(request->pci_address);
	job->held = strcmp(request->pci_address, "held") == 0;
	pthread_create(&thread, NULL, fake_run, job);
	pthread_detach(thread);
}

static void fake_list_devices(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__ListDevicesRequest *request, Vfio__V1__ListDevicesResponse_Closure done,
	void *data)
{
	Vfio__V1__ListDevicesResponse response = VFIO__V1__LIST_DEVICES_RESPONSE__INIT;

	(void)service;
	response.next_page_token = request->driver;
	done(&response, data);
}

static void fake_validate_devices(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__ValidateDevicesRequest *request,
	Vfio__V1__ValidateDevicesResponse_Closure done, void *data)
{
	Vfio__V1__ValidateDevicesResponse response = VFIO__V1__VALIDATE_DEVICES_RESPONSE__INIT;

	(void)service;
	response.valid = request->n_pci_addresses > 0;
	done(&response, data);
}

static void fake_check_iommu_groups(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__CheckIommuGroupsRequest *request,
	Vfio__V1__CheckIommuGroupsResponse_Closure done, void *data)
{
	Vfio__V1__CheckIommuGroupsResponse response = VFIO__V1__CHECK_IOMMU_GROUPS_RESPONSE__INIT;
	Vfio__V1__IommuGroup group = VFIO__V1__IOMMU_GROUP__INIT, *groups[] = {&group};

	(void)service;
	group.id = (char *)"1";
	group.devices = request->pci_addresses;
	group.n_devices = request->n_pci_addresses;
	response.groups = groups;
	response.n_groups = 1;
	done(&response, data);
}

static void fake_bind_devices(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__BindDevicesRequest *request, Vfio__V1__BindDevicesResponse_Closure done,
	void *data)
{
	Vfio__V1__BindDevicesResponse response = VFIO__V1__BIND_DEVICES_RESPONSE__INIT;

	(void)service;
	response.success = true;
	response.bound_devices = request->pci_addresses;
	response.n_bound_devices = request->n_pci_addresses;
	done(&response, data);
}

static void fake_unbind_devices(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__UnbindDevicesRequest *request, Vfio__V1__UnbindDevicesResponse_Closure done,
	void *data)
{
	(void)service;
	(void)request;
	rpc_call_fail(data, RPC_ABORTED, "the kernel refused");
	done(NULL, data);
}

static void fake_get_group_paths(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__GetGroupPathsRequest *request, Vfio__V1__GetGroupPathsResponse_Closure done,
	void *data)
{
	(void)service;
	(void)request;
	rpc_call_fail(data, RPC_UNAVAILABLE, "the hand is gone");
	done(NULL, data);
}

static void fake_get_host(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__GetHostRequest *request, Vfio__V1__Host_Closure done, void *data)
{
	Vfio__V1__Host host = VFIO__V1__HOST__INIT;

	(void)service;
	(void)request;
	host.ready = true;
	done(&host, data);
}

ProtobufCService *fake_service(void)
{
	static Vfio__V1__DeviceService_Service service = VFIO__V1__DEVICE_SERVICE__INIT(fake_);
	static bool ready;

	if (!ready) {
		sem_init(&fake_entered, 0, 0);
		sem_init(&fake_go, 0, 0);
		sem_init(&fake_gone, 0, 0);
		ready = true;
	}
	return &service.base;
}

void fake_wait_held(void)
{
	sem_wait(&fake_entered);
}

void fake_release(void)
{
	sem_post(&fake_go);
	sem_wait(&fake_gone);
}
