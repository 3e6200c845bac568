/* SPDX-License-Identifier: MIT */
/* The life of a change. */
#include "core/change/lifecycle.h"

#include "core/base/util.h"
#include "core/change/node_keeper.h"
#include "core/engine.h"
#include "core/record/records.h"

/* Any other event leaves the phase as it is. */
static const struct transition {
	enum intent_phase from;
	enum change_event event;
	enum intent_phase to;
} TRANSITIONS[] = {
	{CHANGE_MAKING, CHANGE_DONE, CHANGE_ENDED},
	{CHANGE_MAKING, CHANGE_FAILED, CHANGE_ROLLING_BACK},
	{CHANGE_MAKING, CHANGE_FOUND, CHANGE_ROLLING_BACK},
	{CHANGE_MAKING, CHANGE_BLOCKED, CHANGE_FINISHING},
	{CHANGE_MAKING, CHANGE_BLOCKED_AMONG_OTHERS, CHANGE_ROLLING_BACK},
	{CHANGE_FINISHING, CHANGE_DONE, CHANGE_ENDED},
	{CHANGE_FINISHING, CHANGE_FAILED, CHANGE_ROLLING_BACK},
	{CHANGE_ROLLING_BACK, CHANGE_DONE, CHANGE_ENDED},
	/* Its records could not be written. */
	{CHANGE_ENDED, CHANGE_FAILED, CHANGE_ROLLING_BACK},
	{CHANGE_ENDED, CHANGE_BLOCKED, CHANGE_ROLLING_BACK},
	{CHANGE_ENDED, CHANGE_BLOCKED_AMONG_OTHERS, CHANGE_ROLLING_BACK},
};

void lifecycle_turn(struct intent *intent, enum change_event event)
{
	if (event == CHANGE_BLOCKED && intent->n_devices > 1)
		event = CHANGE_BLOCKED_AMONG_OTHERS;
	for (size_t i = 0; i < ARRAY_SIZE(TRANSITIONS); i++) {
		const struct transition *t = &TRANSITIONS[i];

		if (t->from == intent->phase && t->event == event) {
			intent->phase = t->to;
			return;
		}
	}
}

static bool lifecycle_wishes_nodes(const struct store_outcome *outcome)
{
	bool any = false;

	for (size_t i = 0; i < outcome->count; i++)
		any |= node_access_any(&outcome->items[i].origin.access);
	return any;
}

/* Once it is written down it is so, whatever else fails: records that cannot be read anew now are
 * with the next change. */
int lifecycle_write(struct host *host, const struct intent *intent,
	const struct store_outcome *outcome, struct core_error *err)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;

	/* A change without steps has no intent. */
	if (!intent->id && !outcome->count)
		return 0;
	if (store_end(host->store, intent, outcome, err))
		return -1;
	origins_reload(host->origins, &ignored);
	if (lifecycle_wishes_nodes(outcome))
		node_keeper_nudge(host->keeper);
	return 0;
}
