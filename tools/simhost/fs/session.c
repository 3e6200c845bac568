/* SPDX-License-Identifier: MIT */
/* A mounted simulated host. */
#include "tools/simhost/fs/session.h"
#include "core/base/clock.h"
#include "tools/simhost/fs/fs.h"
#include "tools/simhost/fs/stream.h"

#include "core/base/util.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Every write that waits has a thread: there may be one for each of many devices. */
enum { MAX_THREADS = 4096, IDLE_THREADS = 8 };

struct session {
	struct model *model;
	struct fs fs;
	struct fuse_session *fuse;
	const char *mountpoint;
	int signals; /* those that end it, as a file */
	pthread_t main;
	atomic_bool ended;
};

static void on_wake(int number)
{
	(void)number;
}

/* Waits for a signal, or the end of the mount, which a file of FUSE tells as an error; and ends the
 * session: lets go of what waits, for libfuse joins its threads. It looks whether to end only when
 * its main thread is interrupted, which could be just before that begins to sleep: so again and
 * again. */
static void *end_when_due(void *arg)
{
	const struct timespec pause = {.tv_nsec = 10 * NS_PER_MS};
	struct session *s = arg;
	struct pollfd due[] = {
		{.fd = s->signals, .events = POLLIN}, {.fd = fuse_session_fd(s->fuse)}};

	while (poll(due, ARRAY_SIZE(due), -1) < 0 && errno == EINTR)
		;
	model_stop(s->model);
	fuse_session_exit(s->fuse);
	while (!atomic_load(&s->ended)) {
		pthread_kill(s->main, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static int session_loop(struct session *s)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	pthread_t thread;

	if (!config)
		return -1;
	fuse_loop_cfg_set_max_threads(config, MAX_THREADS);
	fuse_loop_cfg_set_idle_threads(config, IDLE_THREADS);
	int error = pthread_create(&thread, NULL, end_when_due, s);
	if (!error) {
		error = fuse_session_loop_mt(s->fuse, config);
		atomic_store(&s->ended, true);
		pthread_join(thread, NULL);
	}
	fuse_loop_cfg_destroy(config);
	if (error)
		fprintf(stderr, "simhost: serving %s ended: %s\n", s->mountpoint,
			strerror(error < 0 ? -error : error));
	return error ? -1 : 0;
}

/* Only root's mounts may be seen by others without asking /etc/fuse.conf. */
static struct fuse_session *new_session(struct fs *fs)
{
	const char *options =
		geteuid() == 0 ? "default_permissions,fsname=simhost,subtype=simhost,allow_other"
			       : "default_permissions,fsname=simhost,subtype=simhost";
	const char *argv[] = {"simhost", "-o", options};
	struct fuse_args args = FUSE_ARGS_INIT(3, (char **)argv);
	struct fuse_session *fuse =
		fuse_session_new(&args, &fs_operations, sizeof(fs_operations), fs);

	fuse_opt_free_args(&args);
	return fuse;
}

/* Takes the signals over, in all threads to come. */
static int open_signals(struct session *s)
{
	const struct sigaction wake = {.sa_handler = on_wake};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGUSR1, &wake, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return s->signals < 0 ? -1 : 0;
}

static int mount_and_loop(struct session *s, bool foreground)
{
	int result = -1;

	if (fuse_session_mount(s->fuse, s->mountpoint) != 0) {
		fprintf(stderr, "simhost: cannot mount on %s (see above)\n", s->mountpoint);
		return -1;
	}
	/* Before any thread, for threads do not survive the fork. */
	if (fuse_daemonize(foreground) == 0 && open_signals(s) == 0) {
		result = session_loop(s);
		close(s->signals);
	}
	fuse_session_unmount(s->fuse);
	return result;
}

int session_run(struct model *model, const char *mountpoint, bool foreground)
{
	struct session s = {.model = model, .mountpoint = mountpoint, .main = pthread_self()};

	fs_init(&s.fs, model, stream_new());
	model_listen(model, stream_event, s.fs.stream);
	s.fuse = new_session(&s.fs);
	int result = s.fuse ? mount_and_loop(&s, foreground) : -1;
	model_listen(model, NULL, NULL);
	fs_clear(&s.fs);
	stream_free(s.fs.stream);
	if (s.fuse)
		fuse_session_destroy(s.fuse);
	return result;
}
