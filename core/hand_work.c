/* SPDX-License-Identifier: MIT */
/* What a child of the hand does with its command. */
#include "core/hand_internal.h"
#include "core/util.h"
#include "core/vfio_node.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int node_holders(const struct hand_service *s, struct pci_address address,
	struct hand_reply *reply, struct holders *holders)
{
	struct nodes nodes;

	nodes_find(s->sysfs.root_fd, address, &nodes);
	if (nodes.is_incomplete)
		return E2BIG;
	reply->claimed = nodes_claimed(s->sysfs.root_fd, &nodes);
	reply->console = nodes_match(&nodes, "/dev/fb0") && nodes_show_console(s->sysfs.root_fd);
	return holders_of_nodes(&s->sysfs, &nodes, holders);
}

static int run(const struct hand_service *s, const struct hand_request *request,
	struct hand_reply *reply, struct holders *holders)
{
	switch ((enum hand_op)request->op) {
	case HAND_OVERRIDE_GET:
		return hand_write_override_get(
			s, request->address, reply->text, sizeof(reply->text));
	case HAND_OVERRIDE_SET:
		return hand_write_override(s, request);
	case HAND_UNBIND:
		return hand_write_unbind(s, request);
	case HAND_BIND:
		return hand_write_bind(s, request);
	case HAND_PROBE:
		return hand_write_probe(s, request);
	case HAND_LOAD:
		return hand_write_load(s, request->name);
	case HAND_HOLDERS:
		return holders_of_vfio(&s->sysfs, holders);
	case HAND_MAPPINGS:
		return holders_of_mappings(&s->sysfs, holders);
	case HAND_NODE_HOLDERS:
		return node_holders(s, request->address, reply, holders);
	case HAND_NODE_SET:
		return vfio_node_set(&s->sysfs, request->address, &request->access);
	case HAND_OP_COUNT:
		break;
	}
	return EINVAL;
}

bool hand_changes_device(uint32_t op)
{
	return op == HAND_OVERRIDE_SET || op == HAND_UNBIND || op == HAND_BIND || op == HAND_PROBE;
}

/* Takes the device's lock, which the kernel gives back when the child ends, however it ends. A lock
 * of the open file description and no flock: whether one is held can then be asked without taking
 * it, and a question never gets in a writer's way. Returns a descriptor that holds it, or a
 * negative errno. */
static int lock_device(const struct hand_service *s, struct pci_address address)
{
	char name[PCI_ADDRESS_SIZE];
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat status;

	pci_address_format(address, name);
	CLEANUP(fd_cleanup)
	int fd = openat(
		s->lock_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES ? -EINPROGRESS : -errno;
	int held = fd;
	fd = -1;
	return held;
}

/* A main that is started from here on finds the lock. One that was started before may have
 * repaired everything already, and nothing may be written after that. Nor may anything that nobody
 * waits for any more, and whose lock its caller may have looked for before it was taken. */
static bool is_too_late(const struct hand_service *s, const struct hand_command *command)
{
	return hand_has_hung_up(s->channels[HAND_WAY_CHANGE]) ||
	       hand_has_hung_up(command->reply_fd);
}

int hand_begin(const struct hand_service *s, const struct hand_command *command, int *ret_lock)
{
	CLEANUP(fd_cleanup) int lock = -1;
	int error = hand_judge(s, &command->request);

	if (error)
		return error;
	if (hand_changes_device(command->request.op)) {
		lock = lock_device(s, command->request.address);
		if (lock < 0)
			return -lock;
		if (is_too_late(s, command))
			return ECANCELED;
	}
	*ret_lock = lock;
	lock = -1;
	return 0;
}

/* The lock is given back before the answer goes out: the next command for the device may come
 * before this child has ended. */
void hand_finish(const struct hand_service *s, const struct hand_command *command, int lock)
{
	CLEANUP(holders_clear) struct holders holders = {0};
	struct hand_reply reply = {0};

	reply.error = run(s, &command->request, &reply, &holders);
	fd_cleanup(&lock);
	hand_answer(command->reply_fd, &reply, &holders);
}
