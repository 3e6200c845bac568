/* SPDX-License-Identifier: MIT */
/* A daemon of canned answers behind a real RPC server. */
#include "tests/vfioctl/canned.h"

#include "rest/transcode.h"
#include "rpc/nng/server.h"
#include "rpc/service/health.h"
#include "vfio/v1/device_service.pb-c.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define GOOD "0000:01:00.0"
#define ABSENT "0000:02:00.0"
#define HELD "0000:03:00.0"
#define SILENT "0000:04:00.0"
#define HOSTILE "caf\xc3\xa9 \033[2J"

/* A literal that protobuf-c's structs take: they hold char *, and outlive a block. */
#define TEXT(literal)                                                                              \
	({                                                                                         \
		static char text_[] = literal;                                                     \
		text_;                                                                             \
	})

enum { PAGE = 1000, ADDRESS_SIZE = 16 };

struct canned {
	Vfio__V1__DeviceService_Service service; /* first: what its methods get */
	char folder[32];
	char url[80];
	ProtobufCService *health;
	ProtobufCService *services[3];
	struct rpc_server *server;
	atomic_bool ready;
	atomic_bool may_change;
	struct rpc_rights rights;
	atomic_uint devices;

	pthread_mutex_t lock;
	struct rest_json request;
	char *request_shown; /* a copy, which no thread of the server writes to */
	/* The one call that is not answered before the end. */
	struct rpc_call *pending;
	ProtobufCClosure pending_done;
};

static void record(struct canned *canned, const void *request)
{
	pthread_mutex_lock(&canned->lock);
	rest_json_reset(&canned->request);
	rest_transcode_write(&canned->request, request);
	rest_json_raw(&canned->request, "", 1);
	pthread_mutex_unlock(&canned->lock);
}

static void fail_absent(struct rpc_call *call)
{
	Vfio__V1__DeviceProblem problem = VFIO__V1__DEVICE_PROBLEM__INIT;

	problem.pci_address = TEXT(ABSENT);
	problem.reason = TEXT("DEVICE_NOT_FOUND");
	problem.message = TEXT("PCI device not found: " ABSENT);
	problem.action = TEXT("look at what there is");
	rpc_call_fail(call, RPC_NOT_FOUND, "%s", problem.message);
	rpc_status_add_detail(call->status, &problem.base);
}

static void fail_held(struct rpc_call *call)
{
	Vfio__V1__DeviceProblem problem = VFIO__V1__DEVICE_PROBLEM__INIT;
	Vfio__V1__Holder holder = VFIO__V1__HOLDER__INIT;
	Vfio__V1__Holder *holders[] = {&holder};

	holder.pid = 812;
	holder.command = TEXT("qemu\nroot");
	holder.what = TEXT("/dev/vfio/1");
	problem.pci_address = TEXT(HELD);
	problem.reason = TEXT("VFIO_IN_USE");
	problem.message = TEXT("a process has it open");
	problem.action = TEXT("end the process");
	problem.n_holders = 1;
	problem.holders = holders;
	rpc_call_fail(call, RPC_FAILED_PRECONDITION, "one device cannot be changed");
	rpc_status_add_detail(call->status, &problem.base);
}

static void fill_device(Vfio__V1__Device *device, char *address, char *group)
{
	vfio__v1__device__init(device);
	device->address = address;
	device->vendor = TEXT("10de");
	device->device = TEXT("2204");
	device->class_ = TEXT("030000");
	device->numa_node = TEXT("0");
	device->iommu_group = group;
	device->state = VFIO__V1__DEVICE__STATE__HOST;
}

/* A page of many devices. Their groups are in another order than their addresses. */
static void list_many(
	unsigned count, unsigned at, Vfio__V1__ListDevicesResponse_Closure done, void *closure_data)
{
	Vfio__V1__ListDevicesResponse response = VFIO__V1__LIST_DEVICES_RESPONSE__INIT;
	static _Thread_local Vfio__V1__Device devices[PAGE], *pointers[PAGE];
	static _Thread_local char addresses[PAGE][ADDRESS_SIZE], groups[PAGE][ADDRESS_SIZE];
	char token[16];

	for (; response.n_devices < PAGE && at < count; at++) {
		size_t i = response.n_devices++;

		snprintf(addresses[i], ADDRESS_SIZE, "%04x:00:00.0", at & 0xffff);
		snprintf(groups[i], ADDRESS_SIZE, "%u", count - 1 - at);
		fill_device(&devices[i], addresses[i], groups[i]);
		pointers[i] = &devices[i];
	}
	snprintf(token, sizeof(token), "%u", at);
	response.devices = pointers;
	if (at < count)
		response.next_page_token = token;
	done(&response, closure_data);
}

static void list_few(Vfio__V1__ListDevicesResponse_Closure done, void *closure_data)
{
	Vfio__V1__ListDevicesResponse response = VFIO__V1__LIST_DEVICES_RESPONSE__INIT;
	Vfio__V1__Device good, held, *devices[] = {&good, &held};

	fill_device(&good, TEXT(GOOD), TEXT("10"));
	good.driver = TEXT("nvidia");
	good.class_name = TEXT("VGA");
	good.vendor_name = TEXT("NVIDIA");
	good.device_name = TEXT(HOSTILE);
	fill_device(&held, TEXT(HELD), TEXT("9"));
	response.n_devices = 2;
	response.devices = devices;
	done(&response, closure_data);
}

static void canned_list_devices(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__ListDevicesRequest *request, Vfio__V1__ListDevicesResponse_Closure done,
	void *closure_data)
{
	struct canned *canned = (struct canned *)service;
	unsigned count = atomic_load(&canned->devices);

	if (!request->page_token[0])
		record(canned, request);
	if (count > 0)
		list_many(count, (unsigned)strtoul(request->page_token, NULL, 10), done,
			closure_data);
	else
		list_few(done, closure_data);
}

static void canned_get_device_info(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__GetDeviceInfoRequest *request, Vfio__V1__Device_Closure done,
	void *closure_data)
{
	struct canned *canned = (struct canned *)service;
	Vfio__V1__Region region = VFIO__V1__REGION__INIT, *regions[] = {&region};
	char *resets[] = {TEXT("flr"), TEXT("bus")};
	Vfio__V1__Device device;

	record(canned, request);
	if (strcmp(request->pci_address, ABSENT) == 0) {
		fail_absent(closure_data);
		done(NULL, closure_data);
		return;
	}
	if (strcmp(request->pci_address, SILENT) == 0) {
		canned->pending = closure_data;
		canned->pending_done = (ProtobufCClosure)(void (*)(void))done;
		return;
	}
	fill_device(&device, TEXT(GOOD), TEXT("10"));
	device.device_name = TEXT(HOSTILE);
	device.n_reset_methods = 2;
	device.reset_methods = resets;
	region.size = 16 << 20;
	region.type = TEXT("memory");
	device.n_regions = 1;
	device.regions = regions;
	done(&device, closure_data);
}

static void canned_validate_devices(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__ValidateDevicesRequest *request,
	Vfio__V1__ValidateDevicesResponse_Closure done, void *closure_data)
{
	Vfio__V1__ValidateDevicesResponse response = VFIO__V1__VALIDATE_DEVICES_RESPONSE__INIT;
	Vfio__V1__DeviceProblem problem = VFIO__V1__DEVICE_PROBLEM__INIT, *problems[] = {&problem};

	record((struct canned *)service, request);
	response.valid = strcmp(request->pci_addresses[0], GOOD) == 0;
	response.message = TEXT("All devices are valid and available for passthrough");
	if (!response.valid) {
		problem.pci_address = TEXT(HELD);
		problem.reason = TEXT("VFIO_IN_USE");
		problem.message = response.message = TEXT("a process has it open");
		response.n_problems = 1;
		response.problems = problems;
	}
	done(&response, closure_data);
}

/* The group of each address: the one that list_many or list_few gives it. */
static void canned_check_iommu_groups(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__CheckIommuGroupsRequest *request,
	Vfio__V1__CheckIommuGroupsResponse_Closure done, void *closure_data)
{
	static _Thread_local Vfio__V1__IommuGroup groups[1024], *pointers[1024];
	static _Thread_local char ids[1024][ADDRESS_SIZE];
	Vfio__V1__CheckIommuGroupsResponse response = VFIO__V1__CHECK_IOMMU_GROUPS_RESPONSE__INIT;
	struct canned *canned = (struct canned *)service;
	Vfio__V1__Blocker blocker = VFIO__V1__BLOCKER__INIT, *blockers[] = {&blocker};
	unsigned count = atomic_load(&canned->devices);

	record(canned, request);
	blocker.address = TEXT(HELD);
	blocker.driver = TEXT("nvidia");
	blocker.reason = TEXT("the driver is not a VFIO driver");
	if (request->n_pci_addresses > 1024) {
		rpc_call_fail(closure_data, RPC_INVALID_ARGUMENT, "too many addresses");
		done(NULL, closure_data);
		return;
	}
	for (size_t i = 0; i < request->n_pci_addresses; i++) {
		unsigned domain = (unsigned)strtoul(request->pci_addresses[i], NULL, 16);

		vfio__v1__iommu_group__init(&groups[i]);
		snprintf(ids[i], ADDRESS_SIZE, "%u",
			count					       ? count - 1 - domain
			: strcmp(request->pci_addresses[i], HELD) == 0 ? 9
								       : 10);
		groups[i].id = ids[i];
		groups[i].n_devices = 1;
		groups[i].devices = &request->pci_addresses[i];
		groups[i].viable = strcmp(request->pci_addresses[i], HELD) != 0;
		groups[i].n_blockers = !groups[i].viable;
		groups[i].blockers = blockers;
		pointers[i] = &groups[i];
	}
	response.n_groups = request->n_pci_addresses;
	response.groups = pointers;
	done(&response, closure_data);
}

static void canned_bind_devices(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__BindDevicesRequest *request, Vfio__V1__BindDevicesResponse_Closure done,
	void *closure_data)
{
	Vfio__V1__BindDevicesResponse response = VFIO__V1__BIND_DEVICES_RESPONSE__INIT;
	Vfio__V1__DeviceChange change = VFIO__V1__DEVICE_CHANGE__INIT, *changes[] = {&change};
	Vfio__V1__Blocker blocker = VFIO__V1__BLOCKER__INIT, *blockers[] = {&blocker};
	Vfio__V1__IommuGroup group = VFIO__V1__IOMMU_GROUP__INIT, *groups[] = {&group};
	Vfio__V1__PlanStep step = VFIO__V1__PLAN_STEP__INIT, *steps[] = {&step};

	record((struct canned *)service, request);
	if (strcmp(request->pci_addresses[0], HELD) == 0) {
		fail_held(closure_data);
		done(NULL, closure_data);
		return;
	}
	change.address = step.address = TEXT(GOOD);
	change.driver = TEXT("vfio-pci");
	change.original_driver = step.driver = TEXT("nvidia");
	step.action = TEXT("unbind");
	blocker.address = TEXT("0000:01:00.1");
	blocker.driver = TEXT("snd_hda_intel");
	blocker.reason = TEXT("the driver is not a VFIO driver");
	group.id = TEXT("10");
	group.n_blockers = 1;
	group.blockers = blockers;
	response.success = true;
	response.message = TEXT("Devices successfully bound to vfio-pci driver");
	response.n_devices = response.n_groups = 1;
	response.devices = changes;
	response.groups = groups;
	response.n_steps = request->dry_run ? 1 : 0;
	response.steps = steps;
	done(&response, closure_data);
}

static void canned_unbind_devices(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__UnbindDevicesRequest *request, Vfio__V1__UnbindDevicesResponse_Closure done,
	void *closure_data)
{
	Vfio__V1__UnbindDevicesResponse response = VFIO__V1__UNBIND_DEVICES_RESPONSE__INIT;
	Vfio__V1__DeviceChange change = VFIO__V1__DEVICE_CHANGE__INIT, *changes[] = {&change};

	record((struct canned *)service, request);
	change.address = TEXT(GOOD);
	change.driver = change.original_driver = TEXT("nvidia");
	response.success = true;
	response.message = TEXT("Devices successfully unbound from vfio-pci driver");
	response.n_devices = 1;
	response.devices = changes;
	done(&response, closure_data);
}

static void canned_get_group_paths(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__GetGroupPathsRequest *request, Vfio__V1__GetGroupPathsResponse_Closure done,
	void *closure_data)
{
	Vfio__V1__GetGroupPathsResponse response = VFIO__V1__GET_GROUP_PATHS_RESPONSE__INIT;
	Vfio__V1__DevicePaths paths = VFIO__V1__DEVICE_PATHS__INIT, *devices[] = {&paths};
	char *group_paths[] = {TEXT("/dev/vfio/10")};

	record((struct canned *)service, request);
	paths.address = TEXT(GOOD);
	paths.group_path = group_paths[0];
	paths.sysfs_path = TEXT("/sys/bus/pci/devices/" GOOD);
	response.n_group_paths = response.n_devices = 1;
	response.group_paths = group_paths;
	response.devices = devices;
	done(&response, closure_data);
}

static void canned_get_host(Vfio__V1__DeviceService_Service *service,
	const Vfio__V1__GetHostRequest *request, Vfio__V1__Host_Closure done, void *closure_data)
{
	struct canned *canned = (struct canned *)service;
	Vfio__V1__HostCheck pass = VFIO__V1__HOST_CHECK__INIT, fail = pass,
			    *checks[] = {&pass, &fail};
	Vfio__V1__Host host = VFIO__V1__HOST__INIT;

	record(canned, request);
	pass.name = TEXT("iommu");
	pass.verdict = VFIO__V1__HOST_CHECK__VERDICT__PASS;
	pass.message = TEXT("12 IOMMU groups");
	fail.name = TEXT("vfio_pci");
	fail.verdict = VFIO__V1__HOST_CHECK__VERDICT__FAIL;
	fail.message = TEXT("the module is not there");
	fail.action = TEXT("install it");
	host.ready = atomic_load(&canned->ready);
	host.kernel = TEXT("6.1.0");
	host.version = TEXT("9.9.9");
	host.iommu_groups = 12;
	host.devices = 20;
	host.n_checks = host.ready ? 1 : 2;
	host.checks = checks;
	done(&host, closure_data);
}

static void ask_may_change(void *arg, uid_t uid, gid_t gid, rpc_rights_done done, void *done_arg)
{
	struct canned *canned = arg;

	(void)uid, (void)gid;
	done(done_arg, atomic_load(&canned->may_change) ? RPC_RIGHTS_YES : RPC_RIGHTS_NO);
}

struct canned *canned_start(void)
{
	static const Vfio__V1__DeviceService_Service service =
		VFIO__V1__DEVICE_SERVICE__INIT(canned_);
	struct canned *canned = calloc(1, sizeof(*canned));
	struct rpc_server_config config = {.rights = &canned->rights};
	struct fault fault = {""};

	assert_non_null(canned);
	canned->service = service;
	canned->rights = (struct rpc_rights){ask_may_change, canned};
	strcpy(canned->folder, "/tmp/vfioctl-XXXXXX");
	assert_non_null(mkdtemp(canned->folder));
	snprintf(canned->url, sizeof(canned->url), "ipc://%s/rpc.sock", canned->folder);
	pthread_mutex_init(&canned->lock, NULL);
	atomic_init(&canned->ready, true);
	atomic_init(&canned->may_change, true);
	atomic_init(&canned->devices, 0);
	canned->services[0] = &canned->service.base;
	canned->health = rpc_health_new(canned->services);
	canned->services[1] = canned->health;
	config.urls = canned->url;
	config.services = canned->services;
	if (rpc_server_start(&config, &canned->server, &fault) < 0)
		fail_msg("%s", fault.text);
	return canned;
}

const char *canned_url(const struct canned *canned)
{
	return canned->url;
}

void canned_set_ready(struct canned *canned, bool ready)
{
	atomic_store(&canned->ready, ready);
}

void canned_set_serving(struct canned *canned, bool serving)
{
	rpc_health_set(canned->health, serving);
}

void canned_set_may_change(struct canned *canned, bool may_change)
{
	atomic_store(&canned->may_change, may_change);
}

void canned_set_devices(struct canned *canned, unsigned count)
{
	atomic_store(&canned->devices, count);
}

const char *canned_last_request(struct canned *canned)
{
	free(canned->request_shown);
	pthread_mutex_lock(&canned->lock);
	canned->request_shown = strdup(canned->request.data ? canned->request.data : "");
	pthread_mutex_unlock(&canned->lock);
	assert_non_null(canned->request_shown);
	return canned->request_shown;
}

void canned_stop(struct canned *canned)
{
	rpc_server_stop(canned->server, 0);
	if (canned->pending)
		canned->pending_done(NULL, canned->pending);
	rpc_server_free(canned->server);
	rpc_health_free(canned->health);
	rest_json_clear(&canned->request);
	free(canned->request_shown);
	pthread_mutex_destroy(&canned->lock);
	rmdir(canned->folder);
	free(canned);
}
