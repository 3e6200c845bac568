/* SPDX-License-Identifier: MIT */
/* Repair at start: changes that were cut off are rolled back. */
#include "core/change/recover.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/change/node_keeper.h"
#include "core/change/pending.h"
#include "core/change/rollback.h"
#include "core/change/step.h"
#include "core/engine.h"

#include <stdio.h>

/* For one device, before nothing is served: a write that takes longer is waited for beside that. */
static const int64_t DEVICE_NS = 3 * NS_PER_S;

/* For the writes of an earlier daemon to end before they count as blocked. */
static const int64_t SETTLE_NS = NS_PER_S;

/* Who is told, in a sentence for each device. */
struct reporter {
	void (*report)(void *arg, const char *sentence);
	void *arg;
};

static void recover_report(const struct reporter *to, struct pci_address address,
	const char *outcome, const char *detail)
{
	char sentence[640], text[PCI_ADDRESS_SIZE];

	pci_address_format(address, text);
	snprintf(sentence, sizeof(sentence), "a change to device %s was cut off%s%s", text, outcome,
		detail);
	to->report(to->arg, sentence);
}

static void recover_tell(void *arg, const struct device_origin *before, enum rollback_result result,
	const struct core_error *why)
{
	const char *outcome = " and could not be undone: ", *detail = why->message;

	if (result == ROLLBACK_DONE) {
		outcome = "; it is back on ";
		detail = before->driver[0] ? before->driver : "no driver";
	} else if (result == ROLLBACK_KEPT) {
		outcome = "; it stays as it is, for ";
	} else if (!why->code) {
		outcome = ", and a write to it has not returned yet: it is UNBIND_PENDING";
	}
	recover_report(arg, before->address, outcome, detail);
}

/* Goes on with the change of one device, whose write had been given up: it is not waited for again.
 */
static int recover_finish(struct host *host, struct intent *intent, const struct reporter *to)
{
	struct pci_address address = intent->before[0].address;

	if (step_settled(host, address, now_ns())) {
		recover_report(to, address, " by a write that has returned since", "");
		return pending_settle(host->pending, intent);
	}
	recover_report(
		to, address, " by a write that has not returned yet: it is UNBIND_PENDING", "");
	return pending_add(host->pending, intent);
}

/* Takes the intent over. */
static int recover_intent(struct host *host, struct intent *intent, int64_t until,
	const struct reporter *to, struct core_error *err)
{
	CLEANUP(free_cleanup) struct intent *owned = intent;
	const struct rollback rollback = {.host = host,
		.settle_until = until,
		.device_ns = DEVICE_NS,
		.tell = recover_tell,
		.arg = (void *)to};
	enum change_event event;

	lifecycle_turn(intent, CHANGE_FOUND);
	if (intent->phase == CHANGE_FINISHING)
		return recover_finish(host, STEAL(owned), to) ? core_fail_memory(err) : 0;
	if (rollback_run(&rollback, intent, &event, err))
		return -1;
	if (event == CHANGE_BLOCKED && pending_add(host->pending, STEAL(owned)))
		return core_fail_memory(err);
	return 0;
}

int recover_run(struct host *host, void (*report)(void *arg, const char *sentence), void *arg,
	struct core_error *err)
{
	CLEANUP(intent_list_cleanup) struct intent *list = NULL;
	const struct reporter to = {report, arg};
	int64_t until = now_ns() + SETTLE_NS;

	if (store_intents(host->store, &list, err))
		return -1;
	while (list) {
		struct intent *first = list;

		list = STEAL(first->next);
		if (recover_intent(host, first, until, &to, err))
			return -1;
	}
	node_keeper_nudge(host->keeper);
	return 0;
}
