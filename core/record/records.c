/* SPDX-License-Identifier: MIT */
/* The store's records in memory. */
#include "core/record/records.h"
#include "core/base/util.h"

#include <pthread.h>
#include <string.h>

struct snapshot {
	size_t count, room;
	struct device_origin items[]; /* sorted by address */
};

struct origins {
	struct store *store;
	struct snapshot *current;
	pthread_mutex_t mutex;	      /* of current; held for no system call */
	pthread_mutex_t reload_mutex; /* of whoever replaces it; taken first */
};

static int append(void *arg, const struct device_origin *origin)
{
	struct snapshot **s = arg;

	if (!*s || (*s)->count == (*s)->room) {
		size_t room = *s ? (*s)->room * 2 : 16;
		struct snapshot *grown = realloc(*s, sizeof(**s) + room * sizeof((*s)->items[0]));
		if (!grown)
			return -1;
		if (!*s)
			grown->count = 0;
		grown->room = room;
		*s = grown;
	}
	(*s)->items[(*s)->count++] = *origin;
	return 0;
}

int origins_reload(struct origins *origins, struct core_error *err)
{
	struct snapshot *fresh = NULL;

	pthread_mutex_lock(&origins->reload_mutex);
	int result = store_each(origins->store, append, &fresh, err);
	struct snapshot *old = fresh;
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

int origins_new(struct store *store, struct origins **ret, struct core_error *err)
{
	struct origins *origins = calloc(1, sizeof(*origins));

	if (!origins)
		return core_fail_memory(err);
	origins->store = store;
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

static int compare(const void *key, const void *item)
{
	return pci_address_compare(key, &((const struct device_origin *)item)->address);
}

bool origins_find(struct origins *origins, const struct device *device, struct device_origin *ret)
{
	pthread_mutex_lock(&origins->mutex);
	const struct snapshot *s = origins->current;
	const struct device_origin *found = NULL;

	if (s)
		found = bsearch(&device->address, s->items, s->count, sizeof(s->items[0]), compare);
	bool ours = found && device_identity_equal(found->identity, device_identity_of(device));
	if (ours)
		*ret = *found;
	pthread_mutex_unlock(&origins->mutex);
	return ours;
}

/* A copy of what there is, for whoever cannot hurry; *ret is NULL for nothing. */
static int copy_current(struct origins *origins, struct snapshot **ret)
{
	pthread_mutex_lock(&origins->mutex);
	const struct snapshot *s = origins->current;
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
	CLEANUP(free_cleanup) struct snapshot *copy = NULL;
	int result = copy_current(origins, &copy);

	for (size_t i = 0; result == 0 && copy && i < copy->count; i++)
		result = fn(arg, &copy->items[i]);
	return result;
}
