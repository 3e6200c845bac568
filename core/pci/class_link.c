/* SPDX-License-Identifier: MIT */
/* What a class member hangs on. */
#include "core/pci/class_link.h"
#include "core/base/util.h"
#include "core/pci/sysfs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static int path_functions(
	const char *path, int (*fn)(void *arg, struct pci_address address), void *arg)
{
	struct pci_address address;
	char part[PCI_ADDRESS_SIZE];
	int stop = 0;

	for (const char *s = path; !stop && *s; s += strspn(s, "/")) {
		size_t len = strcspn(s, "/");

		if (len < sizeof(part)) {
			snprintf(part, sizeof(part), "%.*s", (int)len, s);
			if (pci_address_parse(part, &address))
				stop = fn(arg, address);
		}
		s += len;
	}
	return stop;
}

int class_link_functions(int root_fd, const char *target,
	int (*fn)(void *arg, struct pci_address address), void *arg)
{
	static const char FOLDER[] = "/nvme-subsystem/";
	const char *subsystem = strstr(target, FOLDER);
	char path[128], controller[PATH_MAX];
	int stop = path_functions(target, fn, arg);

	if (!subsystem)
		return stop;
	subsystem += strlen(FOLDER);
	snprintf(path, sizeof(path), "sys/devices/virtual/nvme-subsystem/%.*s",
		(int)strcspn(subsystem, "/"), subsystem);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(root_fd, path);
	for (struct dirent *entry; !stop && dir && (entry = sysfs_readdir(dir));) {
		ssize_t n =
			readlinkat(dirfd(dir), entry->d_name, controller, sizeof(controller) - 1);
		if (n < 0)
			continue;
		controller[n] = '\0';
		stop = path_functions(controller, fn, arg);
	}
	return stop;
}
