/* SPDX-License-Identifier: MIT */
/*
 * An enemy in main's place. The input is a series of messages, with descriptors of all kinds, for
 * the privileged helper's own code on a static host; no child is forked, for speed. Whatever came:
 * the privileged helper answers a plain look, no descriptor and no process is left over, and
 * nothing was changed but what a command may change.
 */
#include "core/base/util.h"
#include "core/helper/channel.h"
#include "core/helper/work.h"
#include "core/pci/real.h"
#include "tests/support/tree.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { MAX_WATCHES = 4096, MAX_FDS = 3, MAX_MESSAGES = 32, MAX_ADDRESSES = 8 };

static const char *const ADDRESSES[] = {"0000:00:01.0", "0000:01:00.0", "0000:01:00.1",
	"0000:02:00.0", "0000:04:00.0", "0000:06:00.0", "0000:08:00.0", "0000:99:00.0"};
static const char *const NAMES[] = {"", "vfio-pci", "nvme", "e1000e", "nvidia", "pcieport", "..",
	"../../devices", "vfio-pci/../nvme", "mlx5_vfio_pci", "none", "vfio-pci\nx"};

static struct tree *tree;
static struct helper_service service;
static int near_ends[HELPER_WAYS];
static int watch_fd;
static char *watched[MAX_WATCHES]; /* path below the root of each watch descriptor */

/* What is left of the input. */
struct input {
	const uint8_t *bytes;
	size_t len;
};

static unsigned take(struct input *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->bytes++;
}

static void take_into(struct input *in, void *to, size_t len)
{
	size_t n = len < in->len ? len : in->len;

	memcpy(to, in->bytes, n);
	in->bytes += n;
	in->len -= n;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_helper: %s\n", what);
	abort();
}

static size_t count_descriptors(void)
{
	CLEANUP(dir_cleanup) DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	must(dir, "/proc/self/fd");
	while (readdir(dir))
		n++;
	return n;
}

/* Watches a folder and those in it. */
static void watch(const char *path)
{
	enum { WHAT = IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVE };
	char absolute[600], below[500];
	struct dirent *entry;

	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(tree), path);
	int wd = inotify_add_watch(watch_fd, absolute, WHAT | IN_ONLYDIR | IN_DONT_FOLLOW);
	must(wd > 0 && wd < MAX_WATCHES, "inotify_add_watch");
	watched[wd] = strdup(path);
	CLEANUP(dir_cleanup) DIR *dir = opendir(absolute);
	must(dir, absolute);
	while ((entry = sysfs_readdir(dir))) {
		if (entry->d_type != DT_DIR)
			continue;
		snprintf(below, sizeof(below), "%s%s%s", path, *path ? "/" : "", entry->d_name);
		watch(below);
	}
}

static void set_up(void)
{
	static struct allowlist allow;
	static struct helper_config config;

	tree = tree_new_standard();
	config = (struct helper_config){.root = tree_root(tree), .allow = &allow};
	service = (struct helper_service){.config = &config,
		.lock_fd = tree_open_locks(tree),
		.main_pid = getpid(),
		.sysfs = SYSFS_INIT};
	must(sysfs_open(&service.sysfs, tree_root(tree)) == 0, "sysfs_open");
	must(!service.sysfs.is_real, "the static host counts as real");
	for (size_t i = 0; i < HELPER_WAYS; i++) {
		int pair[2];

		must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "channel");
		near_ends[i] = pair[0];
		service.channels[i] = pair[1];
	}
	watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	watch("");
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* Whether a command may have this effect. Nothing in a bridge's folder is ever touched. */
static bool may_change(const char *folder, const char *name, uint32_t mask)
{
	if (strstr(folder, ADDRESSES[0]) && ends_with(folder, ADDRESSES[0]))
		return false;
	if (strncmp(folder, "dev/vfio", 8) == 0)
		return mask == IN_ATTRIB;
	if (mask != IN_MODIFY)
		return false;
	if (strcmp(name, "driver_override") == 0)
		return true;
	if (strcmp(folder, "sys/bus/pci") == 0)
		return strcmp(name, "drivers_probe") == 0;
	return strncmp(folder, "sys/bus/pci/drivers/", 20) == 0 &&
	       (strcmp(name, "bind") == 0 || strcmp(name, "unbind") == 0);
}

static void check_changes(void)
{
	_Alignas(struct inotify_event) char events[16384];
	ssize_t n;

	while ((n = read(watch_fd, events, sizeof(events))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(events + at);

			must(!(e->mask & IN_Q_OVERFLOW), "events were lost");
			if (!may_change(watched[e->wd], e->len ? e->name : "",
				    e->mask & ~(uint32_t)IN_ISDIR)) {
				fprintf(stderr, "%s/%s: mask %x\n", watched[e->wd],
					e->len ? e->name : "", e->mask);
				abort();
			}
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}

/* What a message brings along. The near end of a reply, when there is one, is in *near. */
static int make_descriptor(unsigned kind, int *near)
{
	static const int types[] = {SOCK_SEQPACKET, SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM};
	int pair[2];

	switch (kind % 8) {
	case 4:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 5:
		return fcntl(service.channels[HELPER_WAY_CHANGE], F_DUPFD_CLOEXEC, 0);
	case 6:
		return fcntl(near_ends[HELPER_WAY_LOOK], F_DUPFD_CLOEXEC, 0);
	case 7:
		return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	default:
		must(socketpair(AF_UNIX, types[kind % 8] | SOCK_CLOEXEC, 0, pair) == 0, "pair");
		fd_cleanup(near);
		*near = pair[0];
		return pair[1];
	}
}

static void make_request(struct input *in, struct helper_request *r)
{
	unsigned how = take(in);

	if (how & 0x80) {
		take_into(in, r, sizeof(*r));
		return;
	}
	r->op = take(in) % (HELPER_OP_COUNT + 1);
	pci_address_parse(ADDRESSES[how % ARRAY_SIZE(ADDRESSES)], &r->address);
	unsigned name = take(in);
	if (name < ARRAY_SIZE(NAMES))
		snprintf(r->name, sizeof(r->name), "%s", NAMES[name]);
	else
		take_into(in, r->name, name);
	if (r->op == HELPER_NODE_SET)
		take_into(in, &r->access, sizeof(r->access));
	if (r->op == HELPER_NODE_HOLDERS || r->op == HELPER_KERNEL_USE)
		r->n_addresses = take(in) % (MAX_ADDRESSES + 1);
}

/* The addresses behind a command, which may say that there are more. Returns their length. */
static size_t make_addresses(struct input *in, const struct helper_request *r, char *bytes)
{
	struct pci_address address = {0};
	uint32_t n = r->n_addresses < MAX_ADDRESSES ? r->n_addresses : MAX_ADDRESSES;

	for (uint32_t i = 0; i < n; i++) {
		unsigned which = take(in);
		if (which < ARRAY_SIZE(ADDRESSES))
			pci_address_parse(ADDRESSES[which], &address);
		else
			take_into(in, &address, sizeof(address));
		memcpy(bytes + i * sizeof(address), &address, sizeof(address));
	}
	return n * sizeof(address);
}

static size_t make_length(struct input *in, unsigned how)
{
	switch (how >> 4 & 3) {
	case 0:
		return take(in) * 3;
	case 1:
		return sizeof(struct helper_request) + 1;
	default:
		return sizeof(struct helper_request);
	}
}

static void send_message(int channel, const void *bytes, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	must(sendmsg(channel, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len, "sendmsg");
}

/* As the privileged helper's process and its child do. Whether it was a command. */
static bool serve(enum helper_way way)
{
	const struct holders nobody = {0};
	struct helper_reply reply = {0};
	struct helper_command command;
	int lock = -1;

	enum helper_got got = helper_receive(&service, way, &command);
	must(got != HELPER_GOT_END, "an open channel counts as closed");
	if (got == HELPER_GOT_NOTHING)
		return false;
	reply.error = helper_begin(&service, &command, &lock, &reply);
	if (reply.error)
		helper_answer(command.reply_fd, &reply, &nobody);
	else
		helper_finish(&service, &command, lock);
	close(command.reply_fd);
	return true;
}

/* Serves what there is, an answer that the privileged helper was made to send itself too. How many
 * commands that were. */
static unsigned serve_all(enum helper_way way)
{
	struct pollfd p = {.fd = service.channels[way], .events = POLLIN};
	unsigned n = 0;

	while (poll(&p, 1, 0) > 0)
		n += serve(way);
	return n;
}

static void one_message(struct input *in)
{
	unsigned how = take(in), manners = take(in);
	enum helper_way way = how & 1 ? HELPER_WAY_LOOK : HELPER_WAY_CHANGE;
	size_t n = how >> 1 & MAX_FDS, len = make_length(in, how);
	char bytes[2 * sizeof(struct helper_request) + 800] = {0};
	struct helper_request request = {0};
	int fds[MAX_FDS], near = -1;
	char answer[16];

	for (size_t i = 0; i < n; i++)
		fds[i] = make_descriptor(take(in), &near);
	make_request(in, &request);
	memcpy(bytes, &request, sizeof(request));
	size_t whole = sizeof(request) + make_addresses(in, &request, bytes + sizeof(request));
	if (len == sizeof(request))
		len = whole;
	send_message(near_ends[way], bytes, len, fds, n);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	if (manners & 1)
		fd_cleanup(&near);
	if (manners & 1)
		near = -1;
	must(serve_all(way) <= (n == 1 && len == whole),
		"a command that is no whole message with one descriptor");
	if (near >= 0 && (manners & 2))
		(void)!recv(near, answer, sizeof(answer), MSG_DONTWAIT);
	fd_cleanup(&near);
}

static void plain_look(void)
{
	static struct helper_reply reply;
	const struct helper_request look = {.op = HELPER_HOLDERS};
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "pair");
	send_message(near_ends[HELPER_WAY_LOOK], &look, sizeof(look), &pair[1], 1);
	close(pair[1]);
	must(serve(HELPER_WAY_LOOK), "a plain look was not taken");
	must(recv(pair[0], &reply, sizeof(reply), MSG_DONTWAIT) == (ssize_t)sizeof(reply),
		"a plain look was not answered");
	must(reply.error == 0 && !reply.more, "a plain look failed");
	close(pair[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input in = {bytes, len};

	if (!tree)
		set_up();
	/* Between inputs libFuzzer opens what it likes. */
	size_t n_open = count_descriptors();
	for (int i = 0; i < MAX_MESSAGES && in.len > 0; i++)
		one_message(&in);
	for (size_t i = 0; i < HELPER_WAYS; i++)
		must(serve_all((enum helper_way)i) == 0, "a message that nobody sent is a command");
	plain_look();
	must(count_descriptors() == n_open, "a descriptor was left open");
	check_changes();
	return 0;
}
