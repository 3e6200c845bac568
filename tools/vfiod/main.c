/* SPDX-License-Identifier: MIT */
/*
 * vfiod: from root to service.
 *
 * The order matters. What needs root is opened first; the privileged helper is forked while there
 * is one thread and it still is root; then root is given up for good and the sandbox is shut; only
 * then come the parts that read what strangers send.
 */
#include "core/base/util.h"
#include "core/pci/names.h"
#include "core/pci/real.h"
#include "core/use/sight.h"
#include "tools/vfiod/daemon.h"
#include "tools/vfiod/folders.h"
#include "tools/vfiod/log/log.h"
#include "tools/vfiod/owner.h"
#include "tools/vfiod/sandbox/privileges.h"
#include "tools/vfiod/sandbox/sandbox.h"
#include "tools/vfiod/state_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* What main owns until the end. */
struct start {
	struct options options;
	struct listener listener;
	struct identity user;
	struct callers callers;
	struct sandbox sandbox;
	struct helper *helper;
	struct names *names; /* read while there is one thread, and nothing is forbidden yet */
	struct sysfs sysfs;  /* opened once: what was judged is what is changed */
	struct state_folder state;
	char *tls_certificate, *tls_key, *tls_authority; /* PEM text */
};

static void start_clear(struct start *s)
{
	helper_free(s->helper);
	callers_clear(&s->callers);
	names_close(s->names);
	sysfs_close(&s->sysfs);
	fd_cleanup(&s->listener.fd);
	state_folder_clear(&s->state);
	if (s->tls_key)
		explicit_bzero(s->tls_key, strlen(s->tls_key));
	free(s->tls_certificate);
	free(s->tls_key);
	free(s->tls_authority);
	options_clear(&s->options);
}

static int open_listener(struct start *s)
{
	if (listener_open(s->options.http, &s->listener) < 0)
		return -1;
	if (s->listener.loopback || s->options.api_key || s->options.insecure_no_key)
		return 0;
	log_say(LOG_ERR,
		"%s is not a loopback address and there is no API key: anyone who reaches it could take this host's devices; set VOLANT_API_KEY, or pass --insecure-no-key",
		s->listener.text);
	return -1;
}

static int read_pem(const char *path, char **ret)
{
	size_t len;

	if (!path)
		return 0;
	*ret = sysfs_slurp(AT_FDCWD, path, 1 << 20, &len);
	if (*ret)
		return 0;
	log_say(LOG_ERR, "cannot read %s: %s", path, strerror(errno));
	return -1;
}

static int read_secrets(struct start *s)
{
	return read_pem(s->options.tls_certificate, &s->tls_certificate) ||
	       read_pem(s->options.tls_key, &s->tls_key) ||
	       read_pem(s->options.tls_authority, &s->tls_authority);
}

/* Whose the sockets are to be; -1 for the process's own. */
static gid_t socket_group(const struct start *s)
{
	return s->callers.has_group && s->options.is_root ? s->callers.group : (gid_t)-1;
}

static int make_folders(struct start *s)
{
	const struct options *o = &s->options;
	const struct identity *user = o->is_root ? &s->user : NULL;
	/* With the one that many hardened hosts give root, nobody could reach what is made here. */
	mode_t before = umask(022);
	int error = state_folder_open(o->state, user, &s->state) ||
		    (!user && owner_check(o->state)) ||
		    folder_make_for_urls(o->rpc, user, socket_group(s)) ||
		    folder_make_for_urls(o->events, user, socket_group(s));

	umask(before);
	return error ? -1 : 0;
}

/* Not started as root, or told to stay root, main can do all that the privileged helper can. */
static struct helper_client client_of(const struct start *s)
{
	return (struct helper_client){
		.is_known = s->options.is_root && s->user.uid != 0,
		.uid = s->user.uid,
		.gid = s->user.gid,
	};
}

static int fork_helper(struct start *s)
{
	const struct helper_config config = {
		.root = s->options.root,
		.sysfs = &s->sysfs,
		.lock_fd = s->state.locks_fd,
		.allow = &s->options.allow,
		.deny_force = s->options.deny_force,
		.client = client_of(s),
		.confine = sandbox_helper,
		.confine_arg = &s->sandbox,
	};
	int error = helper_fork(&config, &s->helper);

	if (error)
		log_say(LOG_ERR, "cannot start the privileged process: %s", strerror(-error));
	return error;
}

static int read_names(struct start *s)
{
	s->names = names_open();
	if (s->names)
		return 0;
	log_say(LOG_ERR, "start: out of memory");
	return -1;
}

static int open_root(struct start *s)
{
	int error = sysfs_open(&s->sysfs, s->options.root);

	if (error) {
		log_say(LOG_ERR, "cannot open the root %s: %s", s->options.root, strerror(-error));
		return error;
	}
	if (!sysfs_exists(s->sysfs.root_fd, "sys")) {
		log_say(LOG_ERR, "--root %s: there is no folder sys below it, so this is no host",
			s->options.root);
		return -ENOENT;
	}
	s->sandbox.is_simulated = !s->sysfs.is_real;
	s->sysfs.sight = s->options.trust_namespace ? SIGHT_ALL : sight_find(&s->sysfs);
	if (s->sysfs.sight != SIGHT_ALL)
		log_say(LOG_WARNING,
			"%s: it refuses to change devices, for it cannot tell who uses them; " SIGHT_ACTION,
			sight_describe(s->sysfs.sight));
	return 0;
}

/* Once the folders are there. */
static void fill_sandbox(struct start *s)
{
	s->sandbox.mode = s->options.sandbox;
	s->sandbox.root = s->options.root;
	s->sandbox.state = s->state.daemon;
	s->sandbox.locks = s->options.state;
	s->sandbox.sockets[0] = s->options.rpc;
	s->sandbox.sockets[1] = s->options.events;
}

static int main_run(struct start *s)
{
	const struct inheritance in = {
		.options = &s->options,
		.listener = &s->listener,
		.helper = s->helper,
		.names = s->names,
		.sysfs = &s->sysfs,
		.client = client_of(s),
		.callers = &s->callers,
		.state = s->state.daemon,
		.lock_fd = s->state.locks_fd,
		.tls_certificate = s->tls_certificate,
		.tls_key = s->tls_key,
		.tls_authority = s->tls_authority,
		.socket_group = socket_group(s),
	};

	s->state.locks_fd = -1; /* the host's from here on */
	return daemon_run(&in);
}

/* Connections, kept device folders and a call's sockets all need descriptors, and who has none left
 * cannot look at a device. The soft limit is low for select's sake, which nobody here uses. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	CLEANUP(start_clear)
	struct start s = {.state.locks_fd = -1, .listener.fd = -1, .sysfs = SYSFS_INIT};
	log_open();
	enum options_result parsed = options_parse(argc, argv, &s.options);

	if (parsed != OPTIONS_RUN)
		return parsed == OPTIONS_DONE ? EXIT_SUCCESS : 2;
	raise_fd_limit();
	if (open_root(&s) < 0)
		return EXIT_FAILURE;
	if (s.options.is_root &&
		privileges_find_user(s.options.user, s.sandbox.is_simulated, &s.user) < 0)
		return EXIT_FAILURE;
	if (callers_init(&s.callers, s.sandbox.is_simulated) < 0) {
		log_say(LOG_ERR, "start: out of memory");
		return EXIT_FAILURE;
	}
	if (open_listener(&s) || read_secrets(&s) || make_folders(&s))
		return EXIT_FAILURE;
	fill_sandbox(&s);
	if (fork_helper(&s) || read_names(&s))
		return EXIT_FAILURE;
	if (s.options.is_root && privileges_drop(&s.user) < 0)
		return EXIT_FAILURE;
	if (sandbox_main(&s.sandbox) < 0)
		return EXIT_FAILURE;
	return main_run(&s);
}
