/* SPDX-License-Identifier: MIT */
/*
 * The nodes of a device's native driver.
 *
 * The kernel makes a link for every device that has a number (drivers/base/core.c,
 * device_create_sys_dev_entry), to the device's folder (Documentation/ABI/testing/sysfs-dev).
 */
#include "core/use/native_nodes.h"
#include "core/base/text.h"
#include "core/base/util.h"
#include "core/pci/class_link.h"
#include "core/use/unlinked_nodes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A device that is looked for, and its place among those of the caller. */
struct wanted {
	struct pci_address address;
	size_t index;
};

/* A walk along all nodes of the host. */
struct walk {
	const struct sysfs *sysfs;
	struct wanted *wanted; /* sorted by address */
	size_t n_wanted;
	const char *target; /* where the link of the node leads */
	struct node_number node;
	int error;
	struct node_numbers *found; /* NULL: has is to be filled in */
	bool *has;
};

static int wanted_compare(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return pci_address_compare(&x->address, &y->address);
}

/* Whether the node is the one by which VFIO users open this very device. One of a mediated device,
 * which is below the device's folder, is a use of the device. */
static bool is_vfio_node(const char *target, struct pci_address address)
{
	char text[PCI_ADDRESS_SIZE], part[PCI_ADDRESS_SIZE + 16];

	pci_address_format(address, text);
	snprintf(part, sizeof(part), "/%s/vfio-dev/", text);
	return strstr(target, part) != NULL;
}

/* The node hangs on the device. 0, or errno, which ends the walk. */
static int walk_found(struct walk *w, const struct wanted *wanted)
{
	if (!w->found) {
		w->has[wanted->index] = true;
		return 0;
	}
	if (w->found->count >= NODES_MAX)
		return E2BIG;
	w->node.hold = HOLD_NODE;
	w->node.id = -1;
	w->node.address = wanted->address;
	return node_numbers_add(w->found, &w->node);
}

/* Called for every function that the node hangs on. */
static int walk_function(void *arg, struct pci_address address)
{
	struct walk *w = arg;
	const struct wanted key = {.address = address},
			    *wanted = bsearch(
				    &key, w->wanted, w->n_wanted, sizeof(key), wanted_compare);

	if (!wanted || is_vfio_node(w->target, address))
		return 0;
	return w->error = walk_found(w, wanted);
}

/* One entry of a folder of numbers: "247:0", a link to the device's folder. */
static int walk_entry(struct walk *w, int folder_fd, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(folder_fd, name, target, sizeof(target) - 1);

	if (n < 0) /* the node has gone meanwhile */
		return errno == ENOENT ? 0 : errno;
	target[n] = '\0';
	if (!node_number_parse(name, &w->node.number))
		return 0;
	w->target = target;
	class_link_functions(w->sysfs->root_fd, target, walk_function, w);
	return w->error;
}

/* A simulated host may be without this folder, if it is one of files alone. */
static int walk_folder(struct walk *w, const char *folder, mode_t type)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(w->sysfs->root_fd, folder);
	int error = 0;

	if (!dir)
		return errno == ENOENT && !w->sysfs->is_real ? 0 : errno;
	w->node = (struct node_number){.type = type};
	for (struct dirent *entry; !error && (entry = sysfs_readdir(dir));)
		error = walk_entry(w, dirfd(dir), entry->d_name);
	return error;
}

static int walk_unlinked(void *arg, const struct node_number *node, size_t index)
{
	struct walk *w = arg;

	w->node = *node;
	return w->error = walk_found(w, &w->wanted[index]);
}

/* What is in a table of our own. The same nodes may be linked, too. */
static int walk_table(struct walk *w)
{
	int error = 0;

	for (size_t i = 0; !error && i < w->n_wanted; i++)
		error = unlinked_nodes_find(w->sysfs, w->wanted[i].address, i, walk_unlinked, w);
	return error;
}

static int walk_nodes(struct walk *w, const struct pci_address *addresses, size_t n)
{
	CLEANUP(free_cleanup) struct wanted *wanted = calloc(n + 1, sizeof(*wanted));

	if (!wanted)
		return ENOMEM;
	for (size_t i = 0; i < n; i++)
		wanted[i] = (struct wanted){.address = addresses[i], .index = i};
	if (n > 1)
		qsort(wanted, n, sizeof(*wanted), wanted_compare);
	w->wanted = wanted;
	w->n_wanted = n;
	int error = walk_folder(w, "sys/dev/char", S_IFCHR);
	if (!error)
		error = walk_folder(w, "sys/dev/block", S_IFBLK);
	return error ? error : walk_table(w);
}

int native_nodes_find(const struct sysfs *sysfs, const struct pci_address *addresses, size_t n,
	struct node_numbers *ret)
{
	struct node_numbers found = {0};
	struct walk w = {.sysfs = sysfs, .found = &found};
	int error = walk_nodes(&w, addresses, n);

	if (error) {
		node_numbers_clear(&found);
		return error;
	}
	node_numbers_sort(&found);
	*ret = found;
	return 0;
}

int native_nodes_have(
	const struct sysfs *sysfs, const struct pci_address *addresses, size_t n, bool *has)
{
	struct walk w = {.sysfs = sysfs, .has = has};

	memset(has, 0, n * sizeof(*has));
	return walk_nodes(&w, addresses, n);
}

/* Reads the line of the node's `uevent` that says where it is below /dev. False when there is none.
 */
static bool read_name(const struct sysfs *sysfs, const struct node_number *node, char *buf)
{
	static const char KEY[] = "DEVNAME=";
	char path[64], *save = NULL;
	size_t len;

	snprintf(path, sizeof(path), "sys/dev/%s/%u:%u/uevent",
		node->type == S_IFBLK ? "block" : "char", major(node->number), minor(node->number));
	CLEANUP(free_cleanup) char *text = sysfs_slurp(sysfs->root_fd, path, 65536, &len);
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, KEY, strlen(KEY)) != 0 || !line[strlen(KEY)])
			continue;
		snprintf(buf, NODE_SIZE, "/dev/%.*s", NODE_SIZE - 6, line + strlen(KEY));
		text_clean(buf);
		return true;
	}
	return false;
}

const char *native_node_name(const struct sysfs *sysfs, struct node_number *node)
{
	if (!node->name[0] && !read_name(sysfs, node, node->name))
		snprintf(node->name, sizeof(node->name), "%s %u:%u",
			node->type == S_IFBLK ? "block" : "char", major(node->number),
			minor(node->number));
	return node->name;
}

bool native_nodes_show_console(int root_fd)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(root_fd, "sys/class/vtconsole");
	char path[NAME_MAX + 8], text[64];

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		snprintf(path, sizeof(path), "%s/name", entry->d_name);
		if (sysfs_read(dirfd(dir), path, text, sizeof(text)) <= 0 ||
			!strstr(text, "frame buffer"))
			continue;
		snprintf(path, sizeof(path), "%s/bind", entry->d_name);
		if (sysfs_read(dirfd(dir), path, text, sizeof(text)) > 0 && text[0] == '1')
			return true;
	}
	return false;
}

static int is_same(void *arg, struct pci_address address)
{
	return pci_address_equal(*(const struct pci_address *)arg, address);
}

bool native_nodes_have_console(const struct sysfs *sysfs, struct pci_address address)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(
		sysfs->root_fd, "sys/dev/char/29:0", target, sizeof(target) - 1); /* fb0 */

	if (n < 0)
		return false;
	target[n] = '\0';
	return class_link_functions(sysfs->root_fd, target, is_same, &address) != 0;
}
