/* SPDX-License-Identifier: MIT */
/* The device numbers of nodes. */
#include "core/use/node_numbers.h"
#include "core/base/array.h"
#include "core/base/util.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int node_numbers_add(struct node_numbers *numbers, const struct node_number *number)
{
	struct node_number *added = ARRAY_ADD(numbers->items, numbers->count);

	if (!added)
		return ENOMEM;
	*added = *number;
	return 0;
}

bool node_number_parse(const char *text, dev_t *ret)
{
	unsigned major, minor;
	int end = 0;

	/* sscanf would take a sign, too. */
	if (text[strspn(text, "0123456789:")] != '\0' ||
		sscanf(text, "%9u:%9u%n", &major, &minor, &end) != 2 || text[end] != '\0')
		return false;
	*ret = makedev(major, minor);
	return true;
}

static int numbers_compare(const void *a, const void *b)
{
	const struct node_number *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

void node_numbers_sort(struct node_numbers *numbers)
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
	int error = 0;

	for (struct dirent *entry; !error && dir && (entry = sysfs_readdir(dir));) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
			sscanf(entry->d_name + strlen(prefix), "%9d%c", &n.id, &rest) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/dev", entry->d_name);
		if (sysfs_read(dirfd(dir), path, text, sizeof(text)) > 0 &&
			node_number_parse(text, &n.number))
			error = node_numbers_add(numbers, &n);
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
	node_numbers_sort(&numbers);
	*ret = numbers;
	return 0;
}

struct node_number *node_numbers_find(const struct node_numbers *numbers, mode_t type, dev_t number)
{
	size_t low = 0, high = numbers->count;
	const struct node_number key = {.type = type, .number = number};

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numbers_compare(&numbers->items[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < numbers->count && numbers_compare(&numbers->items[low], &key) == 0
		       ? &numbers->items[low]
		       : NULL;
}

void node_numbers_clear(struct node_numbers *numbers)
{
	free(numbers->items);
	*numbers = (struct node_numbers){0};
}
