/* SPDX-License-Identifier: MIT */
/* The folders of state and sockets: what is given to the daemon's user, and what never. Only root
 * can give anything away. The state folder as a whole daemon leaves it is in tests/sweep/state. */
#include "core/base/util.h"
#include "tests/core/test.h"
#include "tools/vfiod/folders.h"
#include "tools/vfiod/state_folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct identity user;
static char top[64];

static int wipe_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)ftw;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static void wipe(const char *path)
{
	nftw(path, wipe_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int setup(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");

	(void)state;
	assert_non_null(nobody);
	user = (struct identity){.uid = nobody->pw_uid, .gid = nobody->pw_gid};
	snprintf(user.name, sizeof(user.name), "nobody");
	snprintf(top, sizeof(top), "/tmp/vfiod-folders-XXXXXX");
	assert_non_null(mkdtemp(top));
	assert_int_equal(chmod(top, 0755), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wipe(top);
	return 0;
}

/* A path below the test's own folder; good until the eighth call after. */
static const char *at(const char *name)
{
	static char paths[8][200];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s%s%s", top, *name ? "/" : "", name);
	return path;
}

static void make(const char *name, uid_t owner, mode_t mode)
{
	assert_int_equal(mkdir(at(name), 0700), 0);
	assert_int_equal(chown(at(name), owner, owner), 0);
	assert_int_equal(chmod(at(name), mode), 0);
}

static void make_file(const char *name, uid_t owner, const char *text)
{
	CLEANUP(fd_cleanup) int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	assert_int_equal(fchown(fd, owner, owner), 0);
}

static void assert_is(const char *path, uid_t owner, mode_t mode)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	if (status.st_uid != owner || (status.st_mode & 07777) != mode)
		fail_msg("%s: %u %o", path, status.st_uid, status.st_mode & 07777);
}

static int sockets_in(const char *folder)
{
	char urls[300];

	snprintf(urls, sizeof(urls), "tcp://127.0.0.1:1,ipc://%s/a.sock", folder);
	return folder_make_for_urls(urls, &user, (gid_t)-1);
}

static void a_folder_that_is_made_is_given(void **state)
{
	(void)state;
	mode_t before = umask(077);
	int error = sockets_in(at("new"));
	umask(before);
	assert_int_equal(error, 0);
	assert_is(at("new"), user.uid, 0755);
	/* And so it is found at the next start. */
	assert_int_equal(sockets_in(at("new")), 0);
	assert_int_equal(sockets_in(at("x/y/z")), 0);
	assert_is(at("x/y/z"), user.uid, 0755);
	assert_is(at("x/y"), 0, 0755);
}

static void a_folder_of_somebody_elses_never_is(void **state)
{
	(void)state;
	make("empty", 0, 0755);
	assert_int_equal(sockets_in(at("empty")), -1);
	assert_is(at("empty"), 0, 0755);
	make("others", 65533, 0755);
	assert_int_equal(sockets_in(at("others")), -1);
	assert_is(at("others"), 65533, 0755);
	assert_int_equal(symlink(at("empty"), at("link")), 0);
	assert_int_equal(sockets_in(at("link")), -1);
	assert_is(at("empty"), 0, 0755);
	make_file("file", 0, "");
	assert_int_equal(sockets_in(at("file")), -1);
}

static void one_where_the_user_may_write_is_as_good(void **state)
{
	(void)state;
	make("open", 0, 01777);
	assert_int_equal(sockets_in(at("open")), 0);
	assert_is(at("open"), 0, 01777);
	make("group", 0, 0770);
	assert_int_equal(sockets_in(at("group")), -1);
	assert_int_equal(chown(at("group"), 0, user.gid), 0);
	assert_int_equal(sockets_in(at("group")), 0);
	assert_is(at("group"), 0, 0770);
}

/* The service manager makes it as root at each start, and an end by SIGKILL leaves sockets. */
static void below_run_it_is_given_while_it_holds_sockets_alone(void **state)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	CLEANUP(fd_cleanup) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	if (access("/run", W_OK) < 0)
		skip();
	wipe(top);
	snprintf(top, sizeof(top), "/run/vfiod-folders-XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/stale.sock", top);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	make_file("file", 0, "");
	assert_int_equal(sockets_in(top), -1);
	assert_is(top, 0, 0700);
	assert_int_equal(unlink(at("file")), 0);
	assert_int_equal(sockets_in(top), 0);
	assert_is(top, user.uid, 0755);
}

static int open_state(const char *path)
{
	struct state_folder folder = {.locks_fd = -1};
	int error = state_folder_open(path, &user, &folder);

	if (!error) {
		assert_true(folder.locks_fd >= 0);
		assert_is(folder.daemon, user.uid, 0700);
	}
	state_folder_clear(&folder);
	return error;
}

static void assert_in_order(const char *name)
{
	char inside[100];

	assert_is(at(name), 0, 0755);
	snprintf(inside, sizeof(inside), "%s/locks", name);
	assert_is(at(inside), 0, 0750);
	snprintf(inside, sizeof(inside), "%s/daemon", name);
	assert_is(at(inside), user.uid, 0700);
}

static void state_is_roots_above_a_folder_of_the_users(void **state)
{
	(void)state;
	assert_int_equal(open_state(at("a/b")), 0);
	assert_in_order("a/b");
	assert_int_equal(open_state(at("a/b")), 0);
	assert_in_order("a/b");
	/* Whatever the service manager or an umask made of it. */
	assert_int_equal(chown(at("a/b/daemon"), 0, 0), 0);
	assert_int_equal(chmod(at("a/b/locks"), 0700), 0);
	assert_int_equal(chmod(at("a/b"), 0700), 0);
	assert_int_equal(open_state(at("a/b")), 0);
	assert_in_order("a/b");
}

static void state_of_an_older_version_is_taken_back(void **state)
{
	(void)state;
	make("old", user.uid, 0700);
	make("old/locks", 0, 0755);
	make_file("old/state.db", user.uid, "records");
	make_file("old/state.db-wal", user.uid, "");
	assert_int_equal(open_state(at("old")), 0);
	assert_in_order("old");
	assert_is(at("old/daemon/state.db"), user.uid, 0600);
	assert_is(at("old/daemon/state.db-wal"), user.uid, 0600);
	assert_int_equal(access(at("old/state.db"), F_OK), -1);
	/* Cut off in the middle: the log is where it has to be, and the database not yet. */
	assert_int_equal(rename(at("old/daemon/state.db"), at("old/state.db")), 0);
	assert_int_equal(open_state(at("old")), 0);
	assert_is(at("old/daemon/state.db"), user.uid, 0600);
}

static void hostile_contents_are_refused_and_not_touched(void **state)
{
	(void)state;
	make_file("victim", 0, "root's");
	make("victims", 0, 0700);
	static const char *const names[] = {"state.db", "state.db-wal", "locks", "daemon"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (int hard = 0; hard < 2; hard++) {
			char name[40];

			make("old", user.uid, 0700);
			if (strcmp(names[i], "state.db") != 0)
				make_file("old/state.db", user.uid, "records");
			snprintf(name, sizeof(name), "old/%s", names[i]);
			if (hard)
				assert_int_equal(link(at("victim"), at(name)), 0);
			else
				assert_int_equal(
					symlink(at(i < 2 ? "victim" : "victims"), at(name)), 0);
			assert_int_equal(open_state(at("old")), -1);
			assert_is(at("victim"), 0, 0644);
			assert_is(at("victims"), 0, 0700);
			wipe(at("old"));
		}
	}
	/* Locks of its own making are not the privileged helper's. */
	make("old", user.uid, 0700);
	make("old/locks", user.uid, 0755);
	assert_int_equal(open_state(at("old")), -1);
}

static void state_where_others_rule_is_refused(void **state)
{
	(void)state;
	make("others", 65533, 0755);
	assert_int_equal(open_state(at("others")), -1);
	assert_is(at("others"), 65533, 0755);
	make("sticky", 0, 01777);
	assert_int_equal(open_state(at("sticky")), -1);
	assert_is(at("sticky"), 0, 01777);
	/* Whoever owns a folder above can exchange it. */
	make("users", user.uid, 0755);
	assert_int_equal(open_state(at("users/state")), -1);
	make("writable", 0, 0777);
	make("writable/deep", 0, 0755);
	assert_int_equal(open_state(at("writable/deep/state")), -1);
}

static void an_older_vfiod_that_runs_is_left_alone(void **state)
{
	(void)state;
	make("old", user.uid, 0700);
	CLEANUP(fd_cleanup) int fd = open(at("old"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(open_state(at("old")), -1);
	assert_is(at("old"), user.uid, 0700);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_folder_that_is_made_is_given),
		TEST(a_folder_of_somebody_elses_never_is),
		TEST(one_where_the_user_may_write_is_as_good),
		TEST(below_run_it_is_given_while_it_holds_sockets_alone),
		TEST(state_is_roots_above_a_folder_of_the_users),
		TEST(state_of_an_older_version_is_taken_back),
		TEST(hostile_contents_are_refused_and_not_touched),
		TEST(state_where_others_rule_is_refused),
		TEST(an_older_vfiod_that_runs_is_left_alone),
	};

	if (geteuid() != 0) {
		puts("skipped: to give anything away, one must be root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
