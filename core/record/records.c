/* SPDX-License-Identifier: MIT */
/* The store's records in memory. */
#include "core/record/records.h"
#include "core/base/util.h"

#include <pthread.h>
#include <string.h>

struct origins {
	struct store *store;
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

static int origins_compare(const void *key, const void *item)
{
	return pci_address_compare(key, &((const struct device_origin *)item)->address);
}

bool origins_find(struct origins *origins, const struct device *device, struct device_origin *ret)
{
	pthread_mutex_lock(&origins->mutex);
	const struct origin_list *s = origins->current;
	const struct device_origin *found = NULL;

	if (s)
		found = bsearch(
			&device->address, s->items, s->count, sizeof(s->items[0]), origins_compare);
	bool ours = found && device_identity_equal(found->identity, device_identity_of(device));
	if (ours)
		*ret = *found;
	pthread_mutex_unlock(&origins->mutex);
	return ours;
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
