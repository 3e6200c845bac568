/* SPDX-License-Identifier: MIT */
/* A stand-in for the privileged helper. */
#include "tests/support/fake_helper.h"
#include "core/base/util.h"
#include "core/pci/real.h"
#include "core/use/vfio_nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>

enum { MAX_FAULTS = 32, MAX_KEPT = 32 };

/* A write that has not returned. */
struct blocked {
	int reply_fd, lock;
	bool has_effect;
	struct helper_request request;
};

struct fake_helper {
	struct tree *tree;
	int fd;
	pthread_t thread;
	pthread_mutex_t mutex; /* of all that follows */
	struct fake_fault faults[MAX_FAULTS];
	size_t n_faults;
	unsigned writes;
	char *log;
	size_t log_len;
	struct blocked kept[MAX_KEPT];
	size_t n_kept;
	struct helper_reply holders, node_holders;
	unsigned node_looks;
	unsigned after;
	void (*then)(void *arg);
	void *arg;
};

static void log_write(
	struct fake_helper *f, const char *verb, const char *address, const char *name)
{
	char *line = NULL;
	int len = asprintf(&line, "%s%s%s%s%s\n", verb, address[0] ? " " : "", address,
		name[0] ? " " : "", name);
	char *grown = len < 0 ? NULL : realloc(f->log, f->log_len + (size_t)len + 1);

	if (!grown)
		abort();
	memcpy(grown + f->log_len, line, (size_t)len + 1);
	f->log = grown;
	f->log_len += (size_t)len;
	free(line);
}

static bool driver_exists(const struct fake_helper *f, const char *driver)
{
	char path[400];

	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", driver);
	return tree_exists(f->tree, path);
}

/* Whether the kernel would match the driver to the device. */
static bool matches(const struct fake_helper *f, const char *address, const char *driver)
{
	char override[OVERRIDE_SIZE];

	tree_override(f->tree, address, override, sizeof(override));
	return strcmp(override[0] ? override : tree_native(f->tree, address), driver) == 0;
}

static int bind_driver(struct fake_helper *f, const char *address, const char *driver)
{
	char now[64];

	if (!driver_exists(f, driver))
		return ENOENT;
	if (!matches(f, address, driver))
		return ENODEV;
	tree_driver(f->tree, address, now, sizeof(now));
	if (now[0])
		return EBUSY;
	tree_bind(f->tree, address, driver);
	return 0;
}

/* Succeeds whatever comes of it, as the kernel's drivers_probe. */
static int probe(struct fake_helper *f, const char *address)
{
	char driver[OVERRIDE_SIZE];

	tree_override(f->tree, address, driver, sizeof(driver));
	if (!driver[0])
		snprintf(driver, sizeof(driver), "%s", tree_native(f->tree, address));
	if (driver[0])
		(void)bind_driver(f, address, driver);
	return 0;
}

static int apply(struct fake_helper *f, const struct helper_request *r, const char *address)
{
	char path[64], class[16] = "";

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/class", address);
	CLEANUP(free_cleanup) char *text = tree_read(f->tree, path);
	if (!text)
		return ENODEV;
	snprintf(class, sizeof(class), "%.8s", text);
	if (strncmp(class, "0x06", 4) == 0)
		return EPERM;
	switch (r->op) {
	case HELPER_OVERRIDE_SET:
		tree_set_override(f->tree, address, r->name);
		return 0;
	case HELPER_UNBIND:
		tree_unbind(f->tree, address);
		return 0;
	case HELPER_BIND:
		return bind_driver(f, address, r->name);
	default:
		return probe(f, address);
	}
}

static int take_lock(const struct fake_helper *f, const char *address)
{
	struct flock lock = {.l_type = F_WRLCK};
	CLEANUP(fd_cleanup) int folder = tree_open_locks(f->tree);
	int fd = openat(folder, address, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		abort();
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return fd;
	close(fd);
	return -1;
}

static void keep(struct fake_helper *f, const struct helper_request *r, int *lock, bool has_effect)
{
	if (f->n_kept == MAX_KEPT)
		abort();
	f->kept[f->n_kept++] = (struct blocked){-1, *lock, has_effect, *r};
	*lock = -1;
}

static const struct fake_fault *fault_now(const struct fake_helper *f, const char *address)
{
	for (size_t i = 0; i < f->n_faults; i++) {
		const struct fake_fault *fault = &f->faults[i];
		unsigned count = fault->count ? fault->count : 1;

		if (f->writes >= fault->at && f->writes - fault->at < count &&
			(!fault->address || strcmp(fault->address, address) == 0))
			return fault;
	}
	return NULL;
}

static void wait_ms(int ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

enum outcome { ANSWER, STAY_SILENT, DIE };

/* Strikes with a fault. *error is the answer. */
static enum outcome strike(struct fake_helper *f, const struct fake_fault *fault,
	const struct helper_request *r, const char *address, int *lock, int *error)
{
	*error = fault->error;
	switch (fault->kind) {
	case FAKE_ERRNO:
		return ANSWER;
	case FAKE_DONE_ERRNO:
		apply(f, r, address);
		return ANSWER;
	case FAKE_LIE:
		*error = 0;
		return ANSWER;
	case FAKE_HANG:
	case FAKE_BLOCK:
		keep(f, r, lock, fault->kind == FAKE_BLOCK);
		return STAY_SILENT;
	case FAKE_LATE:
		wait_ms(fault->error);
		*error = apply(f, r, address);
		return ANSWER;
	case FAKE_VANISH:
		tree_remove_device(f->tree, address);
		*error = ENODEV;
		return ANSWER;
	case FAKE_DIE:
		break;
	}
	return DIE;
}

static enum outcome change_device(struct fake_helper *f, const struct helper_request *r, int *error)
{
	static const char *const verbs[HELPER_OP_COUNT] = {
		[HELPER_OVERRIDE_SET] = "override",
		[HELPER_UNBIND] = "unbind",
		[HELPER_BIND] = "bind",
		[HELPER_PROBE] = "probe",
	};
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(r->address, address);
	CLEANUP(fd_cleanup) int lock = take_lock(f, address);
	if (lock < 0) {
		*error = EINPROGRESS;
		return ANSWER;
	}
	log_write(f, verbs[r->op], address, r->op == HELPER_UNBIND ? "" : r->name);
	f->writes++;
	const struct fake_fault *fault = fault_now(f, address);
	if (fault)
		return strike(f, fault, r, address, &lock, error);
	*error = apply(f, r, address);
	return ANSWER;
}

static int set_node(struct fake_helper *f, const struct helper_request *r)
{
	struct sysfs sysfs = SYSFS_INIT;
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(r->address, address);
	log_write(f, "node", address, "");
	if (sysfs_open(&sysfs, tree_root(f->tree)) < 0)
		abort();
	int error = vfio_node_set(&sysfs, r->address, &r->access);
	sysfs_close(&sysfs);
	return error;
}

/* Mappings, or everything else. */
static void answer_holders(
	const struct helper_reply *all, bool mappings, struct helper_reply *reply)
{
	reply->error = all->error;
	for (unsigned i = 0; i < all->n_holders; i++) {
		if ((all->holders[i].hold == HOLD_MAPPING) == mappings)
			reply->holders[reply->n_holders++] = all->holders[i];
	}
}

/* Holders that are said to hold no device in particular hold the first that is asked for. */
static void answer_nodes(const struct helper_reply *all, const struct helper_request *r,
	const struct pci_address *addresses, struct helper_reply *reply)
{
	*reply = *all;
	if (r->op != HELPER_NODE_HOLDERS)
		reply->n_holders = 0;
	for (unsigned i = 0; i < reply->n_holders; i++) {
		if (reply->holders[i].has_address)
			continue;
		reply->holders[i].has_address = true;
		reply->holders[i].address = addresses[0];
	}
}

static enum outcome handle(struct fake_helper *f, const struct helper_request *r,
	const struct pci_address *addresses, struct helper_reply *reply)
{
	char address[PCI_ADDRESS_SIZE];

	switch (r->op) {
	case HELPER_OVERRIDE_GET:
		pci_address_format(r->address, address);
		tree_override(f->tree, address, reply->text, sizeof(reply->text));
		return ANSWER;
	case HELPER_HOLDERS:
	case HELPER_MAPPINGS:
		answer_holders(&f->holders, r->op == HELPER_MAPPINGS, reply);
		return ANSWER;
	case HELPER_NODE_HOLDERS:
	case HELPER_KERNEL_USE:
		f->node_looks += r->op == HELPER_NODE_HOLDERS;
		answer_nodes(&f->node_holders, r, addresses, reply);
		return ANSWER;
	case HELPER_DISKS:
		reply->blind = f->node_holders.blind;
		return ANSWER;
	case HELPER_NODE_SET:
		reply->error = set_node(f, r);
		return ANSWER;
	case HELPER_LOAD:
		log_write(f, "load", "", r->name);
		reply->error = EPERM;
		return ANSWER;
	default:
		return change_device(f, r, &reply->error);
	}
}

/* One command with its addresses, and its reply channel. */
static bool receive(
	int fd, struct helper_request *request, struct pci_address *addresses, int *ret_reply_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec parts[] = {{.iov_base = request, .iov_len = sizeof(*request)},
		{.iov_base = addresses, .iov_len = HELPER_MAX_DEVICES * sizeof(*addresses)}};
	struct msghdr msg = {.msg_iov = parts,
		.msg_iovlen = ARRAY_SIZE(parts),
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};

	if (recvmsg(fd, &msg, MSG_CMSG_CLOEXEC) < (ssize_t)sizeof(*request) || !CMSG_FIRSTHDR(&msg))
		return false;
	memcpy(ret_reply_fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return true;
}

static void *serve(void *arg)
{
	struct fake_helper *f = arg;
	struct helper_request request;
	struct pci_address addresses[HELPER_MAX_DEVICES];
	enum outcome outcome = ANSWER;
	int reply_fd;

	while (outcome != DIE && receive(f->fd, &request, addresses, &reply_fd)) {
		struct helper_reply reply = {0};

		pthread_mutex_lock(&f->mutex);
		unsigned writes = f->writes;
		outcome = handle(f, &request, addresses, &reply);
		if (outcome == STAY_SILENT)
			f->kept[f->n_kept - 1].reply_fd = reply_fd;
		void (*then)(void *arg) =
			f->writes > writes && f->writes == f->after ? f->then : NULL;
		pthread_mutex_unlock(&f->mutex);
		if (then)
			then(f->arg);
		if (outcome == ANSWER)
			(void)send(reply_fd, &reply, sizeof(reply), MSG_NOSIGNAL);
		if (outcome == DIE)
			shutdown(f->fd, SHUT_RDWR); /* the kernel closes the lower one first, too */
		if (outcome != STAY_SILENT)
			close(reply_fd);
	}
	close(f->fd); /* and with it what is queued, reply channels and all */
	return NULL;
}

struct fake_helper *fake_helper_new(struct tree *tree, struct helper **ret_helper)
{
	struct fake_helper *f = calloc(1, sizeof(*f));
	int pair[2];

	if (!f || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	f->tree = tree;
	f->fd = pair[1];
	pthread_mutex_init(&f->mutex, NULL);
	*ret_helper = helper_attach(pair[0]);
	if (!*ret_helper || pthread_create(&f->thread, NULL, serve, f) != 0)
		abort();
	return f;
}

void fake_helper_fail(struct fake_helper *f, const struct fake_fault *fault)
{
	pthread_mutex_lock(&f->mutex);
	if (f->n_faults == MAX_FAULTS)
		abort();
	f->faults[f->n_faults++] = *fault;
	pthread_mutex_unlock(&f->mutex);
}

void fake_helper_set_holders(
	struct fake_helper *f, const struct holder *holders, unsigned n, int error)
{
	pthread_mutex_lock(&f->mutex);
	f->holders = (struct helper_reply){.error = error, .n_holders = n};
	if (n > 0)
		memcpy(f->holders.holders, holders, n * sizeof(*holders));
	pthread_mutex_unlock(&f->mutex);
}

void fake_helper_set_console(struct fake_helper *f, bool console)
{
	pthread_mutex_lock(&f->mutex);
	f->node_holders.console = console;
	pthread_mutex_unlock(&f->mutex);
}

void fake_helper_set_blind(struct fake_helper *f, const char *node, int error)
{
	pthread_mutex_lock(&f->mutex);
	f->node_holders.blind.error = error;
	snprintf(f->node_holders.blind.node, NODE_SIZE, "%s", node);
	pthread_mutex_unlock(&f->mutex);
}

void fake_helper_set_node_holders(
	struct fake_helper *f, const struct holder *holders, unsigned n, bool claimed)
{
	pthread_mutex_lock(&f->mutex);
	f->node_holders = (struct helper_reply){.n_holders = n, .claimed = claimed};
	if (n > 0)
		memcpy(f->node_holders.holders, holders, n * sizeof(*holders));
	pthread_mutex_unlock(&f->mutex);
}

void fake_helper_after(struct fake_helper *f, unsigned write, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&f->mutex);
	f->after = write;
	f->then = fn;
	f->arg = arg;
	pthread_mutex_unlock(&f->mutex);
}

void fake_helper_clear(struct fake_helper *f)
{
	pthread_mutex_lock(&f->mutex);
	f->n_faults = 0;
	f->writes = 0;
	f->log_len = 0;
	free(STEAL(f->log));
	pthread_mutex_unlock(&f->mutex);
}

void fake_helper_release(struct fake_helper *f)
{
	pthread_mutex_lock(&f->mutex);
	while (f->n_kept > 0) {
		const struct blocked *b = &f->kept[--f->n_kept];
		char address[PCI_ADDRESS_SIZE];

		pci_address_format(b->request.address, address);
		if (b->has_effect)
			apply(f, &b->request, address);
		close(b->reply_fd);
		close(b->lock);
	}
	pthread_mutex_unlock(&f->mutex);
}

char *fake_helper_log(struct fake_helper *f)
{
	pthread_mutex_lock(&f->mutex);
	char *log = strdup(f->log ? f->log : "");
	pthread_mutex_unlock(&f->mutex);
	if (!log)
		abort();
	return log;
}

unsigned fake_helper_writes(struct fake_helper *f)
{
	pthread_mutex_lock(&f->mutex);
	unsigned writes = f->writes;
	pthread_mutex_unlock(&f->mutex);
	return writes;
}

unsigned fake_helper_node_looks(struct fake_helper *f)
{
	pthread_mutex_lock(&f->mutex);
	unsigned looks = f->node_looks;
	pthread_mutex_unlock(&f->mutex);
	return looks;
}

void fake_helper_free(struct fake_helper *f)
{
	if (!f)
		return;
	pthread_join(f->thread, NULL);
	fake_helper_release(f);
	pthread_mutex_destroy(&f->mutex);
	free(f->log);
	free(f);
}
