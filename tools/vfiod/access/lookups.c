/* SPDX-License-Identifier: MIT */
/* Asking about users off the threads that serve. */
#include "tools/vfiod/access/lookups.h"

#include "core/base/clock.h"
#include "core/base/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

enum { IDLE_MS = 10000 }; /* how long a thread that asks nothing stays */

struct waiter {
	STAILQ_ENTRY(waiter) next;
	rpc_rights_done done;
	void *done_arg;
};

STAILQ_HEAD(waiters, waiter);

enum user_state { USER_NONE, USER_ASKED, USER_KNOWN };

struct user {
	struct lookups *lookups;
	enum user_state state;
	uid_t uid;
	enum rpc_rights_answer answer; /* of a known one */
	int64_t until_ns;
	struct waiters waiters; /* of one that is asked about */
	unsigned n_waiters;
};

struct lookups {
	struct lookups_config config;
	struct workers *workers;
	pthread_mutex_t lock;
	struct user *users;
	unsigned n_asked; /* users being asked about */
};

struct lookups *lookups_new(const struct lookups_config *config)
{
	struct lookups *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->config = *config;
	pthread_mutex_init(&l->lock, NULL);
	l->users = calloc(config->users, sizeof(*l->users));
	l->workers = workers_new(config->threads, config->threads, IDLE_MS);
	if (!l->users || !l->workers) {
		lookups_free(l);
		return NULL;
	}
	for (unsigned i = 0; i < config->users; i++)
		l->users[i].lookups = l;
	return l;
}

/* The user's place, or the one to take for them: a free one, or that of the oldest answer. NULL:
 * all are being asked about. The lock is held. */
static struct user *find_place(struct lookups *l, uid_t uid)
{
	struct user *place = NULL;

	for (unsigned i = 0; i < l->config.users; i++) {
		struct user *user = &l->users[i];

		if (user->state != USER_NONE && user->uid == uid)
			return user;
		if (user->state == USER_ASKED)
			continue;
		if (!place ||
			(place->state == USER_KNOWN &&
				(user->state == USER_NONE || user->until_ns < place->until_ns)))
			place = user;
	}
	return place;
}

static bool is_fresh(const struct user *user, uid_t uid)
{
	return user->state == USER_KNOWN && user->uid == uid && now_ns() < user->until_ns;
}

static bool add_waiter(struct user *user, rpc_rights_done done, void *done_arg)
{
	struct waiter *waiter;

	if (user->n_waiters >= user->lookups->config.waiting)
		return false;
	waiter = malloc(sizeof(*waiter));
	if (!waiter)
		return false;
	*waiter = (struct waiter){.done = done, .done_arg = done_arg};
	STAILQ_INSERT_TAIL(&user->waiters, waiter, next);
	user->n_waiters++;
	return true;
}

static enum rpc_rights_answer answer_of(int may)
{
	if (may < 0)
		return RPC_RIGHTS_UNKNOWN;
	return may ? RPC_RIGHTS_YES : RPC_RIGHTS_NO;
}

/* What a worker does: asks, and tells all who wait. */
static void look_up(void *arg)
{
	struct user *user = arg;
	struct lookups *l = user->lookups;
	enum rpc_rights_answer answer = answer_of(l->config.may(l->config.arg, user->uid));
	struct waiters waiters = STAILQ_HEAD_INITIALIZER(waiters);
	struct waiter *waiter;

	pthread_mutex_lock(&l->lock);
	STAILQ_CONCAT(&waiters, &user->waiters);
	user->n_waiters = 0;
	user->state = answer == RPC_RIGHTS_UNKNOWN ? USER_NONE : USER_KNOWN;
	user->answer = answer;
	user->until_ns = now_ns() + l->config.keep_ns;
	l->n_asked--;
	pthread_mutex_unlock(&l->lock);
	while ((waiter = STAILQ_FIRST(&waiters))) {
		STAILQ_REMOVE_HEAD(&waiters, next);
		waiter->done(waiter->done_arg, answer);
		free(waiter);
	}
}

/* Has a worker ask about the user, in a place that is free. The lock is held. */
static bool lookups_start(struct user *place, uid_t uid, rpc_rights_done done, void *done_arg)
{
	struct lookups *l = place->lookups;
	struct waiter *waiter;

	if (l->n_asked >= 2 * l->config.threads)
		return false;
	*place = (struct user){.lookups = l, .uid = uid};
	STAILQ_INIT(&place->waiters);
	if (!add_waiter(place, done, done_arg))
		return false;
	if (workers_submit(l->workers, look_up, place)) {
		place->state = USER_ASKED;
		l->n_asked++;
		return true;
	}
	waiter = STAILQ_FIRST(&place->waiters);
	STAILQ_REMOVE_HEAD(&place->waiters, next);
	free(waiter);
	return false;
}

void lookups_ask(struct lookups *l, uid_t uid, rpc_rights_done done, void *done_arg)
{
	enum rpc_rights_answer answer = RPC_RIGHTS_BUSY;
	bool waits = false;

	pthread_mutex_lock(&l->lock);
	struct user *user = find_place(l, uid);
	if (user && is_fresh(user, uid))
		answer = user->answer;
	else if (user && user->state == USER_ASKED)
		waits = add_waiter(user, done, done_arg);
	else if (user)
		waits = lookups_start(user, uid, done, done_arg);
	pthread_mutex_unlock(&l->lock);
	if (!waits)
		done(done_arg, answer);
}

bool lookups_drain(struct lookups *l, int64_t deadline_ns)
{
	return workers_drain(l->workers, deadline_ns);
}

void lookups_free(struct lookups *l)
{
	if (!l)
		return;
	workers_free(l->workers);
	pthread_mutex_destroy(&l->lock);
	free(l->users);
	free(l);
}
