/* SPDX-License-Identifier: MIT */
/* Is an IOMMU at work? */
#include "core/pci/iommu.h"
#include "core/base/util.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define GROUPS "sys/kernel/iommu_groups"

/* Whether VFIO made the group, for a device in noiommu mode. */
static bool is_noiommu(int dirfd, const char *group)
{
	char path[NAME_MAX + 8], name[32];

	snprintf(path, sizeof(path), "%s/name", group);
	return sysfs_read(dirfd, path, name, sizeof(name)) > 0 && strcmp(name, "vfio-noiommu") == 0;
}

uint32_t iommu_count_groups(const struct sysfs *sysfs, uint32_t *ret_noiommu)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, GROUPS);
	uint32_t n = 0;

	*ret_noiommu = 0;
	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));)
		(*(is_noiommu(dirfd(dir), entry->d_name) ? ret_noiommu : &n))++;
	return n;
}

/* The first one tells, of thousands. */
static bool has_groups(const struct sysfs *sysfs)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, GROUPS);

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		if (!is_noiommu(dirfd(dir), entry->d_name))
			return true;
	}
	return false;
}

/* Whether the comma-separated values have this one. */
static bool has_value(const char *values, size_t len, const char *value)
{
	size_t wanted = strlen(value);

	for (size_t at = 0; at < len;) {
		size_t n = strcspn(values + at, ",");
		if (n > len - at)
			n = len - at;
		if (n == wanted && memcmp(values + at, value, wanted) == 0)
			return true;
		at += n + 1;
	}
	return false;
}

bool iommu_cmdline_has(const char *cmdline, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t key = equals ? (size_t)(equals - word) + 1 : strlen(word);

	for (const char *s = cmdline; s && *s;) {
		s += strspn(s, " \t\n");
		size_t len = strcspn(s, " \t\n");
		bool same = len >= key && memcmp(s, word, key) == 0;

		if (same && (!word[key] || has_value(s + key, len - key, word + key)))
			return true;
		s += len;
	}
	return false;
}

enum iommu_state iommu_read(const struct sysfs *sysfs)
{
	size_t len;

	if (!has_groups(sysfs))
		return IOMMU_IS_OFF;
	CLEANUP(free_cleanup)
	char *cmdline = sysfs_slurp(sysfs->root_fd, "proc/cmdline", 65536, &len);
	return iommu_cmdline_has(cmdline, "intel_iommu=igfx_off") ? IOMMU_IS_ON_WITHOUT_IGFX
								  : IOMMU_IS_ON;
}
