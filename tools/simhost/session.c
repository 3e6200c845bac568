/* SPDX-License-Identifier: MIT */
/* A mounted simulated host. */
#include "tools/simhost/session.h"
#include "tools/simhost/fs.h"
#include "tools/simhost/stream.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Every write that waits has a thread: there may be one for each of many devices. */
enum { MAX_THREADS = 4096, IDLE_THREADS = 8 };

struct session {
	struct model *model;
	struct fs fs;
	struct fuse_session *fuse;
	const char *mountpoint;
	sigset_t signals; /* that end it */
	pthread_t main;
	atomic_bool ended;
};

static void on_wake(int number)
{
	(void)number;
}

/* Waits for a signal that ends the session, and ends it: lets go of what waits, for libfuse joins
 * its threads. It looks whether to end only when its main thread is interrupted, which could be
 * just before that begins to sleep: so again and again. */
static void *end_on_signal(void *arg)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	struct session *s = arg;
	int number;

	sigwait(&s->signals, &number);
	model_stop(s->model);
	fuse_session_exit(s->fuse);
	while (!atomic_load(&s->ended)) {
		pthread_kill(s->main, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static int loop(struct session *s)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	pthread_t thread;

	if (!config)
		return -1;
	fuse_loop_cfg_set_max_threads(config, MAX_THREADS);
	fuse_loop_cfg_set_idle_threads(config, IDLE_THREADS);
	int error = pthread_create(&thread, NULL, end_on_signal, s);
	if (!error) {
		error = fuse_session_loop_mt(s->fuse, config);
		atomic_store(&s->ended, true);
		/* Unmounted from outside, nobody has told the thread yet. */
		pthread_kill(thread, SIGINT);
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

static int mount_and_loop(struct session *s, bool foreground)
{
	const struct sigaction wake = {.sa_handler = on_wake};
	int result = -1;

	if (fuse_session_mount(s->fuse, s->mountpoint) != 0) {
		fprintf(stderr, "simhost: cannot mount on %s (see above)\n", s->mountpoint);
		return -1;
	}
	/* Before any thread, for threads do not survive the fork. */
	if (fuse_daemonize(foreground) == 0) {
		pthread_sigmask(SIG_BLOCK, &s->signals, NULL);
		sigaction(SIGUSR1, &wake, NULL);
		result = loop(s);
	}
	fuse_session_unmount(s->fuse);
	return result;
}

int session_run(struct model *model, const char *mountpoint, bool foreground)
{
	struct session s = {.model = model, .mountpoint = mountpoint, .main = pthread_self()};

	fs_init(&s.fs, model, stream_new());
	sigemptyset(&s.signals);
	sigaddset(&s.signals, SIGTERM);
	sigaddset(&s.signals, SIGINT);
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
