/* SPDX-License-Identifier: MIT */
/* Who may change devices. */
#include "tools/vfiod/access/callers.h"

#include "core/base/clock.h"
#include "tools/vfiod/access/lookups.h"
#include "tools/vfiod/access/membership.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

/* A user taken out of the group has lost the right this much later at the latest. */
#define KEEP_NS (10 * NS_PER_S)

static int read_membership(void *arg, uid_t uid)
{
	const struct callers *c = arg;

	return membership_read(uid, c->group);
}

/* Of most callers it is known without the user database. */
static void callers_ask(void *arg, uid_t uid, gid_t gid, rpc_rights_done done, void *done_arg)
{
	const struct callers *c = arg;

	if (uid == 0 || uid == c->owner || (c->has_group && gid == c->group))
		done(done_arg, RPC_RIGHTS_YES);
	else if (!c->has_group)
		done(done_arg, RPC_RIGHTS_NO);
	else
		lookups_ask(c->lookups, uid, done, done_arg);
}

int callers_init(struct callers *callers, bool simulated)
{
	const struct lookups_config config = {
		.may = read_membership,
		.arg = callers,
		.keep_ns = KEEP_NS,
		.users = 256,
		.threads = 8,
		.waiting = 32,
	};
	const struct group *gr = getgrnam("vfiod");

	*callers = (struct callers){.owner = getuid(),
		.simulated = simulated,
		.has_group = gr,
		.lookups = lookups_new(&config),
		.rights = {callers_ask, callers}};
	if (gr)
		callers->group = gr->gr_gid;
	return callers->lookups ? 0 : -ENOMEM;
}

bool callers_drain(struct callers *callers, int64_t deadline_ns)
{
	return lookups_drain(callers->lookups, deadline_ns);
}

void callers_clear(struct callers *callers)
{
	lookups_free(callers->lookups);
	callers->lookups = NULL;
}
