/* SPDX-License-Identifier: MIT */
/* Repair at start: changes that were cut off are undone. */
#include "core/host_internal.h"
#include "core/util.h"

#include <stdio.h>
#include <string.h>

static const int64_t RESTORE_NS = 30LL * 1000000000; /* for one device */

struct unfinished {
	int64_t intent;
	struct device_origin before;
};

struct unfinished_list {
	struct unfinished *items;
	size_t count;
};

static void list_clear(struct unfinished_list *list)
{
	free(list->items);
}

static int append(void *arg, int64_t intent, const struct device_origin *before)
{
	struct unfinished_list *list = arg;
	struct unfinished *items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (!items)
		return -1;
	list->items = items;
	items[list->count++] = (struct unfinished){intent, *before};
	return 0;
}

/* Restores one device and says how that went. Returns whether it is as it was. */
static bool restore(struct host *host, const struct device_origin *before,
	void (*report)(void *arg, const char *sentence), void *arg)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	char sentence[640], text[PCI_ADDRESS_SIZE];

	pci_address_format(before->address, text);
	int failed = transaction_restore(host, before, now_ns() + RESTORE_NS, &err);
	if (failed)
		snprintf(sentence, sizeof(sentence),
			"a change to device %s was cut off and could not be undone: %s", text,
			err.message);
	else
		snprintf(sentence, sizeof(sentence),
			"a change to device %s was cut off; it is back on %s", text,
			before->driver[0] ? before->driver : "no driver");
	report(arg, sentence);
	return !failed;
}

int host_recover(struct host *host, void (*report)(void *arg, const char *sentence), void *arg,
	struct core_error *err)
{
	CLEANUP(list_clear) struct unfinished_list list = {0};

	if (store_each_intent(host->store, append, &list, err))
		return -1;
	for (size_t i = 0; i < list.count;) {
		size_t first = i;
		bool all = true;

		for (; i < list.count && list.items[i].intent == list.items[first].intent; i++)
			all &= restore(host, &list.items[i].before, report, arg);
		/* An intent that could not be undone stays, for the next start to try again. */
		if (all && store_end(host->store, list.items[first].intent, NULL, 0, NULL, 0, err))
			return -1;
	}
	return origins_reload(host->origins, err);
}
