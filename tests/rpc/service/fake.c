/* SPDX-License-Identifier: MIT */
/* A DeviceService without devices, whose calls end when the test says so. */
#include "tests/rpc/service/fake.h"

#include "vfio/v1/problem.pb-c.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD_MAX 256
#define BIG_SIZE (4 * 1024 * 1024)
#define LARGE_SIZE (512 * 1024) /* more than a socket takes that nobody reads */

struct held {
	struct rpc_call *call;
	ProtobufCClosure done;
	unsigned run;
};

struct fake {
	ProtobufCService service;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned runs;
	struct held held[HELD_MAX];
	unsigned held_count;
};

static const char *first_address(const ProtobufCMessage *request)
{
	if (request->descriptor == &vfio__v1__get_device_info_request__descriptor)
		return ((const Vfio__V1__GetDeviceInfoRequest *)request)->pci_address;
	if (request->descriptor == &vfio__v1__bind_devices_request__descriptor) {
		const Vfio__V1__BindDevicesRequest *bind = (const void *)request;

		return bind->n_pci_addresses > 0 ? bind->pci_addresses[0] : "";
	}
	return "";
}

static void answer_device(struct rpc_call *call, ProtobufCClosure done, unsigned run, char *name)
{
	Vfio__V1__Device device = VFIO__V1__DEVICE__INIT;
	char count[16];

	snprintf(count, sizeof(count), "%u", run);
	device.class_name = count;
	device.address = name;
	device.driver = call->peer.text;
	done(&device.base, call);
}

static void answer_bind(struct rpc_call *call, ProtobufCClosure done, unsigned run)
{
	Vfio__V1__BindDevicesResponse response = VFIO__V1__BIND_DEVICES_RESPONSE__INIT;
	char count[16];

	snprintf(count, sizeof(count), "%u", run);
	response.success = true;
	response.message = count;
	done(&response.base, call);
}

static void succeed(struct rpc_call *call, ProtobufCClosure done, unsigned run)
{
	static char name[] = "0000:01:00.0";

	if (call->method->changes)
		answer_bind(call, done, run);
	else
		answer_device(call, done, run, name);
}

static void answer_missing(struct rpc_call *call, ProtobufCClosure done)
{
	static char address[] = "0000:01:00.0", reason[] = "DEVICE_NOT_FOUND";
	Vfio__V1__DeviceProblem problem = VFIO__V1__DEVICE_PROBLEM__INIT;

	problem.pci_address = address;
	problem.reason = reason;
	rpc_call_fail(call, RPC_NOT_FOUND, "PCI device not found: 0000:01:00.0");
	rpc_status_add_detail(call->status, &problem.base);
	done(NULL, call);
}

static void answer_long(struct rpc_call *call, ProtobufCClosure done, unsigned run, size_t len)
{
	char *name = malloc(len + 1);

	memset(name, 'x', len);
	name[len] = '\0';
	answer_device(call, done, run, name);
	free(name);
}

static void fake_invoke(ProtobufCService *service, unsigned method_index,
	const ProtobufCMessage *request, ProtobufCClosure done, void *closure_data)
{
	struct fake *fake = (struct fake *)service;
	struct rpc_call *call = closure_data;
	const char *address = first_address(request);
	unsigned run;

	(void)method_index;
	pthread_mutex_lock(&fake->lock);
	run = ++fake->runs;
	if (strcmp(address, "hold") == 0) {
		fake->held[fake->held_count++] = (struct held){call, done, run};
		pthread_cond_broadcast(&fake->changed);
		pthread_mutex_unlock(&fake->lock);
		return;
	}
	pthread_mutex_unlock(&fake->lock);
	if (strcmp(address, "missing") == 0)
		answer_missing(call, done);
	else if (strcmp(address, "big") == 0)
		answer_long(call, done, run, BIG_SIZE);
	else if (strcmp(address, "large") == 0)
		answer_long(call, done, run, LARGE_SIZE);
	else
		succeed(call, done, run);
}

static void fake_destroy(ProtobufCService *service)
{
	(void)service;
}

struct fake *fake_new(void)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	fake->service = (ProtobufCService){
		&vfio__v1__device_service__descriptor, fake_invoke, fake_destroy};
	pthread_mutex_init(&fake->lock, NULL);
	pthread_cond_init(&fake->changed, NULL);
	return fake;
}

void fake_free(struct fake *fake)
{
	pthread_cond_destroy(&fake->changed);
	pthread_mutex_destroy(&fake->lock);
	free(fake);
}

ProtobufCService *fake_service(struct fake *fake)
{
	return &fake->service;
}

unsigned fake_runs(struct fake *fake)
{
	unsigned runs;

	pthread_mutex_lock(&fake->lock);
	runs = fake->runs;
	pthread_mutex_unlock(&fake->lock);
	return runs;
}

void fake_wait_held(struct fake *fake, unsigned n)
{
	pthread_mutex_lock(&fake->lock);
	while (fake->held_count < n)
		pthread_cond_wait(&fake->changed, &fake->lock);
	pthread_mutex_unlock(&fake->lock);
}

void fake_finish(struct fake *fake)
{
	struct held held[HELD_MAX];
	unsigned count;

	pthread_mutex_lock(&fake->lock);
	count = fake->held_count;
	memcpy(held, fake->held, count * sizeof(held[0]));
	fake->held_count = 0;
	pthread_mutex_unlock(&fake->lock);
	for (unsigned i = 0; i < count; i++)
		succeed(held[i].call, held[i].done, held[i].run);
}
