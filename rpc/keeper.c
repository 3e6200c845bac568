/* SPDX-License-Identifier: MIT */
/* An ipc:// listener that stays alive, with the owner and mode it should have. */
#include "rpc/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HANDSHAKE_MS 200
#define RETIRED_MAX 8 /* listeners kept for connections they still have */

/* A listener, and a descriptor of ours for its socket: nng does not hand out its own. */
struct generation {
	nng_listener listener;
	int fd; /* -1: not needed */
};

struct rpc_keeper {
	struct rpc_keeper_config config;
	char path[96];
	struct generation current;
	struct generation retired[RETIRED_MAX]; /* oldest first */
	size_t retired_count;
	unsigned count; /* of generations so far */
	bool waiting;	/* a connection was, at the last look */
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

static bool listens_at(int fd, const char *path)
{
	struct sockaddr_un address = {0};
	socklen_t size = sizeof(address) - 1;
	int listens = 0;
	socklen_t listens_size = sizeof(listens);

	return getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
	       address.sun_family == AF_UNIX && strcmp(address.sun_path, path) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) == 0 && listens;
}

static void directory_close(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* A descriptor for the socket of this process that listens at the path, or -1. */
static int find_socket(const char *path)
{
	__attribute__((cleanup(directory_close))) DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		int fd = atoi(entry->d_name); /* "." and ".." become 0, which is no such socket */

		if (listens_at(fd, path))
			return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	}
	return -1;
}

static void generation_close(struct generation *generation)
{
	if (generation->fd >= 0)
		close(generation->fd);
	nng_listener_close(generation->listener);
}

/* Whether connections of a listener are still there; one it cannot tell of has some. */
static bool has_pipes(nng_listener listener)
{
	nng_stat *all, *own, *pipes;
	bool has = true;

	if (nng_stats_get(&all) != 0)
		return true;
	own = nng_stat_find_listener(all, listener);
	pipes = own ? nng_stat_find(own, "pipes") : NULL;
	if (pipes)
		has = nng_stat_value(pipes) > 0;
	nng_stats_free(all);
	return has;
}

/* Closes the connections that wait for a listener which will not accept them. */
static void turn_away(int fd)
{
	int waiting;

	while ((waiting = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(waiting);
}

static void retired_drop(struct rpc_keeper *keeper, size_t place)
{
	struct generation *generation = &keeper->retired[place];

	generation_close(generation);
	keeper->retired_count--;
	memmove(generation, generation + 1, (keeper->retired_count - place) * sizeof(*generation));
}

/* Sees to the old listeners: whoever found one before the rename is turned away. */
static void look_at_retired(struct rpc_keeper *keeper)
{
	for (size_t i = keeper->retired_count; i > 0; i--) {
		turn_away(keeper->retired[i - 1].fd);
		if (!has_pipes(keeper->retired[i - 1].listener))
			retired_drop(keeper, i - 1);
	}
}

static void retire(struct rpc_keeper *keeper)
{
	if (keeper->retired_count == RETIRED_MAX)
		retired_drop(keeper, 0);
	turn_away(keeper->current.fd);
	keeper->retired[keeper->retired_count++] = keeper->current;
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
	struct generation next = {.fd = -1};
	char beside[108];
	int r;

	snprintf(beside, sizeof(beside), "%s.%u", keeper->path, keeper->count + 1);
	r = listen_beside(keeper, beside, &next.listener, error);
	if (r < 0)
		return r;
	if (rpc_keeper_needed()) {
		next.fd = find_socket(beside);
		if (next.fd < 0)
			r = rpc_text_refuse(error, -EIO,
				"cannot find the socket of %s in /proc/self/fd", keeper->path);
	}
	if (r == 0)
		r = publish(keeper, beside, error);
	if (r < 0) {
		generation_close(&next);
		return r;
	}
	/* nng removes what is at the path it was told when it closes: nothing, by now. */
	if (keeper->count++ > 0)
		retire(keeper);
	keeper->current = next;
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
	struct pollfd current = {.fd = keeper->current.fd, .events = POLLIN};
	bool waited = keeper->waiting;
	char error[RPC_TEXT_ERROR];

	if (keeper->retired_count > 0)
		look_at_retired(keeper);
	keeper->waiting = poll(&current, 1, 0) == 1;
	if (!keeper->waiting || !waited)
		return false;
	keeper->waiting = false;
	/* A failure (no descriptors left, say) leaves things as they are, to be tried again. */
	return renew(keeper, error) == 0;
}

void rpc_keeper_close(struct rpc_keeper *keeper)
{
	if (!keeper)
		return;
	unlink(keeper->path);
	for (size_t i = 0; i < keeper->retired_count; i++)
		generation_close(&keeper->retired[i]);
	generation_close(&keeper->current);
	free(keeper);
}
