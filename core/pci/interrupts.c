/* SPDX-License-Identifier: MIT */
/* Are interrupts remapped? */
#include "core/pci/interrupts.h"
#include "core/base/util.h"

#include <string.h>

static bool file_has(const struct sysfs *sysfs, const char *path, const char *word)
{
	size_t len;
	CLEANUP(free_cleanup) char *text = sysfs_slurp(sysfs->root_fd, path, 16 << 20, &len);

	return text && strstr(text, word);
}

/* Whoever made the processor: an IO-APIC, or one of the two tables that tell of an IOMMU. */
static bool is_x86(const struct sysfs *sysfs)
{
	return file_has(sysfs, "proc/interrupts", "IO-APIC") ||
	       sysfs_exists(sysfs->root_fd, "sys/firmware/acpi/tables/DMAR") ||
	       sysfs_exists(sysfs->root_fd, "sys/firmware/acpi/tables/IVRS");
}

enum interrupts interrupts_read(const struct sysfs *sysfs)
{
	char allowed[8] = "";

	/* Remapped interrupts go through chips whose names begin with IR-, on x86 alone. */
	if (file_has(sysfs, "proc/interrupts", " IR-"))
		return INTERRUPTS_REMAPPED;
	if (!file_has(sysfs, "proc/interrupts", "\n") || !is_x86(sysfs))
		return INTERRUPTS_UNKNOWN;
	sysfs_read(sysfs->root_fd, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
		allowed, sizeof(allowed));
	return allowed[0] == 'Y' ? INTERRUPTS_ALLOWED : INTERRUPTS_UNSAFE;
}
