/* SPDX-License-Identifier: MIT */
/* Who may change devices. */
#include "tools/vfiod/access/callers.h"

#include "core/base/clock.h"
#include "tools/vfiod/access/lookups.h"
#include "tools/vfiod/access/membership.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A user taken out of the group has lost the right this much later at the latest. */
#define KEEP_NS (10 * NS_PER_S)

enum { NAMES = 256 };

/* The names of those who were asked about, for the log: the last one whose uid leaves the same
 * remainder. */
struct caller_names {
	pthread_mutex_t lock;
	struct {
		uid_t uid;
		char name[MEMBERSHIP_NAME];
	} users[NAMES];
};

static void names_keep(struct caller_names *names, uid_t uid, const char *name)
{
	pthread_mutex_lock(&names->lock);
	names->users[uid % NAMES].uid = uid;
	snprintf(names->users[uid % NAMES].name, MEMBERSHIP_NAME, "%s", name);
	pthread_mutex_unlock(&names->lock);
}

void callers_name(void *callers, uid_t uid, char *ret, size_t size)
{
	struct caller_names *names = ((struct callers *)callers)->names;

	pthread_mutex_lock(&names->lock);
	snprintf(ret, size, "%s",
		names->users[uid % NAMES].uid == uid ? names->users[uid % NAMES].name : "");
	pthread_mutex_unlock(&names->lock);
}

static int read_membership(void *arg, uid_t uid)
{
	const struct callers *c = arg;
	char name[MEMBERSHIP_NAME] = "";
	int result = membership_read(uid, c->group, name);

	names_keep(c->names, uid, name);
	return result;
}

/* Of those who need not be asked about. */
static struct caller_names *names_new(uid_t owner)
{
	struct caller_names *names = calloc(1, sizeof(*names));
	char name[MEMBERSHIP_NAME] = "";

	if (!names)
		return NULL;
	pthread_mutex_init(&names->lock, NULL);
	membership_read(owner, (gid_t)-1, name);
	names_keep(names, owner, name);
	names_keep(names, 0, "root");
	return names;
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
		.rights = {callers_ask, callers},
		.names = names_new(getuid())};
	if (gr)
		callers->group = gr->gr_gid;
	return callers->lookups && callers->names ? 0 : -ENOMEM;
}

bool callers_drain(struct callers *callers, int64_t deadline_ns)
{
	return lookups_drain(callers->lookups, deadline_ns);
}

void callers_clear(struct callers *callers)
{
	lookups_free(callers->lookups);
	callers->lookups = NULL;
	if (callers->names)
		pthread_mutex_destroy(&callers->names->lock);
	free(callers->names);
	callers->names = NULL;
}
