/* SPDX-License-Identifier: MIT */
/* Hostile bytes as an address, as an allowlist entry, and as the host's own files. */
#include "core/base/text.h"
#include "core/base/util.h"
#include "core/pci/allowlist.h"
#include "core/pci/real.h"
#include "core/use/disk_use.h"
#include "core/use/net_use.h"
#include "tests/support/tree.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void parse_address(const char *text)
{
	struct pci_address address, again;
	char canonical[PCI_ADDRESS_SIZE];

	if (!pci_address_parse(text, &address))
		return;
	pci_address_format(address, canonical);
	/* What was accepted has one form, which names the same device and leads nowhere else. */
	if (!pci_address_parse(canonical, &again) || !pci_address_equal(address, again) ||
		strpbrk(canonical, "/ \n"))
		abort();
}

static void parse_allowlist(const char *text)
{
	struct core_error err = CORE_ERROR_INIT;
	struct allowlist_entry entry;
	struct allowlist list = {0};
	char *texts[] = {(char *)text, (char *)text};

	bool ok = allowlist_entry_parse(text, &entry);
	if ((allowlist_parse(texts, 2, &list, &err) == 0) != ok)
		abort();
	if (ok && (entry.vendor < -1 || entry.vendor > 0xffff || entry.device < -1 ||
			  entry.device > 0xffff))
		abort();
	allowlist_clear(&list);
	core_error_clear(&err);
}

static void clean(char *text)
{
	CLEANUP(free_cleanup) char *once = NULL;

	text_clean(text);
	once = strdup(text);
	text_clean(text);
	if (!once || strcmp(once, text) != 0)
		abort();
}

/* One host for all inputs: a card with a disk and an interface that is up. */
static struct tree *host(void)
{
	static struct tree *tree;

	if (tree)
		return tree;
	tree = tree_new();
	tree_add_device(tree, &(struct tree_device){.address = "0000:03:00.0"});
	tree_add_net(
		tree, &(struct tree_net){.name = "eth0", .address = "0000:03:00.0", .up = true});
	tree_add_disk(tree, &(struct tree_disk){.name = "sda", .address = "0000:03:00.0"});
	return tree;
}

/* The text is all four files at once. */
static void read_usage(const char *text)
{
	static const char *const files[] = {
		"proc/1/mountinfo", "proc/swaps", "proc/net/route", "proc/net/if_inet6"};
	const struct pci_address card = {.bus = 3};
	struct core_error err = CORE_ERROR_INIT;
	struct core_problems problems = {0};
	struct usage *usage = NULL;
	struct sysfs sysfs;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		tree_write(host(), files[i], "%s", text);
	if (sysfs_open(&sysfs, tree_root(host())) || usage_read(&sysfs, &usage, &err))
		abort();
	usage_check_disk(usage, card, &problems);
	usage_check_network(usage, card, &problems);
	core_problems_clear(&problems);
	usage_free(usage);
	sysfs_close(&sysfs);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(free_cleanup) char *text = malloc(len + 1);

	if (!text)
		return 0;
	memcpy(text, bytes, len);
	text[len] = '\0';
	parse_address(text);
	parse_allowlist(text);
	read_usage(text);
	clean(text);
	return 0;
}
