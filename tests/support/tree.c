/* SPDX-License-Identifier: MIT */
/* Devices and drivers of the static host. */
#include "core/base/util.h"
#include "core/pci/sysfs.h"
#include "tests/support/tree_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* In memory where that is to be had: some trees have a hundred thousand files, which should not
 * wait for what other programs have to sync. */
static const char *temporary_folder(void)
{
	const char *wished = getenv("TMPDIR");

	if (wished && wished[0] && strlen(wished) < 200)
		return wished;
	return access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
}

struct tree *tree_new(void)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		tree_die("allocate", "a tree");
	snprintf(tree->folder, sizeof(tree->folder), "%s/vfiod-tree-XXXXXX", temporary_folder());
	if (!mkdtemp(tree->folder))
		tree_die("make folder", tree->folder);
	snprintf(tree->root, sizeof(tree->root), "%s/root", tree->folder);
	snprintf(tree->state, sizeof(tree->state), "%s/state", tree->folder);
	snprintf(tree->locks, sizeof(tree->locks), "%s/locks", tree->folder);
	if (mkdir(tree->root, 0755) || mkdir(tree->state, 0700) || mkdir(tree->locks, 0755))
		tree_die("make folders in", tree->folder);
	tree->root_fd = open(tree->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree->root_fd < 0)
		tree_die("open", tree->root);
	tree_make_folders(tree);
	tree_add_driver(tree, "vfio-pci");
	return tree;
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	close(tree->root_fd);
	tree_wipe(tree->folder);
	free(tree->entries);
	free(tree);
}

const char *tree_root(const struct tree *tree)
{
	return tree->root;
}

const char *tree_state(const struct tree *tree)
{
	return tree->state;
}

int tree_open_locks(const struct tree *tree)
{
	int fd = open(tree->locks, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		tree_die("open", tree->locks);
	return fd;
}

static struct tree_entry *find(const struct tree *tree, const char *address)
{
	for (size_t i = 0; i < tree->count; i++) {
		if (strcmp(tree->entries[i].address, address) == 0)
			return &tree->entries[i];
	}
	return NULL;
}

struct tree_entry *tree_entry(const struct tree *tree, const char *address)
{
	struct tree_entry *entry = find(tree, address);

	errno = ENOENT;
	if (!entry)
		tree_die("find device", address);
	return entry;
}

static struct tree_entry *add_entry(struct tree *tree, const struct tree_device *device)
{
	const char *native = device->native ? device->native : device->driver;
	struct tree_entry *entries = reallocarray(tree->entries, tree->count + 1, sizeof(*entries));

	if (!entries)
		tree_die("allocate", device->address);
	tree->entries = entries;
	struct tree_entry *e = &entries[tree->count];
	*e = (struct tree_entry){.group = device->group};
	snprintf(e->address, sizeof(e->address), "%s", device->address);
	snprintf(e->native, sizeof(e->native), "%s", native ? native : "");
	if (device->behind)
		snprintf(e->path, sizeof(e->path), "%.200s/%.30s",
			tree_entry(tree, device->behind)->path, device->address);
	else
		snprintf(e->path, sizeof(e->path), "sys/devices/pci%.*s:00/%.30s",
			(int)strcspn(device->address, ":"), device->address, device->address);
	tree->count++;
	return e;
}

static void write_identity(
	const struct tree *tree, const struct tree_entry *e, const struct tree_device *d)
{
	const struct {
		const char *name;
		unsigned value;
		int digits;
	} numbers[] = {
		{"vendor", d->vendor, 4},
		{"device", d->device, 4},
		{"subsystem_vendor", d->subsystem_vendor, 4},
		{"subsystem_device", d->subsystem_device, 4},
		{"class", d->class ? d->class : 0x020000, 6},
		{"revision", d->revision, 2},
	};
	char path[TREE_PATH];

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		tree_path(path, "%s/%s", e->path, numbers[i].name);
		tree_write(tree, path, "0x%0*x\n", numbers[i].digits, numbers[i].value);
	}
}

static bool is_vfio_driver(const char *driver)
{
	size_t n = strlen(driver);

	return n >= 8 &&
	       (strcmp(driver + n - 8, "vfio-pci") == 0 || strcmp(driver + n - 8, "vfio_pci") == 0);
}

static void write_attributes(
	const struct tree *tree, const struct tree_entry *e, const struct tree_device *d)
{
	const struct {
		const char *name, *text;
	} texts[] = {
		{"numa_node", d->numa_node ? d->numa_node : "-1"},
		{"enable", d->driver && !is_vfio_driver(d->driver) ? "1" : "0"},
		{"driver_override", d->override ? d->override : "(null)"},
		{"reset_method", d->reset_method ? d->reset_method : "flr bus"},
		{"local_cpulist", "0-7"},
		{"resource", d->resource
				     ? d->resource
				     : "0x00000000f0000000 0x00000000f000ffff 0x0000000000040200"},
		{"boot_vga", d->boot_vga ? "1" : "0"},
	};
	char path[TREE_PATH];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (strcmp(texts[i].name, "boot_vga") == 0 && d->class >> 16 != 3)
			continue;
		tree_path(path, "%s/%s", e->path, texts[i].name);
		tree_write(tree, path, "%s\n", texts[i].text);
	}
	if (d->total_vfs > 0) {
		tree_path(path, "%s/sriov_totalvfs", e->path);
		tree_write(tree, path, "%u\n", d->total_vfs);
	}
}

static void link_physfn(const struct tree *tree, const struct tree_entry *e, const char *physfn)
{
	const struct tree_entry *pf = tree_entry(tree, physfn);
	char path[TREE_PATH];
	unsigned i = 0;

	tree_path(path, "%s/physfn", e->path);
	tree_link(tree, path, pf->path);
	do
		tree_path(path, "%s/virtfn%u", pf->path, i++);
	while (tree_exists(tree, path));
	tree_link(tree, path, e->path);
}

static void link_group(const struct tree *tree, const struct tree_entry *e)
{
	char path[TREE_PATH], group[TREE_PATH];

	tree_path(group, "sys/kernel/iommu_groups/%d/type", e->group);
	tree_write(tree, group, "DMA-FQ\n");
	tree_path(group, "sys/kernel/iommu_groups/%d", e->group);
	tree_path(path, "%s/devices/%s", group, e->address);
	tree_link(tree, path, e->path);
	tree_path(path, "%s/iommu_group", e->path);
	tree_link(tree, path, group);
}

void tree_add_device(struct tree *tree, const struct tree_device *device)
{
	struct tree_entry *e = add_entry(tree, device);
	char path[TREE_PATH];

	write_identity(tree, e, device);
	write_attributes(tree, e, device);
	if (device->physfn)
		link_physfn(tree, e, device->physfn);
	if (device->group)
		link_group(tree, e);
	if (e->native[0])
		tree_add_driver(tree, e->native);
	if (device->driver)
		tree_bind(tree, device->address, device->driver);
	/* Last, so that who finds the device finds it whole. */
	tree_path(path, "sys/bus/pci/devices/%s", e->address);
	tree_link(tree, path, e->path);
}

void tree_remove_device(struct tree *tree, const char *address)
{
	struct tree_entry *e = tree_entry(tree, address);
	char path[TREE_PATH];

	tree_unbind(tree, address);
	tree_path(path, "sys/bus/pci/devices/%s", address);
	tree_remove(tree, path);
	if (e->group) {
		tree_path(path, "sys/kernel/iommu_groups/%d/devices/%s", e->group, address);
		tree_remove(tree, path);
	}
	tree_remove(tree, e->path);
	*e = tree->entries[--tree->count];
}

void tree_add_driver(struct tree *tree, const char *name)
{
	char path[TREE_PATH];

	tree_path(path, "sys/bus/pci/drivers/%s/bind", name);
	if (tree_exists(tree, path))
		return;
	tree_write(tree, path, "%s", "");
	tree_path(path, "sys/bus/pci/drivers/%s/unbind", name);
	tree_write(tree, path, "%s", "");
}

/* A device of no number, which whoever may write to the folder may make. */
static void make_node(const struct tree *tree, const char *path)
{
	unlinkat(tree->root_fd, path, 0);
	if (mknodat(tree->root_fd, path, S_IFCHR | 0600, 0) < 0)
		tree_die("make node", path);
}

static void make_vfio_nodes(const struct tree *tree, const struct tree_entry *e)
{
	char path[TREE_PATH];
	unsigned number = 0;

	do
		tree_path(path, "dev/vfio/devices/vfio%u", number++);
	while (tree_exists(tree, path));
	make_node(tree, path);
	tree_path(path, "dev/vfio/%d", e->group);
	if (!tree_exists(tree, path))
		make_node(tree, path);
	tree_path(path, "%s/vfio-dev/vfio%u", e->path, number - 1);
	tree_mkdir(tree, path);
}

void tree_bind(struct tree *tree, const char *address, const char *driver)
{
	const struct tree_entry *e = tree_entry(tree, address);
	char path[TREE_PATH], folder[TREE_PATH];

	tree_add_driver(tree, driver);
	tree_path(folder, "sys/bus/pci/drivers/%s", driver);
	tree_path(path, "%s/%s", folder, address);
	tree_link(tree, path, e->path);
	tree_path(path, "%s/driver", e->path);
	tree_link(tree, path, folder);
	if (is_vfio_driver(driver)) {
		make_vfio_nodes(tree, e);
	} else {
		tree_path(path, "%s/enable", e->path);
		tree_write(tree, path, "1\n");
	}
}

static bool group_has_vfio(const struct tree *tree, int group)
{
	char path[TREE_PATH];

	for (size_t i = 0; i < tree->count; i++) {
		tree_path(path, "%s/vfio-dev", tree->entries[i].path);
		if (tree->entries[i].group == group && tree_exists(tree, path))
			return true;
	}
	return false;
}

static void remove_vfio_nodes(const struct tree *tree, const struct tree_entry *e)
{
	char path[TREE_PATH];

	tree_path(path, "%s/vfio-dev", e->path);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(tree->root_fd, path);
	struct dirent *entry = dir ? sysfs_readdir(dir) : NULL;
	if (!entry)
		return;
	char node[TREE_PATH];
	tree_path(node, "dev/vfio/devices/%s", entry->d_name);
	tree_remove(tree, node);
	tree_remove(tree, path);
	tree_path(path, "dev/vfio/%d", e->group);
	if (!group_has_vfio(tree, e->group))
		tree_remove(tree, path);
}

void tree_unbind(struct tree *tree, const char *address)
{
	const struct tree_entry *e = tree_entry(tree, address);
	char path[TREE_PATH], driver[64];

	tree_driver(tree, address, driver, sizeof(driver));
	if (!driver[0])
		return;
	tree_path(path, "%s/driver", e->path);
	tree_take_away(tree, path);
	tree_path(path, "sys/bus/pci/drivers/%s/%s", driver, address);
	tree_remove(tree, path);
	remove_vfio_nodes(tree, e);
	tree_path(path, "%s/enable", e->path);
	tree_write(tree, path, e->leaves_enabled ? "1\n" : "0\n");
}

void tree_leave_enabled(struct tree *tree, const char *address)
{
	tree_entry(tree, address)->leaves_enabled = true;
}

void tree_driver(const struct tree *tree, const char *address, char *buf, size_t size)
{
	char path[TREE_PATH];

	tree_path(path, "%s/driver", tree_entry(tree, address)->path);
	if (sysfs_link_name(tree->root_fd, path, buf, size) < 0)
		buf[0] = '\0';
}

void tree_override(const struct tree *tree, const char *address, char *buf, size_t size)
{
	char path[TREE_PATH];

	tree_path(path, "%s/driver_override", tree_entry(tree, address)->path);
	if (sysfs_read(tree->root_fd, path, buf, size) < 0)
		tree_die("read", path);
	if (strcmp(buf, "(null)") == 0)
		buf[0] = '\0';
}

void tree_set_override(struct tree *tree, const char *address, const char *override)
{
	char path[TREE_PATH];

	tree_path(path, "%s/driver_override", tree_entry(tree, address)->path);
	tree_write(tree, path, "%s\n", override[0] ? override : "(null)");
}

const char *tree_native(const struct tree *tree, const char *address)
{
	return tree_entry(tree, address)->native;
}

char *tree_snapshot(const struct tree *tree)
{
	char *text = NULL, driver[64], override[300], path[TREE_PATH];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; out && i < tree->count; i++) {
		const struct tree_entry *e = &tree->entries[i];

		tree_driver(tree, e->address, driver, sizeof(driver));
		tree_override(tree, e->address, override, sizeof(override));
		tree_path(path, "%s/vfio-dev", e->path);
		fprintf(out, "%s driver=%s override=%s vfio=%d", e->address, driver, override,
			tree_exists(tree, path));
		tree_path(path, "dev/vfio/%d", e->group);
		fprintf(out, " node=%d\n", tree_exists(tree, path));
	}
	if (!out || fclose(out) != 0)
		tree_die("write", "a snapshot");
	return text;
}
