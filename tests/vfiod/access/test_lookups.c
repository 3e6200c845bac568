/* SPDX-License-Identifier: MIT */
/* Asking about users: shared, remembered, bounded, and never on the asker's thread. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "tools/vfiod/access/lookups.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_NS (3600 * NS_PER_S)
#define LONG_NS (60 * NS_PER_S)

/* A directory that answers when the test says so. */
struct directory {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool shut; /* questions wait */
	int under_way, most_under_way, questions;
	int answer;
};

struct scene {
	struct directory directory;
	struct lookups *lookups;
};

static int may(void *arg, uid_t uid)
{
	struct directory *d = arg;
	int answer;

	(void)uid;
	pthread_mutex_lock(&d->lock);
	d->questions++;
	if (++d->under_way > d->most_under_way)
		d->most_under_way = d->under_way;
	pthread_cond_broadcast(&d->changed);
	while (d->shut)
		pthread_cond_wait(&d->changed, &d->lock);
	d->under_way--;
	answer = d->answer;
	pthread_mutex_unlock(&d->lock);
	return answer;
}

static void set_shut(struct directory *d, bool shut)
{
	pthread_mutex_lock(&d->lock);
	d->shut = shut;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static void set_answer(struct directory *d, int answer)
{
	pthread_mutex_lock(&d->lock);
	d->answer = answer;
	pthread_mutex_unlock(&d->lock);
}

static void wait_for_questions(struct directory *d, int n)
{
	pthread_mutex_lock(&d->lock);
	while (d->questions < n)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

static int questions(struct directory *d)
{
	pthread_mutex_lock(&d->lock);
	int n = d->questions;
	pthread_mutex_unlock(&d->lock);
	return n;
}

/* Somebody who asks. */
struct asker {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	int answers;
	enum rpc_rights_answer answer;
	pthread_t thread; /* that answered */
};

static void on_answer(void *arg, enum rpc_rights_answer answer)
{
	struct asker *asker = arg;

	pthread_mutex_lock(&asker->lock);
	asker->answers++;
	asker->answer = answer;
	asker->thread = pthread_self();
	pthread_cond_signal(&asker->answered);
	pthread_mutex_unlock(&asker->lock);
}

static void ask(struct scene *scene, struct asker *asker, uid_t uid)
{
	*asker = (struct asker){
		.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};
	lookups_ask(scene->lookups, uid, on_answer, asker);
}

static void expect(struct asker *asker, enum rpc_rights_answer answer)
{
	pthread_mutex_lock(&asker->lock);
	while (asker->answers == 0)
		pthread_cond_wait(&asker->answered, &asker->lock);
	assert_int_equal(asker->answers, 1);
	assert_int_equal(asker->answer, answer);
	pthread_mutex_unlock(&asker->lock);
}

static void expect_waiting(struct asker *asker)
{
	pthread_mutex_lock(&asker->lock);
	assert_int_equal(asker->answers, 0);
	pthread_mutex_unlock(&asker->lock);
}

/* It was answered by the ask itself. */
static void expect_at_once(struct asker *asker, enum rpc_rights_answer answer)
{
	assert_int_equal(asker->answers, 1);
	assert_true(pthread_equal(asker->thread, pthread_self()));
	expect(asker, answer);
}

static struct scene *scene_new(int64_t keep_ns, unsigned users)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	const struct lookups_config config = {.may = may,
		.arg = &scene->directory,
		.keep_ns = keep_ns,
		.users = users,
		.threads = 2,
		.waiting = 3};

	scene->directory = (struct directory){.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.answer = 1};
	scene->lookups = lookups_new(&config);
	assert_non_null(scene->lookups);
	return scene;
}

static void scene_free(struct scene *scene)
{
	set_shut(&scene->directory, false);
	assert_true(lookups_drain(scene->lookups, now_ns() + LONG_NS));
	lookups_free(scene->lookups);
	free(scene);
}

static void test_an_answer_comes_from_elsewhere_and_is_remembered(void **state)
{
	struct scene *scene = scene_new(KEEP_NS, 8);
	struct asker first, second;

	(void)state;
	for (int answer = 0; answer <= 1; answer++) {
		uid_t uid = 1000 + (uid_t)answer;

		set_answer(&scene->directory, answer);
		ask(scene, &first, uid);
		expect(&first, answer ? RPC_RIGHTS_YES : RPC_RIGHTS_NO);
		assert_false(pthread_equal(first.thread, pthread_self()));
		set_answer(&scene->directory, !answer);
		ask(scene, &second, uid);
		expect_at_once(&second, answer ? RPC_RIGHTS_YES : RPC_RIGHTS_NO);
	}
	assert_int_equal(questions(&scene->directory), 2);
	scene_free(scene);
}

static void test_an_old_answer_is_not_believed(void **state)
{
	struct scene *scene = scene_new(0, 8);
	struct asker asker;

	(void)state;
	ask(scene, &asker, 1000);
	expect(&asker, RPC_RIGHTS_YES);
	set_answer(&scene->directory, 0);
	ask(scene, &asker, 1000);
	expect(&asker, RPC_RIGHTS_NO);
	scene_free(scene);
}

static void test_what_could_not_be_told_is_not_remembered(void **state)
{
	struct scene *scene = scene_new(KEEP_NS, 8);
	struct asker asker;

	(void)state;
	set_answer(&scene->directory, -EIO);
	ask(scene, &asker, 1000);
	expect(&asker, RPC_RIGHTS_UNKNOWN);
	set_answer(&scene->directory, 1);
	ask(scene, &asker, 1000);
	expect(&asker, RPC_RIGHTS_YES);
	scene_free(scene);
}

static void test_one_question_a_user(void **state)
{
	struct scene *scene = scene_new(KEEP_NS, 8);
	struct asker askers[3], more;

	(void)state;
	set_shut(&scene->directory, true);
	for (int i = 0; i < 3; i++)
		ask(scene, &askers[i], 1000);
	ask(scene, &more, 1000);
	expect_at_once(&more, RPC_RIGHTS_BUSY);
	wait_for_questions(&scene->directory, 1);
	expect_waiting(&askers[0]);
	set_shut(&scene->directory, false);
	for (int i = 0; i < 3; i++)
		expect(&askers[i], RPC_RIGHTS_YES);
	assert_int_equal(questions(&scene->directory), 1);
	scene_free(scene);
}

/* Two threads, and two users who wait for one. */
static void test_questions_are_bounded(void **state)
{
	struct scene *scene = scene_new(KEEP_NS, 8);
	struct asker askers[4], more;

	(void)state;
	set_shut(&scene->directory, true);
	for (uid_t i = 0; i < 4; i++)
		ask(scene, &askers[i], 1000 + i);
	wait_for_questions(&scene->directory, 2);
	ask(scene, &more, 2000);
	expect_at_once(&more, RPC_RIGHTS_BUSY);
	set_shut(&scene->directory, false);
	for (int i = 0; i < 4; i++)
		expect(&askers[i], RPC_RIGHTS_YES);
	assert_int_equal(scene->directory.most_under_way, 2);
	ask(scene, &more, 2000);
	expect(&more, RPC_RIGHTS_YES);
	scene_free(scene);
}

/* The oldest answer makes room; a user who is being asked about does not. */
static void test_memory_is_bounded(void **state)
{
	struct scene *scene = scene_new(KEEP_NS, 2);
	struct asker asker, waiting;

	(void)state;
	for (uid_t uid = 1; uid <= 3; uid++) {
		ask(scene, &asker, uid);
		expect(&asker, RPC_RIGHTS_YES);
	}
	ask(scene, &asker, 3);
	expect_at_once(&asker, RPC_RIGHTS_YES);
	ask(scene, &asker, 2);
	expect_at_once(&asker, RPC_RIGHTS_YES);
	set_shut(&scene->directory, true);
	ask(scene, &waiting, 1);
	wait_for_questions(&scene->directory, 4);
	ask(scene, &asker, 3);
	expect_at_once(&asker, RPC_RIGHTS_YES);
	set_shut(&scene->directory, false);
	expect(&waiting, RPC_RIGHTS_YES);
	scene_free(scene);
}

static void test_the_end_does_not_wait_for_ever(void **state)
{
	struct scene *scene = scene_new(KEEP_NS, 8);
	struct asker asker, late;

	(void)state;
	set_shut(&scene->directory, true);
	ask(scene, &asker, 1000);
	wait_for_questions(&scene->directory, 1);
	assert_false(lookups_drain(scene->lookups, now_ns()));
	ask(scene, &late, 1001);
	expect_at_once(&late, RPC_RIGHTS_BUSY);
	set_shut(&scene->directory, false);
	expect(&asker, RPC_RIGHTS_YES);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_comes_from_elsewhere_and_is_remembered),
		cmocka_unit_test(test_an_old_answer_is_not_believed),
		cmocka_unit_test(test_what_could_not_be_told_is_not_remembered),
		cmocka_unit_test(test_one_question_a_user),
		cmocka_unit_test(test_questions_are_bounded),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_the_end_does_not_wait_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
