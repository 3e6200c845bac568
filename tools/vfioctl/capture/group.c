/* SPDX-License-Identifier: MIT */
/* What IOMMU groups have beside PCI functions. */
#include "tools/vfioctl/capture/group.h"
#include "tools/vfioctl/capture/text.h"

#include "core/base/util.h"
#include "core/pci/group.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Every group of a host file keeps the window of message-signalled interrupts free. */
static bool is_usual(uint64_t start, uint64_t end, const char *type)
{
	return start == 0xfee00000 && end == 0xfeefffff && strcmp(type, "msi") == 0;
}

static void print_regions(struct capture *c, int32_t group)
{
	char path[64], line[128], type[32];
	uint64_t start, end;

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/reserved_regions", group);
	CLEANUP(free_cleanup) char *text = capture_slurp(c, path);
	const char *at = text;
	if (!text)
		capture_note(c, "%s could not be read: %s", path, strerror(errno));
	while (capture_line(&at, line, sizeof(line))) {
		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %31s", &start, &end, type) == 3 &&
			!is_usual(start, end, type) && capture_is_name(type))
			fprintf(c->out, "reserved %d %" PRIx64 "-%" PRIx64 " %s\n", group, start,
				end, type);
	}
}

static void print_member(struct capture *c, int32_t group, const struct group_stranger *s)
{
	if (!capture_is_name(s->name) || (s->driver[0] && !capture_is_name(s->driver))) {
		capture_note(c, "group %d has a member that is not named here", group);
		return;
	}
	fprintf(c->out, "member %d %s", group, s->name);
	if (s->driver[0])
		fprintf(c->out, " driver=%s", s->driver);
	fputc('\n', c->out);
}

static void print_members(struct capture *c, int32_t id)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(group_cleanup) struct iommu_group *group = NULL;

	if (group_get(c->cache, &c->sysfs, id, &group, &err)) {
		capture_note(c, "%s", err.message);
		return;
	}
	for (size_t i = 0; i < group->n_strangers; i++)
		print_member(c, id, &group->strangers[i]);
}

static int compare_numbers(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

void capture_print_groups(struct capture *c)
{
	CLEANUP(free_cleanup) int32_t *groups = calloc(c->n_devices + 1, sizeof(*groups));
	size_t n = 0;

	/* The groups of virtual functions have other numbers in the file. */
	for (size_t i = 0; groups && i < c->n_devices; i++) {
		const struct capture_device *d = &c->devices[i];

		if (d->device && d->device->group >= 0 && !d->is_noiommu && !d->device->is_virtual)
			groups[n++] = d->device->group;
	}
	if (n > 0)
		qsort(groups, n, sizeof(*groups), compare_numbers);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && groups[i] == groups[i - 1])
			continue;
		print_regions(c, groups[i]);
		print_members(c, groups[i]);
	}
}
