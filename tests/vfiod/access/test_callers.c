/* SPDX-License-Identifier: MIT */
/* Which users may change devices, by a user database of the test's own. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "tools/vfiod/access/callers.h"
#include "tools/vfiod/access/membership.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum {
	VFIOD = 64000, /* the group */
	MEMBER = 64001,
	STRANGER = 64002,
	BUSY = 64003, /* in hundreds of groups, the last of which is vfiod */
	LONG = 64004, /* with an entry of several KiB */
	PRIMARY = 64005,
	GROUPS = 700,
};

static void write_users(FILE *f)
{
	fputs("root:x:0:0::/:/bin/sh\n", f);
	fprintf(f, "member:x:%d:%d::/:/bin/sh\n", MEMBER, STRANGER);
	fprintf(f, "stranger:x:%d:%d::/:/bin/sh\n", STRANGER, STRANGER);
	fprintf(f, "busy:x:%d:%d::/:/bin/sh\n", BUSY, STRANGER);
	fprintf(f, "long:x:%d:%d:%08000d:/:/bin/sh\n", LONG, STRANGER, 0);
	fprintf(f, "primary:x:%d:%d::/:/bin/sh\n", PRIMARY, VFIOD);
}

static void write_groups(FILE *f)
{
	fputs("root:x:0:\n", f);
	for (int i = 0; i < GROUPS; i++)
		fprintf(f, "g%d:x:%d:busy\n", i, 65000 + i);
	fprintf(f, "vfiod:x:%d:member,busy,long\n", VFIOD);
}

static void write_order(FILE *f)
{
	fputs("passwd: files\ngroup: files\n", f);
}

static bool put(const char *over, void (*write_to)(FILE *))
{
	char path[] = "/tmp/vfiod-users-XXXXXX";
	CLEANUP(fd_cleanup) int fd = mkstemp(path);
	FILE *f = fdopen(dup(fd), "w");

	assert_non_null(f);
	write_to(f);
	fclose(f);
	fchmod(fd, 0644);
	bool ok = mount(path, over, NULL, MS_BIND, NULL) == 0;
	unlink(path);
	return ok;
}

/* Only this process sees these. */
static bool users_are_ours;

static int setup(void **state)
{
	(void)state;
	users_are_ours = unshare(CLONE_NEWNS) == 0 &&
			 mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
			 put("/etc/nsswitch.conf", write_order) &&
			 put("/etc/passwd", write_users) && put("/etc/group", write_groups);
	return 0;
}

static void test_membership(void **state)
{
	(void)state;
	if (!users_are_ours)
		skip();
	assert_int_equal(membership_read(MEMBER, VFIOD, NULL), 1);
	assert_int_equal(membership_read(PRIMARY, VFIOD, NULL), 1);
	assert_int_equal(membership_read(STRANGER, VFIOD, NULL), 0);
	assert_int_equal(membership_read(STRANGER, STRANGER, NULL), 1);
	assert_int_equal(membership_read(64999, VFIOD, NULL), 0);
}

static void test_many_groups_and_a_long_entry(void **state)
{
	(void)state;
	if (!users_are_ours)
		skip();
	assert_int_equal(membership_read(BUSY, VFIOD, NULL), 1);
	assert_int_equal(membership_read(BUSY, 65000 + GROUPS - 1, NULL), 1);
	assert_int_equal(membership_read(BUSY, 65000 + GROUPS, NULL), 0);
	assert_int_equal(membership_read(LONG, VFIOD, NULL), 1);
}

/* A database that cannot be read is not one without that user. */
static void test_trouble_is_not_a_no(void **state)
{
	struct rlimit before, none;

	(void)state;
	if (!users_are_ours)
		skip();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int r = membership_read(MEMBER, VFIOD, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r, -EMFILE);
}

struct asker {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done;
	enum rpc_rights_answer answer;
};

static void on_answer(void *arg, enum rpc_rights_answer answer)
{
	struct asker *asker = arg;

	pthread_mutex_lock(&asker->lock);
	asker->done = true;
	asker->answer = answer;
	pthread_cond_signal(&asker->answered);
	pthread_mutex_unlock(&asker->lock);
}

static void expect(
	const struct callers *callers, uid_t uid, gid_t gid, enum rpc_rights_answer answer)
{
	struct asker asker = {
		.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};

	callers->rights.ask(callers->rights.arg, uid, gid, on_answer, &asker);
	pthread_mutex_lock(&asker.lock);
	while (!asker.done)
		pthread_cond_wait(&asker.answered, &asker.lock);
	pthread_mutex_unlock(&asker.lock);
	assert_int_equal(asker.answer, answer);
}

static void end(struct callers *callers)
{
	assert_true(callers_drain(callers, now_ns() + 60 * NS_PER_S));
	callers_clear(callers);
}

static void test_who_may(void **state)
{
	struct callers callers;

	(void)state;
	if (!users_are_ours)
		skip();
	assert_int_equal(callers_init(&callers, false), 0);
	assert_true(callers.has_group);
	assert_int_equal(callers.group, VFIOD);
	expect(&callers, 0, (gid_t)-1, RPC_RIGHTS_YES);
	expect(&callers, getuid(), (gid_t)-1, RPC_RIGHTS_YES);
	expect(&callers, STRANGER, VFIOD, RPC_RIGHTS_YES);
	expect(&callers, MEMBER, (gid_t)-1, RPC_RIGHTS_YES);
	expect(&callers, BUSY, STRANGER, RPC_RIGHTS_YES);
	expect(&callers, STRANGER, (gid_t)-1, RPC_RIGHTS_NO);
	expect(&callers, 64999, (gid_t)-1, RPC_RIGHTS_NO);
	end(&callers);
}

static void test_without_the_group_nobody_is_asked_about(void **state)
{
	struct callers callers;

	(void)state;
	assert_int_equal(callers_init(&callers, false), 0);
	callers.has_group = false;
	/* After this, whoever had to be looked up would be told "busy". */
	assert_true(callers_drain(&callers, now_ns()));
	expect(&callers, 0, (gid_t)-1, RPC_RIGHTS_YES);
	expect(&callers, STRANGER, (gid_t)-1, RPC_RIGHTS_NO);
	callers.has_group = true;
	callers.group = VFIOD;
	expect(&callers, 0, (gid_t)-1, RPC_RIGHTS_YES);
	expect(&callers, STRANGER, (gid_t)-1, RPC_RIGHTS_BUSY);
	callers_clear(&callers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_membership),
		cmocka_unit_test(test_many_groups_and_a_long_entry),
		cmocka_unit_test(test_trouble_is_not_a_no),
		cmocka_unit_test(test_who_may),
		cmocka_unit_test(test_without_the_group_nobody_is_asked_about),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
