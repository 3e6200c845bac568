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

enum {
	HANDSHAKE_MS = 200,
	PROBES = 3,	 /* that all end well: a client's own reset can hide what became of one */
	PROBE_LOOKS = 3, /* without an effect, and a probe has proved the death */
};

/* What nng counts of a listener. */
struct counts {
	uint64_t accepted;
	uint64_t resets;
	uint64_t other; /* errors of no other kind: a death, or a client that left */
};

struct rpc_keeper {
	struct rpc_keeper_config config;
	char path[96];
	nng_listener listener;
	unsigned generation;
	struct counts seen; /* when all was well, or when the probes began */
	unsigned probes;    /* still to end well; 0: none is needed */
	int probe;	    /* the socket of one, or -1 once it is closed */
	uint64_t resets;    /* before it was closed */
	unsigned looks;	    /* since it was opened or closed */
};

/* A connection, or -1 with errno. */
static int knock(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Whether the listener's half of the handshake came. A socket closed after that, and without
 * reading it, ends in a reset: of all early ends the one that a listener survives. */
static bool answered(int fd, int timeout_ms)
{
	struct pollfd server = {.fd = fd, .events = POLLIN};

	return poll(&server, 1, timeout_ms) == 1 && (server.revents & POLLIN);
}

/* Whether someone listens at the path. */
static bool is_served(const char *path)
{
	int fd = knock(path);

	if (fd < 0)
		return errno == EAGAIN; /* so many wait that there is no room for one more */
	answered(fd, HANDSHAKE_MS);
	close(fd);
	return true;
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

static uint64_t count_of(nng_stat *listener, const char *name)
{
	nng_stat *count = nng_stat_find(listener, name);

	return count ? nng_stat_value(count) : 0;
}

static bool count(nng_listener listener, struct counts *ret_counts)
{
	nng_stat *all, *own;

	if (nng_stats_get(&all) != 0)
		return false;
	own = nng_stat_find_listener(all, listener);
	if (own)
		*ret_counts = (struct counts){count_of(own, "accept"), count_of(own, "disconnect"),
			count_of(own, "other")};
	nng_stats_free(all);
	return own != NULL;
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

static void probes_end(struct rpc_keeper *keeper)
{
	if (keeper->probe >= 0)
		close(keeper->probe);
	keeper->probe = -1;
	keeper->probes = 0;
}

static int renew(struct rpc_keeper *keeper, char error[RPC_TEXT_ERROR])
{
	nng_listener next = NNG_LISTENER_INITIALIZER;
	char beside[108];
	int r;

	snprintf(beside, sizeof(beside), "%s.%u", keeper->path, keeper->generation + 1);
	r = listen_beside(keeper, beside, &next, error);
	if (r < 0)
		return r;
	r = publish(keeper, beside, error);
	if (r < 0) {
		nng_listener_close(next);
		return r;
	}
	/* nng removes what is at the path it was told when it closes: nothing, by now. */
	if (keeper->generation++ > 0)
		nng_listener_close(keeper->listener);
	keeper->listener = next;
	keeper->seen = (struct counts){0};
	probes_end(keeper);
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
	keeper->probe = -1;
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

static void probe_open(struct rpc_keeper *keeper, const struct counts *now)
{
	keeper->probe = knock(keeper->path);
	keeper->resets = now->resets;
	keeper->looks = 0;
}

/* Goes on with a probe. False: it has proved that the listener is dead. */
static bool probe_look(struct rpc_keeper *keeper, const struct counts *now)
{
	bool open = keeper->probe >= 0;

	if (open && answered(keeper->probe, 0)) {
		keeper->resets = now->resets;
		keeper->looks = 0;
		close(keeper->probe);
		keeper->probe = -1;
		if (now->accepted != keeper->seen.accepted)
			probes_end(keeper); /* a dead one accepts nobody */
		return true;
	}
	if (!open && now->resets != keeper->resets) {
		if (--keeper->probes > 0)
			probe_open(keeper, now);
		return true;
	}
	return ++keeper->looks < PROBE_LOOKS;
}

bool rpc_keeper_look(struct rpc_keeper *keeper)
{
	char error[RPC_TEXT_ERROR];
	struct counts now;

	if (!count(keeper->listener, &now))
		return false;
	if (keeper->probes == 0 && now.other == keeper->seen.other)
		return false;
	if (keeper->probes == 0) {
		keeper->seen = now;
		keeper->probes = PROBES;
		probe_open(keeper, &now);
		return false;
	}
	if (probe_look(keeper, &now))
		return false;
	/* A failure (no descriptors left, say) leaves things as they are, to be tried again. */
	return renew(keeper, error) == 0;
}

void rpc_keeper_close(struct rpc_keeper *keeper)
{
	if (!keeper)
		return;
	probes_end(keeper);
	unlink(keeper->path);
	nng_listener_close(keeper->listener);
	free(keeper);
}
