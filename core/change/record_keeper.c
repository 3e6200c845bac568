/* SPDX-License-Identifier: MIT */
/* Ends the records that no longer hold. */
#include "core/change/record_keeper.h"

#include "core/base/thread.h"
#include "core/base/util.h"
#include "core/change/lifecycle.h"
#include "core/change/step.h"
#include "core/engine.h"
#include "core/pci/uevents.h"
#include "core/record/records.h"
#include "core/use/vfio_nodes.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

struct record_keeper {
	struct host *host;
	pthread_mutex_t mutex;
	struct thread_task task;
	int wake_fd, uevent_fd;
};

struct record_keeper *record_keeper_new(struct host *host, int uevent_fd)
{
	struct record_keeper *k = calloc(1, sizeof(*k));

	if (!k) {
		fd_cleanup(&uevent_fd);
		return NULL;
	}
	k->host = host;
	k->uevent_fd = uevent_fd;
	k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&k->mutex, NULL);
	thread_task_init(&k->task);
	return k;
}

/* A look at all records. */
struct looking {
	struct record_keeper *keeper;
	struct store_outcome adopted;
	struct core_error *err;
	bool has_forgotten;
};

static void looking_clear(struct looking *l)
{
	store_outcome_clear(&l->adopted);
}

static int looking_forget(struct looking *l, const struct device_origin *record)
{
	bool forgotten;

	if (store_forget(l->keeper->host->store, record, &forgotten, l->err))
		return -1;
	l->has_forgotten |= forgotten;
	return 0;
}

static int looking_end(void *arg, const struct device_origin *record)
{
	struct looking *l = arg;
	struct host *host = l->keeper->host;
	CLEANUP(device_cleanup) struct device *d = NULL;
	int absent = devices_get(host->devices, record->address, &d);

	/* What cannot be looked at may still be ours. */
	if (absent && absent != -ENOENT && absent != -ENODEV)
		return 0;
	if (origins_standing(host->origins, record, d) == RECORD_ENDED && looking_forget(l, record))
		return -1;
	return l->keeper->task.must_end;
}

/* Ends what does not hold. 0, or -1 with err. */
static int keeper_look(struct record_keeper *k, struct core_error *err)
{
	struct looking l = {.keeper = k, .err = err};
	int result = origins_each(k->host->origins, looking_end, &l);

	if (l.has_forgotten && origins_reload(k->host->origins, err))
		result = -1;
	return result < 0 ? -1 : 0;
}

/* Which binding a record of an older version is of. It is of this boot, and the device is what it
 * was. Another tool may have bound it anew; then the nodes have another owner than the record
 * wishes, for the kernel makes them root's. */
static int looking_adopt(void *arg, const struct device_origin *record)
{
	struct looking *l = arg;
	struct host *host = l->keeper->host;
	struct device_origin adopted = *record;
	CLEANUP(device_cleanup)
	struct device *d = devices_get_or_null(host->devices, record->address);

	if (record->binding.folder || !d ||
		!device_identity_equal(record->identity, device_identity_of(d)))
		return 0;
	adopted.binding = step_binding(host, record->address);
	if (!adopted.binding.folder || (d->driver[0] && !adopted.binding.link))
		return 0;
	if (!adopted.binding.link ||
		!vfio_node_is_set(&host->sysfs, record->address, &record->access))
		adopted.access = (struct node_access){0};
	return store_outcome_add(&l->adopted, &adopted, false);
}

static int keeper_adopt(struct record_keeper *k, struct core_error *err)
{
	CLEANUP(looking_clear) struct looking l = {.keeper = k, .err = err};
	const struct intent none = {.phase = CHANGE_ENDED};

	if (origins_each(k->host->origins, looking_adopt, &l))
		return core_fail_memory(err);
	return lifecycle_write(k->host, &none, &l.adopted, err);
}

/* Reads what there is, but looks between the events of a storm. Whether it is time to look. */
static bool keeper_read(struct record_keeper *k)
{
	enum { MAX_EVENTS = 1024 };
	bool look = false;

	for (int i = 0; i < MAX_EVENTS && !atomic_load(&k->task.must_end); i++) {
		switch (uevents_read(k->uevent_fd)) {
		case UEVENT_NONE:
			return look;
		case UEVENT_PCI:
		case UEVENT_LOST:
			look = true;
			break;
		case UEVENT_OTHER:
			break;
		case UEVENT_END:
			fd_cleanup(&k->uevent_fd);
			k->uevent_fd = -1;
			return true;
		}
	}
	return look;
}

static void *keeper_keep(void *arg)
{
	struct record_keeper *k = arg;

	while (!atomic_load(&k->task.must_end)) {
		CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
		struct pollfd fds[] = {{.fd = k->wake_fd, .events = POLLIN},
			{.fd = k->uevent_fd, .events = POLLIN}};

		if (poll(fds, ARRAY_SIZE(fds), -1) > 0 && fds[1].revents && keeper_read(k))
			keeper_look(k, &ignored);
	}
	pthread_mutex_lock(&k->mutex);
	thread_task_end(&k->task);
	pthread_mutex_unlock(&k->mutex);
	return NULL;
}

int record_keeper_start(struct record_keeper *k, struct core_error *err)
{
	if (keeper_adopt(k, err) || keeper_look(k, err))
		return -1;
	if (k->uevent_fd < 0)
		return 0;
	pthread_mutex_lock(&k->mutex);
	thread_task_start(&k->task, keeper_keep, k);
	pthread_mutex_unlock(&k->mutex);
	return 0;
}

bool record_keeper_stop(struct record_keeper *k, int64_t deadline)
{
	atomic_store(&k->task.must_end, true);
	eventfd_write(k->wake_fd, 1);
	return thread_task_stop(&k->task, &k->mutex, deadline);
}

void record_keeper_free(struct record_keeper *k)
{
	if (!k)
		return;
	fd_cleanup(&k->wake_fd);
	fd_cleanup(&k->uevent_fd);
	thread_task_destroy(&k->task);
	pthread_mutex_destroy(&k->mutex);
	free(k);
}
