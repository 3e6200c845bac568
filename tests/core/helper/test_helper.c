/* SPDX-License-Identifier: MIT */
/* The real helper, on plain files: what it writes, what it refuses, how it ends. */
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/helper/blocked.h"
#include "core/helper/helper.h"
#include "core/use/holders.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const int64_t SECOND = 1000000000;
static const char GPU[] = "0000:01:00.0";

struct ground {
	struct tree *tree;
	struct helper *helper;
	struct allowlist allow;
	int locks;
};

static void start(struct ground *g)
{
	const struct helper_config config = {
		.root = tree_root(g->tree), .lock_fd = g->locks, .allow = &g->allow};

	assert_int_equal(helper_fork(&config, &g->helper), 0);
}

static int setup(void **state)
{
	struct ground *g = calloc(1, sizeof(*g));

	g->tree = tree_new_standard();
	g->locks = tree_open_locks(g->tree);
	start(g);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct ground *g = *state;

	helper_free(g->helper);
	allowlist_clear(&g->allow);
	close(g->locks);
	tree_free(g->tree);
	free(g);
	return 0;
}

static struct pci_address address(const char *text)
{
	struct pci_address a;

	assert_true(pci_address_parse(text, &a));
	return a;
}

static int call_until(struct ground *g, enum helper_op op, const char *device, const char *name,
	int64_t deadline, struct helper_reply *reply)
{
	struct helper_request request = {.op = op, .address = address(device)};

	snprintf(request.name, sizeof(request.name), "%s", name);
	return helper_call(g->helper, &request, deadline, reply);
}

/* The errno that the privileged helper answers. */
static int call(struct ground *g, enum helper_op op, const char *device, const char *name)
{
	struct helper_reply reply;

	assert_int_equal(call_until(g, op, device, name, now_ns() + 20 * SECOND, &reply), 0);
	return reply.error;
}

static void assert_file(struct ground *g, const char *path, const char *text)
{
	CLEANUP(free_cleanup) char *now = tree_read(g->tree, path);

	assert_non_null(now);
	assert_string_equal(now, text);
}

static void each_command_writes_its_one_file(void **state)
{
	struct ground *g = *state;

	assert_int_equal(call(g, HELPER_UNBIND, GPU, "nvidia"), 0);
	tree_unbind(g->tree, GPU);
	assert_int_equal(call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
	assert_file(g, "sys/bus/pci/drivers/vfio-pci/bind", GPU);
	assert_file(g, "sys/bus/pci/drivers/nvidia/unbind", GPU);
	assert_int_equal(call(g, HELPER_PROBE, "10000:e1:00.0", ""), 0);
	assert_file(g, "sys/bus/pci/drivers_probe", "10000:e1:00.0");
	assert_int_equal(call(g, HELPER_UNBIND, "0000:08:00.0", "nvme"), 0);
}

static void the_override_is_read_set_and_cleared(void **state)
{
	struct ground *g = *state;
	struct helper_reply reply;
	char now[OVERRIDE_SIZE];

	assert_int_equal(call_until(g, HELPER_OVERRIDE_GET, GPU, "", now_ns() + SECOND, &reply), 0);
	assert_int_equal(reply.error, 0);
	assert_string_equal(reply.text, "");
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci"), 0);
	assert_int_equal(call_until(g, HELPER_OVERRIDE_GET, GPU, "", now_ns() + SECOND, &reply), 0);
	assert_string_equal(reply.text, "vfio-pci");
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, ""), 0);
	tree_override(g->tree, GPU, now, sizeof(now));
	assert_string_equal(now, "");
	/* What somebody had there before us may be no driver's name. */
	tree_set_override(g->tree, GPU, " two words ");
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci"), 0);
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, " two words "), 0);
	assert_int_equal(call_until(g, HELPER_OVERRIDE_GET, GPU, "", now_ns() + SECOND, &reply), 0);
	assert_string_equal(reply.text, " two words ");
}

static void an_override_too_long_or_odd_to_be_restored_is_an_error(void **state)
{
	struct ground *g = *state;

	tree_write(g->tree, "sys/bus/pci/devices/0000:01:00.0/driver_override", "%0300d\n", 1);
	assert_int_equal(call(g, HELPER_OVERRIDE_GET, GPU, ""), EFBIG);
	tree_write(g->tree, "sys/bus/pci/devices/0000:01:00.0/driver_override", "a\x01z\n");
	assert_int_equal(call(g, HELPER_OVERRIDE_GET, GPU, ""), EINVAL);
}

static void names_are_checked_whatever_main_sends(void **state)
{
	static const char *const names[] = {"", ".", "..", "../../../tmp", "a/b", "vfio-pci/",
		"/etc", "vfio pci", "vfio-pci\n", "vfio\x01", "\xc3\xa9",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (call(g, HELPER_BIND, GPU, names[i]) != EINVAL)
			fail_msg("bound to '%s'", names[i]);
	}
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci\nrm"), EPERM);
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "vfio\x1b"), EPERM);
	assert_file(g, "sys/bus/pci/devices/0000:01:00.0/driver_override", "(null)\n");
	tree_unbind(g->tree, GPU);
	assert_int_equal(call(g, HELPER_BIND, GPU, "no_such_driver"), ENOENT);
}

static void bridges_are_refused(void **state)
{
	static const enum helper_op changes[] = {
		HELPER_OVERRIDE_SET, HELPER_UNBIND, HELPER_BIND, HELPER_PROBE};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		assert_int_equal(call(g, changes[i], "0000:00:01.0", "vfio-pci"), EPERM);
	assert_file(g, "sys/bus/pci/drivers/pcieport/unbind", "");
	assert_file(g, "sys/bus/pci/drivers/vfio-pci/bind", "");
	assert_file(g, "sys/bus/pci/devices/0000:00:01.0/driver_override", "(null)\n");
}

/* Restarts the privileged helper with an allowlist of NVIDIA's devices alone. */
static void allow_nvidia(struct ground *g)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	char *rule = "10de:*";

	helper_free(STEAL(g->helper));
	assert_int_equal(allowlist_parse(&rule, 1, &g->allow, &err), 0);
	start(g);
}

/* The privileged helper's own, whatever main thought. */
static void what_the_allowlist_has_not_stays_on_its_native_driver(void **state)
{
	static const char NIC[] = "0000:02:00.0";
	struct ground *g = *state;

	allow_nvidia(g);
	assert_int_equal(call(g, HELPER_UNBIND, NIC, "e1000e"), EPERM);
	tree_unbind(g->tree, NIC);
	static const char *const vfio[] = {"vfio-pci", "mlx5_vfio_pci", "virtio_vfio_pci"};
	for (size_t i = 0; i < ARRAY_SIZE(vfio); i++) {
		tree_add_driver(g->tree, vfio[i]);
		assert_int_equal(call(g, HELPER_OVERRIDE_SET, NIC, vfio[i]), EPERM);
		assert_int_equal(call(g, HELPER_BIND, NIC, vfio[i]), EPERM);
	}
	assert_file(g, "sys/bus/pci/devices/0000:02:00.0/driver_override", "(null)\n");
	assert_file(g, "sys/bus/pci/drivers/e1000e/unbind", "");
	assert_file(g, "sys/bus/pci/drivers/vfio-pci/bind", "");
	/* Others are as they were. */
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci"), 0);
	assert_int_equal(call(g, HELPER_UNBIND, GPU, "nvidia"), 0);
	tree_unbind(g->tree, GPU);
	assert_int_equal(call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
}

static void giving_back_is_never_denied(void **state)
{
	static const char FOREIGN[] = "0000:06:00.0";
	struct ground *g = *state;

	allow_nvidia(g);
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, FOREIGN, ""), 0);
	assert_int_equal(call(g, HELPER_UNBIND, FOREIGN, "vfio-pci"), 0);
	assert_file(g, "sys/bus/pci/drivers/vfio-pci/unbind", FOREIGN);
	tree_unbind(g->tree, FOREIGN);
	assert_int_equal(call(g, HELPER_BIND, FOREIGN, "nvme"), 0);
	assert_int_equal(call(g, HELPER_PROBE, FOREIGN, ""), 0);
	/* A driverless one has nothing to be taken from. */
	assert_int_equal(call(g, HELPER_UNBIND, "0000:08:00.0", "nvme"), 0);
}

static void nodes_are_given_their_owner_and_mode(void **state)
{
	struct helper_request request = {.op = HELPER_NODE_SET,
		.address = address("0000:06:00.0"),
		.access = {.has_uid = true, .uid = geteuid(), .has_mode = true, .mode = 0660}};
	struct ground *g = *state;
	struct helper_reply reply;
	struct stat status;
	char path[300];

	assert_int_equal(helper_call(g->helper, &request, now_ns() + 20 * SECOND, &reply), 0);
	assert_int_equal(reply.error, 0);
	snprintf(path, sizeof(path), "%s/dev/vfio/9", tree_root(g->tree));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	/* A device without such nodes has none that could be another's. */
	request.address = address(GPU);
	assert_int_equal(helper_call(g->helper, &request, now_ns() + 20 * SECOND, &reply), 0);
	assert_int_equal(reply.error, ENOENT);
}

static void holders_of_a_devices_other_nodes_are_found(void **state)
{
	static const struct {
		int pid;
		const char *command, *target;
	} open_files[] = {
		{78, "Xorg\n", "/dev/dri/card0"},
		{78, "Xorg\n", "/dev/dri/card0 (deleted)"},
		{79, "other\n", "/dev/dri/card1"},
		{80, "evil\x1b[2J\n", "/dev/dri/card0"},
	};
	struct ground *g = *state;
	struct helper_reply reply;
	char path[300];

	tree_mkdir(g->tree, "sys/bus/pci/devices/0000:01:00.0/drm/card0");
	for (size_t i = 0; i < ARRAY_SIZE(open_files); i++) {
		snprintf(path, sizeof(path), "proc/%d/comm", open_files[i].pid);
		tree_write(g->tree, path, "%s", open_files[i].command);
		snprintf(path, sizeof(path), "proc/%d/fd", open_files[i].pid);
		tree_mkdir(g->tree, path);
		snprintf(path, sizeof(path), "%s/proc/%d/fd/%zu", tree_root(g->tree),
			open_files[i].pid, 3 + i);
		assert_int_equal(symlink(open_files[i].target, path), 0);
	}
	assert_int_equal(
		call_until(g, HELPER_NODE_HOLDERS, GPU, "", now_ns() + 20 * SECOND, &reply), 0);
	assert_int_equal(reply.error, 0);
	assert_int_equal(reply.n_holders, 2);
	assert_false(reply.claimed);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(reply.holders[i].pid == 78 || reply.holders[i].pid == 80);
		assert_int_equal(reply.holders[i].hold, HOLD_NODE);
		assert_string_equal(reply.holders[i].node, "/dev/dri/card0");
		assert_null(strchr(reply.holders[i].command, '\x1b'));
	}
}

static void a_device_that_is_not_there_is_an_error(void **state)
{
	struct ground *g = *state;

	assert_int_equal(call(g, HELPER_OVERRIDE_SET, "0000:99:00.0", "vfio-pci"), ENOENT);
	assert_int_equal(call(g, HELPER_OVERRIDE_GET, "0000:99:00.0", ""), ENOENT);
}

static void modules_are_never_loaded_for_a_simulated_host(void **state)
{
	struct ground *g = *state;

	assert_int_equal(call(g, HELPER_LOAD, GPU, "vfio-pci"), EPERM);
}

static void holders_are_found_below_the_root(void **state)
{
	struct ground *g = *state;
	struct helper_reply reply;
	char path[300];

	tree_write(g->tree, "proc/77/comm", "qemu\n");
	tree_mkdir(g->tree, "proc/77/fd");
	snprintf(path, sizeof(path), "%s/proc/77/fd/3", tree_root(g->tree));
	assert_int_equal(symlink("/dev/vfio/9", path), 0);
	assert_int_equal(call_until(g, HELPER_HOLDERS, GPU, "", now_ns() + 20 * SECOND, &reply), 0);
	assert_int_equal(reply.error, 0);
	assert_int_equal(reply.n_holders, 1);
	assert_int_equal(reply.holders[0].pid, 77);
	assert_int_equal(reply.holders[0].id, 9);
}

/* More than one message has room for. */
static void holders_by_the_hundred_arrive(void **state)
{
	enum { MANY = 3 * HELPER_MAX_HOLDERS + 1 };
	const struct helper_request request = {.op = HELPER_HOLDERS};
	CLEANUP(holders_clear) struct holders holders = {0};
	struct ground *g = *state;
	struct helper_reply reply;
	bool seen[MANY] = {0};
	char path[300];

	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "proc/%d/comm", 100 + i);
		tree_write(g->tree, path, "qemu\n");
		snprintf(path, sizeof(path), "proc/%d/fd", 100 + i);
		tree_mkdir(g->tree, path);
		snprintf(path, sizeof(path), "%s/proc/%d/fd/3", tree_root(g->tree), 100 + i);
		assert_int_equal(symlink("/dev/vfio/9", path), 0);
	}
	assert_int_equal(
		helper_call_holders(g->helper, &request, now_ns() + 20 * SECOND, &reply, &holders),
		0);
	assert_int_equal(reply.error, 0);
	assert_int_equal(holders.count, MANY);
	assert_false(holders.is_truncated);
	for (size_t i = 0; i < holders.count; i++) {
		assert_true(holders.items[i].pid >= 100 && holders.items[i].pid < 100 + MANY);
		assert_false(seen[holders.items[i].pid - 100]);
		seen[holders.items[i].pid - 100] = true;
	}
}

/* A message as main never sends it; with or without a reply channel. Returns the near end. */
static int send_raw(struct ground *g, const void *bytes, size_t len, bool with_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	if (with_fd) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &pair[1], sizeof(int));
	}
	assert_int_equal(sendmsg(helper_fd(g->helper), &msg, MSG_NOSIGNAL), (int)len);
	close(pair[1]);
	return pair[0];
}

static void messages_that_are_none_are_survived(void **state)
{
	struct helper_request request = {.op = HELPER_OP_COUNT, .address = address(GPU)};
	unsigned char bytes[2 * sizeof(request)];
	struct ground *g = *state;
	struct helper_reply reply;

	tree_unbind(g->tree, GPU);
	memset(bytes, 0x2e, sizeof(bytes));
	static const size_t lengths[] = {
		1, sizeof(request) - 1, sizeof(request) + 1, sizeof(bytes)};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		int fd = send_raw(g, bytes, lengths[i], true);
		/* Not answered, and its channel not kept either. */
		assert_int_equal(recv(fd, &reply, sizeof(reply), 0), 0);
		close(fd);
		close(send_raw(g, bytes, lengths[i], false));
	}
	static const uint32_t ops[] = {HELPER_OP_COUNT, 1000, UINT32_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		request.op = ops[i];
		assert_int_equal(
			helper_call(g->helper, &request, now_ns() + 20 * SECOND, &reply), 0);
		assert_int_equal(reply.error, EINVAL);
	}
	/* A name without an end, and numbers that no address has. */
	request.op = HELPER_BIND;
	memset(request.name, 'a', sizeof(request.name));
	memset(&request.address, 0xff, sizeof(request.address));
	assert_int_equal(helper_call(g->helper, &request, now_ns() + 20 * SECOND, &reply), 0);
	assert_int_equal(reply.error, EINVAL);
	assert_int_equal(call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
}

/* Replaces an attribute by a pipe that nobody reads: opening it for writing blocks, as a write to
 * the kernel can. */
static void block(struct ground *g, const char *path)
{
	char absolute[400];

	tree_remove(g->tree, path);
	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(g->tree), path);
	assert_int_equal(mkfifo(absolute, 0644), 0);
}

/* Opens the pipe's other end, and waits until the device's lock is free. */
static void unblock(struct ground *g, const char *path, const char *device)
{
	struct flock lock = {.l_type = F_WRLCK};
	char absolute[400];

	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(g->tree), path);
	CLEANUP(fd_cleanup) int fd = open(absolute, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	CLEANUP(fd_cleanup) int lock_fd = openat(g->locks, device, O_RDWR | O_CLOEXEC);
	assert_true(lock_fd >= 0);
	assert_int_equal(fcntl(lock_fd, F_OFD_SETLKW, &lock), 0);
}

static const char BIND[] = "sys/bus/pci/drivers/vfio-pci/bind";

static void a_write_that_blocks_is_left_behind_and_shows_until_it_ends(void **state)
{
	struct ground *g = *state;
	struct helper_reply reply;

	tree_unbind(g->tree, GPU);
	block(g, BIND);
	assert_int_equal(call_until(g, HELPER_BIND, GPU, "vfio-pci", now_ns() + SECOND / 2, &reply),
		-ETIMEDOUT);
	assert_true(blocked_is_locked(g->locks, address(GPU)));
	/* That device is taken, others are not. */
	assert_int_equal(
		call_until(g, HELPER_UNBIND, GPU, "nvidia", now_ns() + 20 * SECOND, &reply),
		-EINPROGRESS);
	assert_int_equal(call(g, HELPER_OVERRIDE_GET, GPU, ""), 0);
	assert_int_equal(call(g, HELPER_UNBIND, "0000:01:00.1", "snd_hda_intel"), 0);
	assert_false(blocked_is_locked(g->locks, address("0000:01:00.1")));
	/* It outlives the daemon; the next one sees it. */
	helper_free(STEAL(g->helper));
	assert_true(blocked_is_locked(g->locks, address(GPU)));
	start(g);
	assert_int_equal(
		call_until(g, HELPER_UNBIND, GPU, "nvidia", now_ns() + 20 * SECOND, &reply),
		-EINPROGRESS);
	unblock(g, BIND, GPU);
	assert_false(blocked_is_locked(g->locks, address(GPU)));
	assert_int_equal(call(g, HELPER_UNBIND, GPU, "nvidia"), 0);
}

static void a_deadline_already_past_sends_nothing(void **state)
{
	struct ground *g = *state;
	struct helper_reply reply;

	assert_int_equal(call_until(g, HELPER_BIND, GPU, "vfio-pci", now_ns() - 1, &reply), -ETIME);
	/* Commands are taken in order: had it been sent, it would be at work by now. */
	assert_int_equal(call(g, HELPER_OVERRIDE_GET, GPU, ""), 0);
	assert_int_equal(faccessat(g->locks, GPU, F_OK, 0), -1);
	assert_file(g, BIND, "");
}

struct asking {
	struct ground *g;
	atomic_bool stop;
	atomic_uint asked;
};

static void *ask(void *arg)
{
	struct asking *a = arg;

	while (!atomic_load(&a->stop)) {
		blocked_is_locked(a->g->locks, (struct pci_address){0, 1, 0, 0});
		atomic_fetch_add(&a->asked, 1);
	}
	return NULL;
}

static void asking_does_not_get_in_a_writers_way(void **state)
{
	struct ground *g = *state;
	struct asking a = {.g = g};
	pthread_t threads[2];

	tree_unbind(g->tree, GPU);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &a), 0);
	for (int i = 0; i < 100 || atomic_load(&a.asked) < 1000; i++)
		assert_int_equal(call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
	atomic_store(&a.stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

static void a_hand_that_dies_is_noticed(void **state)
{
	struct ground *g = *state;
	struct pollfd p = {.fd = helper_fd(g->helper)};
	struct helper_reply reply;

	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(kill(helper_pid(g->helper), SIGKILL), 0);
	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_true(p.revents & POLLHUP);
	assert_int_equal(
		call_until(g, HELPER_BIND, GPU, "vfio-pci", now_ns() + SECOND, &reply), -EPIPE);
}

static void a_hand_ignores_the_signals_meant_for_main(void **state)
{
	struct ground *g = *state;

	tree_unbind(g->tree, GPU);
	/* Its first answer says that it has come so far as to ignore them. */
	assert_int_equal(call(g, HELPER_OVERRIDE_GET, GPU, ""), 0);
	assert_int_equal(kill(helper_pid(g->helper), SIGTERM), 0);
	assert_int_equal(kill(helper_pid(g->helper), SIGINT), 0);
	assert_int_equal(call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
}

static void assert_end_of_file(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(read(fd, &byte, 1), 0);
}

static void descriptors_of_main_are_not_inherited(void **state)
{
	struct ground *g = *state;
	int inherited[2];

	tree_unbind(g->tree, GPU);
	helper_free(STEAL(g->helper));
	/* Without close-on-exec, and a number that the privileged helper wants for itself among
	 * them. */
	assert_int_equal(pipe(inherited), 0);
	start(g);
	assert_int_equal(call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
	close(inherited[1]);
	assert_end_of_file(inherited[0]);
	close(inherited[0]);
}

/* Whoever waits for the end of the daemon's log does not wait for a write left behind, whether it
 * was going to set something or to read what blocks as well. */
static void what_is_left_behind_lets_go_of_stdio(void **state)
{
	static const char OVERRIDE[] = "sys/bus/pci/devices/0000:01:00.0/driver_override";
	static const enum helper_op ops[] = {HELPER_OVERRIDE_SET, HELPER_OVERRIDE_GET};
	struct ground *g = *state;
	char absolute[400];

	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(g->tree), OVERRIDE);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		struct helper_reply reply;
		int log[2], saved = dup(STDERR_FILENO);

		helper_free(STEAL(g->helper));
		assert_int_equal(pipe2(log, O_CLOEXEC), 0);
		dup2(log[1], STDERR_FILENO);
		start(g);
		dup2(saved, STDERR_FILENO);
		close(saved);
		close(log[1]);
		block(g, OVERRIDE);
		assert_int_equal(
			call_until(g, ops[i], GPU, "vfio-pci", now_ns() + SECOND / 2, &reply),
			-ETIMEDOUT);
		helper_free(STEAL(g->helper));
		assert_end_of_file(log[0]);
		close(log[0]);
		/* Both ends at once, so that whichever blocks goes on. */
		int fd = open(absolute, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		assert_true(fd >= 0);
		assert_true(write(fd, "x\n", 2) == 2);
		close(fd);
		if (ops[i] == HELPER_OVERRIDE_SET)
			unblock(g, OVERRIDE, GPU);
		start(g);
	}
}

struct caller {
	struct ground *g;
	char device[PCI_ADDRESS_SIZE];
	const char *complaint;
};

static void *call_often(void *arg)
{
	struct caller *c = arg;
	struct helper_request request = {.op = HELPER_OVERRIDE_GET};
	struct helper_reply reply;

	pci_address_parse(c->device, &request.address);
	for (int i = 0; i < 100 && !c->complaint; i++) {
		if (helper_call(c->g->helper, &request, now_ns() + 60 * SECOND, &reply) ||
			reply.error)
			c->complaint = "no answer";
		else if (strcmp(reply.text, c->device) != 0)
			c->complaint = "another's answer";
	}
	return NULL;
}

static void callers_at_once_get_each_their_own_answer(void **state)
{
	static const char *const devices[] = {
		"0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:03:00.0"};
	struct ground *g = *state;
	struct caller callers[ARRAY_SIZE(devices)] = {0};
	pthread_t threads[ARRAY_SIZE(devices)];

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		tree_set_override(g->tree, devices[i], devices[i]);
		callers[i].g = g;
		strcpy(callers[i].device, devices[i]);
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		if (callers[i].complaint)
			fail_msg("%s: %s", devices[i], callers[i].complaint);
	}
}

static void a_lock_that_is_no_file_of_ours_is_not_followed(void **state)
{
	struct ground *g = *state;
	char target[300];

	snprintf(target, sizeof(target), "%s/stolen", tree_state(g->tree));
	assert_int_equal(symlinkat(target, g->locks, GPU), 0);
	assert_int_equal(call(g, HELPER_BIND, GPU, "vfio-pci"), ELOOP);
	assert_int_equal(access(target, F_OK), -1);
	assert_file(g, BIND, "");
}

static void nobody_is_pending_where_no_lock_is(void **state)
{
	struct ground *g = *state;

	assert_false(blocked_is_locked(g->locks, address(GPU)));
	assert_false(blocked_is_locked(-1, address(GPU)));
	helper_free(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_command_writes_its_one_file),
		TEST(the_override_is_read_set_and_cleared),
		TEST(an_override_too_long_or_odd_to_be_restored_is_an_error),
		TEST(names_are_checked_whatever_main_sends),
		TEST(bridges_are_refused),
		TEST(what_the_allowlist_has_not_stays_on_its_native_driver),
		TEST(giving_back_is_never_denied),
		TEST(nodes_are_given_their_owner_and_mode),
		TEST(holders_of_a_devices_other_nodes_are_found),
		TEST(a_device_that_is_not_there_is_an_error),
		TEST(modules_are_never_loaded_for_a_simulated_host),
		TEST(holders_are_found_below_the_root),
		TEST(holders_by_the_hundred_arrive),
		TEST(messages_that_are_none_are_survived),
		TEST(a_write_that_blocks_is_left_behind_and_shows_until_it_ends),
		TEST(a_deadline_already_past_sends_nothing),
		TEST(asking_does_not_get_in_a_writers_way),
		TEST(a_hand_that_dies_is_noticed),
		TEST(a_hand_ignores_the_signals_meant_for_main),
		TEST(descriptors_of_main_are_not_inherited),
		TEST(what_is_left_behind_lets_go_of_stdio),
		TEST(callers_at_once_get_each_their_own_answer),
		TEST(a_lock_that_is_no_file_of_ours_is_not_followed),
		TEST(nobody_is_pending_where_no_lock_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
