/* SPDX-License-Identifier: MIT */
/* A client of the SP wire that knows nothing of nng. */
#include "tests/rpc/nng/raw.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_BIT 0x80000000u

static void must(bool truth, const char *what)
{
	if (truth)
		return;
	perror(what);
	abort();
}

static bool is_ipc(const char *url)
{
	return strncmp(url, "ipc://", 6) == 0;
}

static int connect_to(const struct sockaddr *address, socklen_t len, unsigned seconds)
{
	const struct timeval timeout = {.tv_sec = seconds};
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* The time to send is also that to connect. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	/* A frame is sent in pieces. Over a Unix socket this fails and is not needed. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	/* A fuzzer's alarm interrupts; over a network the connection is then being made. */
	while (connect(fd, address, len) < 0 && errno != EISCONN) {
		if (errno != EINTR && errno != EALREADY) {
			close(fd);
			return -1;
		}
	}
	return fd;
}

int raw_try_connect(const char *url, unsigned seconds)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct sockaddr_in remote = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (!is_ipc(url)) {
		remote.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
		return connect_to((struct sockaddr *)&remote, sizeof(remote), seconds);
	}
	snprintf(local.sun_path, sizeof(local.sun_path), "%s", url + 6);
	return connect_to((struct sockaddr *)&local, sizeof(local), seconds);
}

int raw_connect(const char *url)
{
	int fd = raw_try_connect(url, 0);

	must(fd >= 0, url);
	return fd;
}

static void write_all(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static bool read_all(int fd, void *bytes, size_t len)
{
	char *p = bytes;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Shakes hands over a connection, which is closed where that fails. */
static int shake_hands(int fd)
{
	static const uint8_t ours[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
	static const uint8_t theirs[8] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
	uint8_t got[8];

	write_all(fd, ours, sizeof(ours));
	if (!read_all(fd, got, sizeof(got))) {
		close(fd);
		return -1;
	}
	must(memcmp(got, theirs, 8) == 0, "handshake");
	return fd;
}

int raw_open(const char *url)
{
	return shake_hands(raw_connect(url));
}

int raw_try_open(const char *url, unsigned seconds)
{
	int fd = raw_try_connect(url, seconds);

	return fd < 0 ? -1 : shake_hands(fd);
}

void raw_send(int fd, bool ipc, uint32_t id, const void *body, size_t len)
{
	uint64_t size = htobe64(len + 4);
	uint32_t tag = htonl(id | REQUEST_BIT);
	uint8_t kind = 1;

	if (ipc)
		write_all(fd, &kind, 1);
	write_all(fd, &size, sizeof(size));
	write_all(fd, &tag, sizeof(tag));
	write_all(fd, body, len);
}

struct rpc_bytes raw_receive(int fd, bool ipc, uint32_t id)
{
	struct rpc_bytes body = {0};
	uint64_t size;
	uint32_t tag;
	uint8_t kind;

	if ((ipc && !read_all(fd, &kind, 1)) || !read_all(fd, &size, sizeof(size)) ||
		!read_all(fd, &tag, sizeof(tag)))
		return body;
	must(ntohl(tag) == (id | REQUEST_BIT), "request id");
	body.len = be64toh(size) - 4;
	body.data = malloc(body.len + !body.len);
	must(read_all(fd, body.data, body.len), "reply");
	return body;
}

Rpc__V1__Response *raw_try_call(const char *url, const void *body, size_t len)
{
	Rpc__V1__Response *response = NULL;
	struct fault fault;
	struct rpc_bytes reply;
	int fd = raw_open(url);

	if (fd < 0)
		return NULL;
	raw_send(fd, is_ipc(url), 7, body, len);
	reply = raw_receive(fd, is_ipc(url), 7);
	close(fd);
	if (!reply.data)
		return NULL;
	must(rpc_envelope_decode_response(reply.data, reply.len, &response, &fault) == 0,
		fault.text);
	rpc_bytes_free(&reply);
	return response;
}

Rpc__V1__Response *raw_call(const char *url, const void *body, size_t len)
{
	Rpc__V1__Response *response = raw_try_call(url, body, len);

	must(response != NULL, "a reply");
	return response;
}

struct rpc_bytes raw_request(const char *method, const ProtobufCMessage *message,
	const char *request_id, uint32_t timeout_ms, const char *const metadata[2])
{
	Rpc__V1__Request request = RPC__V1__REQUEST__INIT;
	Rpc__V1__Request__MetadataEntry entry = RPC__V1__REQUEST__METADATA_ENTRY__INIT;
	Rpc__V1__Request__MetadataEntry *entries[] = {&entry};
	struct rpc_bytes payload = {0}, bytes = {0};

	if (message)
		must(rpc_bytes_pack(message, &payload) == 0, "memory");
	request.method = (char *)(uintptr_t)method;
	request.payload = (ProtobufCBinaryData){payload.len, payload.data};
	request.request_id = (char *)(uintptr_t)(request_id ? request_id : "");
	request.timeout_ms = timeout_ms;
	if (metadata) {
		entry.key = (char *)(uintptr_t)metadata[0];
		entry.value = (char *)(uintptr_t)metadata[1];
		request.metadata = entries;
		request.n_metadata = 1;
	}
	must(rpc_bytes_pack(&request.base, &bytes) == 0, "memory");
	rpc_bytes_free(&payload);
	return bytes;
}
