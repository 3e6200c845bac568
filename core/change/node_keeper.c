/* SPDX-License-Identifier: MIT */
/* Gives the nodes of bound devices the owner and mode that were asked for. */
#include "core/change/node_keeper.h"

#include "core/base/clock.h"
#include "core/base/thread.h"
#include "core/base/util.h"
#include "core/engine.h"
#include "core/helper/helper.h"
#include "core/record/records.h"
#include "core/use/vfio_nodes.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

static const int64_t UDEV_NS = 5 * NS_PER_S;  /* for udev to come to rest */
static const int64_t WRITE_NS = 5 * NS_PER_S; /* for the privileged helper to set a node */
static const int64_t PAUSE_NS =
	100 * NS_PER_MS; /* so that chown and chmod of another are one change */

struct node_keeper {
	struct host *host;
	pthread_mutex_t mutex;
	struct thread_task task;
	int wake_fd, inotify_fd;
};

struct node_keeper *node_keeper_new(struct host *host)
{
	struct node_keeper *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->host = host;
	k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	pthread_mutex_init(&k->mutex, NULL);
	thread_task_init(&k->task);
	return k;
}

static void keeper_sleep_ns(int64_t ns)
{
	const struct timespec ts = clock_timespec(ns);

	nanosleep(&ts, NULL);
}

/* udev shows that it has events to work on by a file. */
static void keeper_wait_for_udev(const struct host *host, int64_t deadline)
{
	while (sysfs_exists(host->sysfs.root_fd, "run/udev/queue") && now_ns() < deadline)
		keeper_sleep_ns(5 * NS_PER_MS);
}

/* A record of an older vfiod may have a mode that is too much. */
static int keeper_set(struct host *host, struct pci_address address,
	const struct node_access *access, int64_t deadline, struct helper_reply *reply)
{
	struct helper_request request = {
		.op = HELPER_NODE_SET, .address = address, .access = *access};

	request.access.mode &= NODE_MODE_MAX;
	int rc = helper_call(host->helper, &request, deadline, reply);
	return rc < 0 ? rc : -reply->error;
}

int node_keeper_set(struct host *host, struct pci_address address, const struct node_access *access,
	int64_t deadline, struct core_error *err)
{
	struct core_problems problems = {0};
	char text[PCI_ADDRESS_SIZE];
	int64_t rest = now_ns() + UDEV_NS;
	struct helper_reply reply = {0};

	keeper_wait_for_udev(host, rest < deadline ? rest : deadline);
	int error = keeper_set(host, address, access, deadline, &reply);
	node_keeper_nudge(host->keeper);
	if (error == 0)
		return 0;
	pci_address_format(address, text);
	if (!core_problem_add_device(&problems, address, REASON_NODE_NOT_SET,
		    "see that vfiod runs as root, and that /dev/vfio is its host's",
		    "setting owner and mode of the VFIO nodes of device %s failed: %s", text,
		    reply.refused ? reply.text : strerror(-error)))
		return core_fail_memory(err);
	return core_fail_problems(err, &problems);
}

static int keeper_look_at(void *arg, const struct device_origin *origin)
{
	struct node_keeper *k = arg;
	CLEANUP(device_cleanup) struct device *d = NULL;
	struct node_access access = origin->access;
	struct helper_reply ignored;

	if (!node_access_any(&origin->access))
		return 0;
	d = devices_get_or_null(k->host->devices, origin->address);
	/* The nodes of another binding are another's. */
	access.link = origin->binding.link;
	if (origins_standing(k->host->origins, origin, d) == RECORD_HOLDS &&
		device_is_vfio(k->host->devices, d) &&
		!vfio_node_is_set(&k->host->sysfs, origin->address, &access))
		keeper_set(k->host, origin->address, &access, now_ns() + WRITE_NS, &ignored);
	return k->task.must_end;
}

static void keeper_look_at_all(struct node_keeper *k)
{
	/* Both folders come and go with VFIO's drivers; watching one again is watching it once. */
	static const char *const folders[] = {"dev/vfio", "dev/vfio/devices"};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", k->host->sysfs.root, folders[i]);
		inotify_add_watch(k->inotify_fd, path, IN_ATTRIB | IN_CREATE | IN_MOVED_TO);
	}
	keeper_wait_for_udev(k->host, now_ns() + UDEV_NS);
	origins_each(k->host->origins, keeper_look_at, k);
}

static void keeper_drain(int fd)
{
	char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		continue;
}

static void *keeper_keep(void *arg)
{
	struct node_keeper *k = arg;
	struct pollfd fds[] = {
		{.fd = k->wake_fd, .events = POLLIN}, {.fd = k->inotify_fd, .events = POLLIN}};

	while (!atomic_load(&k->task.must_end)) {
		if (poll(fds, ARRAY_SIZE(fds), -1) <= 0)
			continue;
		if (atomic_load(&k->task.must_end))
			break;
		keeper_sleep_ns(PAUSE_NS);
		keeper_drain(k->wake_fd);
		keeper_drain(k->inotify_fd);
		keeper_look_at_all(k);
	}
	pthread_mutex_lock(&k->mutex);
	thread_task_end(&k->task);
	pthread_mutex_unlock(&k->mutex);
	return NULL;
}

static void keeper_wake(struct node_keeper *k)
{
	eventfd_write(k->wake_fd, 1);
}

void node_keeper_nudge(struct node_keeper *k)
{
	pthread_mutex_lock(&k->mutex);
	thread_task_start(&k->task, keeper_keep, k);
	pthread_mutex_unlock(&k->mutex);
	keeper_wake(k);
}

bool node_keeper_stop(struct node_keeper *k, int64_t deadline)
{
	atomic_store(&k->task.must_end, true);
	keeper_wake(k);
	return thread_task_stop(&k->task, &k->mutex, deadline);
}

void node_keeper_free(struct node_keeper *k)
{
	if (!k)
		return;
	fd_cleanup(&k->wake_fd);
	fd_cleanup(&k->inotify_fd);
	thread_task_destroy(&k->task);
	pthread_mutex_destroy(&k->mutex);
	free(k);
}
