/* SPDX-License-Identifier: MIT */
/* Memory that a group must keep mapped. */
#include "core/pci/region.h"
#include "core/base/util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int region_read_direct(const struct sysfs *sysfs, int32_t id, char ret[static REGION_TEXT_SIZE])
{
	char path[64], type[32];
	char *save = NULL;
	size_t len;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/reserved_regions", id);
	CLEANUP(free_cleanup) char *text = sysfs_slurp(sysfs->root_fd, path, 1 << 20, &len);
	if (!text)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t start, end;

		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %31s", &start, &end, type) != 3 ||
			strcmp(type, "direct") != 0)
			continue;
		snprintf(ret, REGION_TEXT_SIZE, "0x%" PRIx64 "-0x%" PRIx64, start, end);
		break;
	}
	return 0;
}
