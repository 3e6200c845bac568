/* SPDX-License-Identifier: MIT */
/* Whether a write to a device is under way. */
#include "core/helper/blocked.h"

#include "core/base/array.h"
#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

struct blocked_device {
	struct pci_address address;
	bool is_settling;
};

struct blocked {
	int lock_fd;
	atomic_size_t count; /* read without the mutex */
	pthread_mutex_t mutex;
	struct blocked_device *items;
	atomic_size_t n_writing; /* likewise */
	struct pci_address *writing;
};

struct blocked *blocked_new(int lock_fd)
{
	struct blocked *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->lock_fd = lock_fd;
	pthread_mutex_init(&b->mutex, NULL);
	return b;
}

void blocked_free(struct blocked *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->mutex);
	free(b->items);
	free(b->writing);
	free(b);
}

int blocked_add(struct blocked *b, struct pci_address address)
{
	pthread_mutex_lock(&b->mutex);
	size_t count = atomic_load(&b->count);
	struct blocked_device *added = ARRAY_ADD(b->items, count);
	if (added) {
		*added = (struct blocked_device){.address = address};
		atomic_store(&b->count, count);
	}
	pthread_mutex_unlock(&b->mutex);
	return added ? 0 : -ENOMEM;
}

/* The index of the address, or the count. The mutex is held. */
static size_t blocked_find(const struct blocked *b, struct pci_address address)
{
	size_t i = 0, count = atomic_load(&b->count);

	while (i < count && !pci_address_equal(b->items[i].address, address))
		i++;
	return i;
}

void blocked_remove(struct blocked *b, struct pci_address address)
{
	pthread_mutex_lock(&b->mutex);
	size_t i = blocked_find(b, address), count = atomic_load(&b->count);
	if (i < count) {
		b->items[i] = b->items[count - 1];
		atomic_store(&b->count, count - 1);
	}
	pthread_mutex_unlock(&b->mutex);
}

void blocked_settle(struct blocked *b, struct pci_address address, bool settles)
{
	pthread_mutex_lock(&b->mutex);
	size_t i = blocked_find(b, address);
	if (i < atomic_load(&b->count))
		b->items[i].is_settling = settles;
	pthread_mutex_unlock(&b->mutex);
}

static bool blocked_waits(struct blocked *b, struct pci_address address)
{
	pthread_mutex_lock(&b->mutex);
	size_t i = blocked_find(b, address);
	bool waits = i < atomic_load(&b->count) && !b->items[i].is_settling;
	pthread_mutex_unlock(&b->mutex);
	return waits;
}

bool blocked_has(struct blocked *b, struct pci_address address)
{
	return blocked_is_locked(b->lock_fd, address) || blocked_waits(b, address);
}

/* The index of the address, or the count. The mutex is held. */
static size_t blocked_find_writing(const struct blocked *b, struct pci_address address)
{
	size_t i = 0, count = atomic_load(&b->n_writing);

	while (i < count && !pci_address_equal(b->writing[i], address))
		i++;
	return i;
}

void blocked_begin(struct blocked *b, struct pci_address address)
{
	pthread_mutex_lock(&b->mutex);
	size_t count = atomic_load(&b->n_writing);
	struct pci_address *added = NULL;
	if (blocked_find_writing(b, address) == count)
		added = ARRAY_ADD(b->writing, count);
	if (added) {
		*added = address;
		atomic_store(&b->n_writing, count);
	}
	pthread_mutex_unlock(&b->mutex);
}

void blocked_end(struct blocked *b, struct pci_address address)
{
	pthread_mutex_lock(&b->mutex);
	size_t i = blocked_find_writing(b, address), count = atomic_load(&b->n_writing);
	if (i < count) {
		b->writing[i] = b->writing[count - 1];
		atomic_store(&b->n_writing, count - 1);
	}
	pthread_mutex_unlock(&b->mutex);
}

static bool blocked_is_writing(struct blocked *b, struct pci_address address)
{
	if (atomic_load_explicit(&b->n_writing, memory_order_relaxed) == 0)
		return false;
	pthread_mutex_lock(&b->mutex);
	bool found = blocked_find_writing(b, address) < atomic_load(&b->n_writing);
	pthread_mutex_unlock(&b->mutex);
	return found;
}

bool blocked_shows(struct blocked *b, struct pci_address address)
{
	if (blocked_is_writing(b, address))
		return true;
	return atomic_load_explicit(&b->count, memory_order_relaxed) > 0 && blocked_has(b, address);
}

bool blocked_is_locked(int lock_fd, struct pci_address address)
{
	char name[PCI_ADDRESS_SIZE];
	/* The byte of writes (core/helper/work.c). */
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	struct stat status;

	pci_address_format(address, name);
	CLEANUP(fd_cleanup)
	int fd = openat(lock_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	/* What cannot be looked at may be held. */
	if (fd < 0)
		return errno != ENOENT && lock_fd >= 0;
	if (fstat(fd, &status) < 0)
		return true;
	return S_ISREG(status.st_mode) &&
	       (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK);
}
