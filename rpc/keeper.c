/* SPDX-License-Identifier: MIT */
/* An ipc:// listener that stays alive, with the owner and mode it should have. */
#include "rpc/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HANDSHAKE_MS 200

struct rpc_keeper {
	struct rpc_keeper_config config;
	char path[96];
	nng_listener listener;
	uint64_t deaths; /* the listener's `other` statistic when it was last looked at */
	unsigned generation;
};

/* Whether someone listens at the path. The handshake is done to its end, so that the question does
 * not kill a listener of an nng before 1.6. */
static bool is_served(const char *path)
{
	static const unsigned char ours[] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct pollfd server = {.events = POLLIN};
	unsigned char theirs[sizeof(ours)];
	bool served;

	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server.fd < 0)
		return false;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	served = connect(server.fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
		 errno == EAGAIN; /* the backlog is full: someone has it */
	if (served && send(server.fd, ours, sizeof(ours), MSG_NOSIGNAL) == sizeof(ours) &&
		poll(&server, 1, HANDSHAKE_MS) > 0)
		recv(server.fd, theirs, sizeof(theirs), 0);
	close(server.fd);
	return served;
}

/* A path that holds something other than a socket must not be replaced. */
static int check_place(const char *path, char error[RPC_TEXT_ERROR])
{
	struct stat found;

	if (lstat(path, &found) < 0)
		return 0;
	if (!S_ISSOCK(found.st_mode))
		return rpc_text_refuse(error, -EEXIST,
			"cannot listen at %s: there is something else than a socket", path);
	if (is_served(path))
		return rpc_text_refuse(error, -EADDRINUSE,
			"cannot listen at %s: another process does already", path);
	return 0;
}

static uint64_t listener_deaths(nng_listener listener)
{
	nng_stat *all, *own, *other;
	uint64_t deaths = 0;

	if (nng_stats_get(&all) != 0)
		return 0;
	own = nng_stat_find_listener(all, listener);
	other = own ? nng_stat_find(own, "other") : NULL;
	if (other)
		deaths = nng_stat_value(other);
	nng_stats_free(all);
	return deaths;
}

static int listen_beside(struct rpc_keeper *keeper, const char *beside, nng_listener *ret_listener,
	char error[RPC_TEXT_ERROR])
{
	nng_listener listener;
	char url[128];
	int r;

	snprintf(url, sizeof(url), "ipc://%s", beside);
	unlink(beside); /* a leftover of a process that died between bind and rename */
	r = nng_listener_create(&listener, keeper->config.socket, url);
	if (r != 0)
		return rpc_text_refuse(
			error, -ENOMEM, "cannot listen at %s: %s", keeper->path, nng_strerror(r));
	nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, S_IRUSR | S_IWUSR);
	r = nng_listener_start(listener, 0);
	if (r != 0) {
		nng_listener_close(listener);
		return rpc_text_refuse(error, -EIO,
			"cannot listen at %s: %s; is its folder there, and ours to write?",
			keeper->path, nng_strerror(r));
	}
	*ret_listener = listener;
	return 0;
}

/* Hands the socket over to those it is for and moves it to its place. */
static int publish(const struct rpc_keeper *keeper, const char *beside, char error[RPC_TEXT_ERROR])
{
	const struct rpc_keeper_config *config = &keeper->config;

	if (config->gid != (gid_t)-1 && chown(beside, (uid_t)-1, config->gid) < 0)
		return rpc_text_refuse(error, -errno, "cannot give %s to group %u: %s",
			keeper->path, config->gid, strerror(errno));
	if (chmod(beside, config->mode) < 0 || rename(beside, keeper->path) < 0)
		return rpc_text_refuse(error, -errno, "cannot put a socket at %s: %s", keeper->path,
			strerror(errno));
	return 0;
}

static int renew(struct rpc_keeper *keeper, char error[RPC_TEXT_ERROR])
{
	nng_listener listener;
	char beside[108];
	int r;

	snprintf(beside, sizeof(beside), "%s.%u", keeper->path, keeper->generation + 1);
	r = listen_beside(keeper, beside, &listener, error);
	if (r < 0)
		return r;
	r = publish(keeper, beside, error);
	if (r < 0) {
		nng_listener_close(listener);
		return r;
	}
	/* nng removes what is at the path it was told when it closes: nothing, by now. */
	if (keeper->generation++ > 0)
		nng_listener_close(keeper->listener);
	keeper->listener = listener;
	keeper->deaths = 0;
	return 0;
}

int rpc_keeper_open(const struct rpc_keeper_config *config, struct rpc_keeper **ret_keeper,
	char error[RPC_TEXT_ERROR])
{
	struct rpc_keeper *keeper = calloc(1, sizeof(*keeper));
	int r;

	if (!keeper)
		return rpc_text_refuse(error, -ENOMEM, "out of memory");
	keeper->config = *config;
	snprintf(keeper->path, sizeof(keeper->path), "%s", config->path);
	keeper->config.path = keeper->path;
	r = check_place(keeper->path, error);
	if (r == 0)
		r = renew(keeper, error);
	if (r < 0) {
		free(keeper);
		return r;
	}
	*ret_keeper = keeper;
	return 0;
}

bool rpc_keeper_needed(void)
{
	unsigned major, minor;

	return sscanf(nng_version(), "%u.%u", &major, &minor) == 2 && major == 1 && minor < 6;
}

bool rpc_keeper_look(struct rpc_keeper *keeper)
{
	char error[RPC_TEXT_ERROR];

	if (listener_deaths(keeper->listener) == keeper->deaths)
		return false;
	/* A failure (no descriptors left, say) leaves things as they are, to be tried again. */
	return renew(keeper, error) == 0;
}

void rpc_keeper_close(struct rpc_keeper *keeper)
{
	if (!keeper)
		return;
	unlink(keeper->path);
	nng_listener_close(keeper->listener);
	free(keeper);
}
