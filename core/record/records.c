/* SPDX-License-Identifier: MIT */
/* The store's records in memory. */
#include "core/record/records.h"
#include "core/base/util.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct origins {
	struct store *store;
	struct devices *devices;
	struct origin_list *current;
	pthread_mutex_t mutex;	      /* of current; held for no system call */
	pthread_mutex_t reload_mutex; /* of whoever replaces it; taken first */
};

int origins_reload(struct origins *origins, struct core_error *err)
{
	struct origin_list *fresh = NULL;

	pthread_mutex_lock(&origins->reload_mutex);
	int result = store_origins(origins->store, &fresh, err);
	struct origin_list *old = fresh;
	if (result == 0) {
		pthread_mutex_lock(&origins->mutex);
		old = origins->current;
		origins->current = fresh;
		pthread_mutex_unlock(&origins->mutex);
	}
	pthread_mutex_unlock(&origins->reload_mutex);
	free(old);
	return result;
}

int origins_new(
	struct store *store, struct devices *devices, struct origins **ret, struct core_error *err)
{
	struct origins *origins = calloc(1, sizeof(*origins));

	if (!origins)
		return core_fail_memory(err);
	origins->store = store;
	origins->devices = devices;
	pthread_mutex_init(&origins->mutex, NULL);
	pthread_mutex_init(&origins->reload_mutex, NULL);
	if (origins_reload(origins, err)) {
		origins_free(origins);
		return -1;
	}
	*ret = origins;
	return 0;
}

void origins_free(struct origins *origins)
{
	if (!origins)
		return;
	free(origins->current);
	pthread_mutex_destroy(&origins->reload_mutex);
	pthread_mutex_destroy(&origins->mutex);
	free(origins);
}

static int origins_compare(const void *key, const void *item)
{
	return pci_address_compare(key, &((const struct device_origin *)item)->address);
}

/* The record of the address, or NULL. The mutex is held. */
static struct device_origin *origins_at(struct origins *origins, struct pci_address address)
{
	struct origin_list *s = origins->current;

	return s ? bsearch(&address, s->items, s->count, sizeof(s->items[0]), origins_compare)
		 : NULL;
}

bool origins_recall(struct origins *origins, const struct device *device, struct device_origin *ret)
{
	pthread_mutex_lock(&origins->mutex);
	const struct device_origin *found = origins_at(origins, device->address);
	bool ours = found && device_identity_equal(found->identity, device_identity_of(device));
	if (ours)
		*ret = *found;
	pthread_mutex_unlock(&origins->mutex);
	return ours;
}

void origins_rebind(
	struct origins *origins, struct pci_address address, struct device_inodes binding)
{
	pthread_mutex_lock(&origins->mutex);
	struct device_origin *found = origins_at(origins, address);
	if (found)
		found->binding = binding;
	pthread_mutex_unlock(&origins->mutex);
}

enum record_standing origins_standing(
	struct origins *origins, const struct device_origin *record, const struct device *device)
{
	const struct device_inodes *was = &record->binding;
	struct device_inodes now;

	if (!device || !device_identity_equal(record->identity, device_identity_of(device)))
		return RECORD_ENDED;
	int error = device_inodes(origins->devices, device, &now);
	if (error)
		return error == -ENOENT || error == -ENODEV ? RECORD_ENDED : RECORD_UNSEEN;
	/* Folder 0: of an older version, until the start has found out whose the binding is. */
	if (was->folder && was->folder != now.folder)
		return RECORD_ENDED;
	if (!now.link)
		return RECORD_DRIVERLESS;
	return now.link == was->link ? RECORD_HOLDS : RECORD_ENDED;
}

bool origins_find(struct origins *origins, const struct device *device, struct device_origin *ret)
{
	struct device_origin found;

	if (!origins_recall(origins, device, &found))
		return false;
	switch (origins_standing(origins, &found, device)) {
	case RECORD_HOLDS:
		break;
	case RECORD_DRIVERLESS:
		found.access = (struct node_access){0};
		break;
	case RECORD_UNSEEN:
	case RECORD_ENDED:
		return false;
	}
	*ret = found;
	return true;
}

/* A copy of what there is, for whoever cannot hurry; *ret is NULL for nothing. */
static int origins_copy_current(struct origins *origins, struct origin_list **ret)
{
	pthread_mutex_lock(&origins->mutex);
	const struct origin_list *s = origins->current;
	size_t size = s ? sizeof(*s) + s->count * sizeof(s->items[0]) : 0;

	*ret = size ? malloc(size) : NULL;
	if (*ret)
		memcpy(*ret, s, size);
	pthread_mutex_unlock(&origins->mutex);
	return size && !*ret ? -1 : 0;
}

int origins_each(
	struct origins *origins, int (*fn)(void *arg, const struct device_origin *), void *arg)
{
	CLEANUP(free_cleanup) struct origin_list *copy = NULL;
	int result = origins_copy_current(origins, &copy);

	for (size_t i = 0; result == 0 && copy && i < copy->count; i++)
		result = fn(arg, &copy->items[i]);
	return result;
}
