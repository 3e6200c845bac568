/* SPDX-License-Identifier: MIT */
/*
 * Hostile bytes below the envelope: a connection to a real server, which greets or not, sends
 * frames and what is none in pieces as the input says, reads or not, and ends. Whatever came: the
 * server answers one who was there before and, now and then, one who comes; and the connections
 * that ended leave no descriptor behind.
 */
#include "core/base/clock.h"
#include "tests/rpc/nng/host.h"
#include "tests/rpc/nng/raw.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum {
	ANSWERED_S = 20,
	REAPED_MS = 20000,
	NOW_AND_THEN = 64, /* runs */
	STEPS_MAX = 64,
};

enum step { STEP_RAW, STEP_FRAME, STEP_HEALTH, STEP_INFO, STEP_READ, STEP_HALF, STEP_DEAF, STEPS };

/* What is left of the input. */
struct input {
	const uint8_t *bytes;
	size_t len;
};

static struct host *host;
static int kept = -1;
static struct rpc_bytes health, large;
static unsigned sockets;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_framing: %s\n", what);
	abort();
}

static unsigned take(struct input *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->bytes++;
}

static const uint8_t *take_bytes(struct input *in, size_t wanted, size_t *ret_len)
{
	const uint8_t *bytes = in->bytes;

	*ret_len = wanted < in->len ? wanted : in->len;
	in->bytes += *ret_len;
	in->len -= *ret_len;
	return bytes;
}

/* Sockets alone: the fuzzer itself opens files. */
static unsigned count_sockets(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned count = 0;
	struct stat found;

	must(dir, "/proc/self/fd");
	while ((entry = readdir(dir)))
		count += fstatat(dirfd(dir), entry->d_name, &found, 0) == 0 &&
			 S_ISSOCK(found.st_mode);
	closedir(dir);
	return count;
}

static void ask(int fd)
{
	struct rpc_bytes reply;

	raw_send(fd, true, 1, health.data, health.len);
	reply = raw_receive(fd, true, 1);
	must(reply.data, "a good client is not answered");
	rpc_bytes_free(&reply);
}

static void set_up(void)
{
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;
	static char address[] = "large";

	host = host_start(NULL);
	health = raw_request("rpc.v1.Health/Check", NULL, "", 0, NULL);
	info.pci_address = address;
	large = raw_request("vfio.v1.DeviceService/GetDeviceInfo", &info.base, "", 0, NULL);
	kept = raw_try_open(host->ipc, ANSWERED_S);
	must(kept >= 0, "the server does not serve");
	ask(kept);
	sockets = count_sockets();
}

static void say(int fd, const void *bytes, size_t len)
{
	(void)!send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Bytes of the input in a frame whose length is theirs. */
static void say_frame(int fd, struct input *in)
{
	uint8_t frame[9 + 255] = {1};
	size_t len;
	const uint8_t *body = take_bytes(in, take(in), &len);

	frame[8] = (uint8_t)len;
	if (len > 0)
		memcpy(frame + 9, body, len);
	say(fd, frame, 9 + len);
}

static void step(int fd, unsigned which, struct input *in)
{
	static char some[65536];
	const uint8_t *raw;
	size_t len;

	switch (which % STEPS) {
	case STEP_RAW:
		raw = take_bytes(in, 1 + which / STEPS, &len);
		say(fd, raw, len);
		break;
	case STEP_FRAME:
		say_frame(fd, in);
		break;
	case STEP_HEALTH:
		raw_send(fd, true, which, health.data, health.len);
		break;
	case STEP_INFO:
		raw_send(fd, true, which, large.data, large.len);
		break;
	case STEP_READ:
		poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 1);
		(void)!recv(fd, some, sizeof(some), MSG_DONTWAIT);
		break;
	case STEP_HALF:
		shutdown(fd, SHUT_WR);
		break;
	default:
		shutdown(fd, SHUT_RD);
	}
}

static void check_newcomer(void)
{
	int64_t until_ns = now_ns() + REAPED_MS * NS_PER_MS;
	int fd = raw_try_open(host->ipc, ANSWERED_S);

	must(fd >= 0, "nobody new is greeted");
	ask(fd);
	close(fd);
	while (count_sockets() > sockets) {
		must(now_ns() < until_ns, "descriptors are left over");
		poll(NULL, 0, 1); /* nobody tells */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static unsigned runs;
	struct input in = {bytes, len};
	int fd;

	if (!host)
		set_up();
	fd = take(&in) % 4 == 0 ? raw_try_connect(host->ipc, ANSWERED_S)
				: raw_try_open(host->ipc, ANSWERED_S);
	must(fd >= 0, "nobody new is let in");
	for (unsigned i = 0; i < STEPS_MAX && in.len > 0; i++)
		step(fd, take(&in), &in);
	close(fd);
	ask(kept);
	if (++runs % NOW_AND_THEN == 0)
		check_newcomer();
	return 0;
}
