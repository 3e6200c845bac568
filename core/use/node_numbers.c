/* SPDX-License-Identifier: MIT */
/* The device numbers of nodes. */
#include "core/use/node_numbers.h"
#include "core/base/array.h"
#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int numbers_add(struct node_numbers *numbers, const struct node_number *number)
{
	struct node_number *added = ARRAY_ADD(numbers->items, numbers->count);

	if (!added)
		return ENOMEM;
	*added = *number;
	return 0;
}

static int numbers_compare(const void *a, const void *b)
{
	const struct node_number *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static void numbers_sort(struct node_numbers *numbers)
{
	if (numbers->count > 1)
		qsort(numbers->items, numbers->count, sizeof(*numbers->items), numbers_compare);
}

/* Adds the members of a class whose names are a prefix and a number. */
static int add_class(const struct sysfs *sysfs, const char *class, const char *prefix,
	enum hold hold, struct node_numbers *numbers)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, class);
	char path[NAME_MAX + 8], text[32], rest;
	struct node_number n = {.type = S_IFCHR, .hold = hold};
	unsigned major, minor;
	int error = 0;

	for (struct dirent *entry; !error && dir && (entry = sysfs_readdir(dir));) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
			sscanf(entry->d_name + strlen(prefix), "%9d%c", &n.id, &rest) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/dev", entry->d_name);
		if (sysfs_read(dirfd(dir), path, text, sizeof(text)) <= 0 ||
			sscanf(text, "%9u:%9u", &major, &minor) != 2)
			continue;
		n.number = makedev(major, minor);
		error = numbers_add(numbers, &n);
	}
	return error;
}

int node_numbers_of_vfio(const struct sysfs *sysfs, struct node_numbers *ret)
{
	struct node_numbers numbers = {0};
	int error = add_class(sysfs, "sys/class/vfio", "", HOLD_GROUP, &numbers);

	if (!error)
		error = add_class(sysfs, "sys/class/vfio", "noiommu-", HOLD_GROUP, &numbers);
	if (!error)
		error = add_class(sysfs, "sys/class/vfio-dev", "vfio", HOLD_DEVICE, &numbers);
	if (error) {
		node_numbers_clear(&numbers);
		return error;
	}
	numbers_sort(&numbers);
	*ret = numbers;
	return 0;
}

int node_numbers_of(const struct sysfs *sysfs, const struct nodes *nodes, struct node_numbers *ret)
{
	struct node_numbers numbers = {0};
	struct stat status;
	int error = 0;

	for (size_t i = 0; !error && i < nodes->count; i++) {
		const char *name = nodes->names[i];

		if (fstatat(sysfs->root_fd, name + 1, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
			(!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)))
			continue;
		error = numbers_add(&numbers, &(struct node_number){
						      .type = status.st_mode & S_IFMT,
						      .number = status.st_rdev,
						      .hold = HOLD_NODE,
						      .id = -1,
						      .name = name,
					      });
	}
	if (error) {
		node_numbers_clear(&numbers);
		return error;
	}
	numbers_sort(&numbers);
	*ret = numbers;
	return 0;
}

const struct node_number *node_numbers_find(
	const struct node_numbers *numbers, mode_t type, dev_t number)
{
	const struct node_number key = {.type = type, .number = number};

	if (numbers->count == 0)
		return NULL;
	return bsearch(&key, numbers->items, numbers->count, sizeof(key), numbers_compare);
}

void node_numbers_clear(struct node_numbers *numbers)
{
	free(numbers->items);
	*numbers = (struct node_numbers){0};
}
