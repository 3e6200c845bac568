/* SPDX-License-Identifier: MIT */
/* Questions and expected answers. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "tests/rpc/nng/ask.h"

#include <dirent.h>
#include <poll.h>
#include <unistd.h>

enum { REAPED_MS = 60000 };

int ask_setup(void **state)
{
	*state = host_start(NULL);
	return 0;
}

int ask_setup_with_key(void **state)
{
	*state = host_start("secret");
	return 0;
}

int ask_teardown(void **state)
{
	host_stop(*state);
	return 0;
}

struct rpc_bytes ask_info(const char *address, const char *id, uint32_t timeout_ms)
{
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;

	info.pci_address = (char *)(uintptr_t)address;
	return raw_request("vfio.v1.DeviceService/GetDeviceInfo", &info.base, id, timeout_ms, NULL);
}

int ask_code(const Rpc__V1__Response *response)
{
	return response->status ? response->status->code : RPC_OK;
}

void ask_expect(const char *url, struct rpc_bytes bytes, int code)
{
	Rpc__V1__Response *response = raw_call(url, bytes.data, bytes.len);

	if (ask_code(response) != code)
		fail_msg("%s instead of %s: %s", rpc_code_name(ask_code(response)),
			rpc_code_name(code), response->status ? response->status->message : "");
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&bytes);
}

unsigned ask_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

void ask_expect_fds(unsigned most)
{
	int64_t until_ns = now_ns() + REAPED_MS * NS_PER_MS;

	while (ask_fds() > most) {
		if (now_ns() > until_ns)
			fail_msg("%u descriptors instead of %u", ask_fds(), most);
		poll(NULL, 0, 10); /* nobody tells */
	}
}
