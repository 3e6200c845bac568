/* SPDX-License-Identifier: MIT */
/* Opens an ipc:// listener whose socket has its owner and mode from the start. */
#include "rpc/nng/ipc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HANDSHAKE_MS = 200 };

struct rpc_ipc {
	char path[96];
	nng_listener listener;
};

/* Whether someone listens at the path. Waits for its half of the handshake, so as not to be a
 * client that leaves in the middle of it. */
static bool is_served(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd server = {.fd = fd, .events = POLLIN};
	bool served;

	if (fd < 0)
		return false;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	served = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	if (served)
		poll(&server, 1, HANDSHAKE_MS);
	else
		served = errno == EAGAIN; /* so many wait that there is no room for one more */
	close(fd);
	return served;
}

/* A path that holds something other than a socket must not be replaced. */
static int check_place(const char *path, struct fault *fault)
{
	struct stat found;

	if (lstat(path, &found) < 0)
		return 0;
	if (!S_ISSOCK(found.st_mode))
		return fault_set(fault, -EEXIST,
			"cannot listen at %s: there is something else than a socket", path);
	if (is_served(path))
		return fault_set(fault, -EADDRINUSE,
			"cannot listen at %s: another process does already", path);
	return 0;
}

static int listen_beside(const struct rpc_ipc_config *config, const char *beside,
	nng_listener *ret_listener, struct fault *fault)
{
	nng_listener listener;
	char url[128];
	int r;

	snprintf(url, sizeof(url), "ipc://%s", beside);
	unlink(beside); /* a leftover of a process that died between bind and rename */
	r = nng_listener_create(&listener, config->socket, url);
	if (r != 0)
		return fault_set(
			fault, -ENOMEM, "cannot listen at %s: %s", config->path, nng_strerror(r));
	nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, S_IRUSR | S_IWUSR);
	r = rpc_connections_listen(config->connections, listener, false, true);
	if (r != 0) {
		nng_listener_close(listener);
		return fault_set(fault, -EIO,
			"cannot listen at %s: %s; is its folder there, and ours to write?",
			config->path, nng_strerror(r));
	}
	*ret_listener = listener;
	return 0;
}

/* Hands the socket over to those it is for and moves it to its place. */
static int ipc_publish(const struct rpc_ipc_config *config, const char *beside, struct fault *fault)
{
	if (config->gid != (gid_t)-1 && chown(beside, (uid_t)-1, config->gid) < 0)
		return fault_set(fault, -errno,
			"cannot give %s to group %u: %s (its folder must be of that group, and setgid: `chmod g+s`)",
			config->path, config->gid, strerror(errno));
	if (chmod(beside, config->mode) < 0 || rename(beside, config->path) < 0)
		return fault_set(fault, -errno, "cannot put a socket at %s: %s", config->path,
			strerror(errno));
	return 0;
}

static int open_listener(
	const struct rpc_ipc_config *config, nng_listener *ret_listener, struct fault *fault)
{
	char beside[108];
	int r;

	snprintf(beside, sizeof(beside), "%s.1", config->path);
	r = listen_beside(config, beside, ret_listener, fault);
	if (r < 0)
		return r;
	r = ipc_publish(config, beside, fault);
	if (r < 0)
		nng_listener_close(*ret_listener);
	return r;
}

int rpc_ipc_open(const struct rpc_ipc_config *config, struct rpc_ipc **ret_ipc, struct fault *fault)
{
	struct rpc_ipc *ipc = calloc(1, sizeof(*ipc));
	int r;

	if (!ipc)
		return fault_set(fault, -ENOMEM, "out of memory");
	snprintf(ipc->path, sizeof(ipc->path), "%s", config->path);
	r = check_place(config->path, fault);
	if (r == 0)
		r = open_listener(config, &ipc->listener, fault);
	if (r < 0) {
		free(ipc);
		return r;
	}
	*ret_ipc = ipc;
	return 0;
}

void rpc_ipc_close(struct rpc_ipc *ipc)
{
	if (!ipc)
		return;
	/* nng removes what is at the path it was told: nothing, by now. */
	unlink(ipc->path);
	nng_listener_close(ipc->listener);
	free(ipc);
}
