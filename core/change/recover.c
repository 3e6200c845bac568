/* SPDX-License-Identifier: MIT */
/* Repair at start: changes that were cut off are undone. */
#include "core/change/recover.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/change/node_keeper.h"
#include "core/change/pending.h"
#include "core/change/rollback.h"
#include "core/change/step.h"
#include "core/engine.h"
#include "core/helper/blocked.h"
#include "core/record/records.h"
#include "core/record/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* For one device, before nothing is served: a write that takes longer is waited for beside that. */
static const int64_t RESTORE_NS = 3LL * 1000000000;

/* For the writes of an earlier daemon to end before they count as blocked. */
static const int64_t SETTLE_NS = 1000000000;

struct unfinished {
	int64_t intent;
	char what[24];
	struct device_origin before;
};

struct unfinished_list {
	struct unfinished *items;
	size_t count;
};

/* Who is told, in a sentence for each device. */
struct reporter {
	void (*report)(void *arg, const char *sentence);
	void *arg;
};

static void list_clear(struct unfinished_list *list)
{
	free(list->items);
}

static int append(void *arg, int64_t intent, const char *what, const struct device_origin *before)
{
	struct unfinished_list *list = arg;
	struct unfinished *items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (!items)
		return -1;
	list->items = items;
	items[list->count] = (struct unfinished){.intent = intent, .before = *before};
	snprintf(items[list->count].what, sizeof(items->what), "%s", what);
	list->count++;
	return 0;
}

__attribute__((format(printf, 3, 4))) static void report(
	const struct reporter *to, struct pci_address address, const char *fmt, ...)
{
	char sentence[640], text[PCI_ADDRESS_SIZE];
	va_list args;

	pci_address_format(address, text);
	int n = snprintf(sentence, sizeof(sentence), "a change to device %s was cut off", text);
	va_start(args, fmt);
	vsnprintf(sentence + n, sizeof(sentence) - (size_t)n, fmt, args);
	va_end(args);
	to->report(to->arg, sentence);
}

/* Restores one device whose writes have ended until then. */
static void restore(struct host *host, const struct device_origin *before, int64_t until,
	const struct reporter *to, struct undone *undone)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;

	if (!transaction_settled(host, before->address, until)) {
		undone_leave(undone, before);
		report(to, before->address,
			", and a write to it has not returned yet: it is UNBIND_PENDING");
		return;
	}
	switch (undone_restore(undone, host, before, now_ns() + RESTORE_NS, &err)) {
	case UNDO_DONE:
		report(to, before->address, "; it is back on %s",
			before->driver[0] ? before->driver : "no driver");
		break;
	case UNDO_KEPT:
		report(to, before->address, "; it stays as it is, for %s", err.message);
		break;
	case UNDO_STUCK:
	case UNDO_BLOCKED:
		report(to, before->address, " and could not be undone: %s", err.message);
		break;
	}
}

/* Brings the devices of one intent back. Those that cannot be stay in it: to be waited for when a
 * write to one of them is under way, else for the next start to try again. */
static int undo_intent(struct host *host, const struct unfinished *items, size_t n, int64_t until,
	const struct reporter *to, struct core_error *err)
{
	CLEANUP(undone_clear) struct undone undone;

	if (undone_init(&undone, n))
		return core_fail_memory(err);
	for (size_t i = 0; i < n; i++)
		restore(host, &items[i].before, until, to, &undone);
	if (store_end(host->store, items->intent, &undone.outcome, err))
		return -1;
	if (undone.is_blocked && pending_add(host->pending, items->intent, "undo", undone.left,
					 undone.outcome.n_left))
		return core_fail_memory(err);
	return 0;
}

/* Goes on with the change of one device, whose write had been given up. */
static int finish_intent(struct host *host, const struct unfinished *item, int64_t until,
	const struct reporter *to, struct core_error *err)
{
	if (transaction_settled(host, item->before.address, until)) {
		report(to, item->before.address, " by a write that has returned since");
		return pending_settle(host->pending, item->intent, item->what, &item->before, 1)
			       ? core_fail_memory(err)
			       : 0;
	}
	report(to, item->before.address,
		" by a write that has not returned yet: it is UNBIND_PENDING");
	return pending_add(host->pending, item->intent, item->what, &item->before, 1)
		       ? core_fail_memory(err)
		       : 0;
}

int recover_run(struct host *host, void (*report_fn)(void *arg, const char *sentence), void *arg,
	struct core_error *err)
{
	CLEANUP(list_clear) struct unfinished_list list = {0};
	const struct reporter to = {report_fn, arg};
	int64_t until = now_ns() + SETTLE_NS;
	int result = 0;

	if (store_each_intent(host->store, append, &list, err))
		return -1;
	for (size_t i = 0, n; result == 0 && i < list.count; i += n) {
		const struct unfinished *first = &list.items[i];

		for (n = 1; i + n < list.count && first[n].intent == first->intent;)
			n++;
		result = strncmp(first->what, "finish ", 7) == 0
				 ? finish_intent(host, first, until, &to, err)
				 : undo_intent(host, first, n, until, &to, err);
	}
	if (result)
		return -1;
	node_keeper_nudge(host->keeper);
	return origins_reload(host->origins, err);
}
