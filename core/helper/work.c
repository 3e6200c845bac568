/* SPDX-License-Identifier: MIT */
/* What a child of the privileged helper does with its command. */
#include "core/helper/work.h"
#include "core/base/util.h"
#include "core/helper/channel.h"
#include "core/helper/checks.h"
#include "core/helper/look.h"
#include "core/helper/write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int work_run(const struct helper_service *s, const struct helper_command *command,
	struct helper_reply *reply, struct use_answer *answer)
{
	const struct helper_request *request = &command->request;

	switch ((enum helper_op)request->op) {
	case HELPER_OVERRIDE_GET:
		return helper_write_override_get(
			s, request->address, reply->text, sizeof(reply->text));
	case HELPER_OVERRIDE_SET:
		return helper_write_override(s, request);
	case HELPER_UNBIND:
		return helper_write_unbind(s, request);
	case HELPER_BIND:
		return helper_write_bind(s, request);
	case HELPER_PROBE:
		return helper_write_probe(s, request);
	case HELPER_LOAD:
		return helper_write_load(s, request->name);
	case HELPER_HOLDERS:
	case HELPER_MAPPINGS:
	case HELPER_NODE_HOLDERS:
	case HELPER_KERNEL_USE:
	case HELPER_DISKS:
		return helper_look(s, request->batch, request->op - HELPER_LOOK, command->addresses,
			request->n_addresses, answer);
	case HELPER_NODE_SET:
		return vfio_node_set(&s->sysfs, request->address, &request->access);
	case HELPER_OP_COUNT:
		break;
	}
	return EINVAL;
}

/* Whether the command may change the device. It then needs the device's lock. */
static bool changes_device(uint32_t op)
{
	return op == HELPER_OVERRIDE_SET || op == HELPER_UNBIND || op == HELPER_BIND ||
	       op == HELPER_PROBE;
}

/* Locks one byte of the device's lock file. A lock of the open file description and no flock: it is
 * given back when the child ends, however it ends, and whether one is held can be asked without
 * taking it, so that a question never gets in a writer's way. 0 or errno. */
static int lock_byte(int fd, int how, short type, off_t byte)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	if (fcntl(fd, how, &lock) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? EINPROGRESS : errno;
}

static bool is_locked(int fd, off_t byte)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

/* Takes the device's lock. Its first byte is for writes, which may block for ever: there nobody
 * waits. The second is for the setting of nodes, which never does: there everybody waits. Who
 * writes passes through it, so that no node is still being set then, and who sets nodes holds it
 * and sees whether somebody writes. 0 or errno. */
static int take_lock(int fd, bool is_node)
{
	enum { WRITES, NODES };
	int error;

	if (is_node) {
		error = lock_byte(fd, F_OFD_SETLKW, F_WRLCK, NODES);
		return !error && is_locked(fd, WRITES) ? EINPROGRESS : error;
	}
	error = lock_byte(fd, F_OFD_SETLK, F_WRLCK, WRITES);
	if (!error)
		error = lock_byte(fd, F_OFD_SETLKW, F_WRLCK, NODES);
	return error ? error : lock_byte(fd, F_OFD_SETLK, F_UNLCK, NODES);
}

/* Returns a descriptor that holds the lock, or a negative errno. A device that is not there gets no
 * file. */
static int lock_device(const struct helper_service *s, const struct helper_request *request)
{
	char name[PCI_ADDRESS_SIZE];
	struct stat status;

	pci_address_format(request->address, name);
	if (!sysfs_exists(s->sysfs.devices_fd, name))
		return -ENOENT;
	CLEANUP(fd_cleanup)
	int fd = openat(
		s->lock_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	int error = take_lock(fd, request->op == HELPER_NODE_SET);
	if (error)
		return -error;
	int held = fd;
	fd = -1;
	return held;
}

/* A main that is started from here on finds the lock. One that was started before may have
 * repaired everything already, and nothing may be written after that. Nor may anything that nobody
 * waits for any more, and whose lock its caller may have looked for before it was taken. */
static bool is_too_late(const struct helper_service *s, const struct helper_command *command)
{
	return helper_has_hung_up(s->channels[HELPER_WAY_CHANGE]) ||
	       helper_has_hung_up(command->reply_fd);
}

int helper_begin(const struct helper_service *s, const struct helper_command *command,
	int *ret_lock, struct helper_reply *reply)
{
	const struct helper_request *request = &command->request;
	CLEANUP(fd_cleanup) int lock = -1;

	if (changes_device(request->op) || request->op == HELPER_NODE_SET) {
		lock = lock_device(s, request);
		if (lock < 0)
			return -lock;
		if (is_too_late(s, command))
			return ECANCELED;
		int error = helper_judge(s, request, reply);
		if (error)
			return error;
	}
	*ret_lock = lock;
	lock = -1;
	return 0;
}

/* The lock is given back before the answer goes out: the next command for the device may come
 * before this child has ended. */
void helper_finish(const struct helper_service *s, const struct helper_command *command, int lock)
{
	struct use_answer answer = {0};
	struct helper_reply reply = {0};

	reply.error = work_run(s, command, &reply, &answer);
	reply.claimed = answer.claimed;
	reply.console = answer.console;
	reply.blind = answer.blind;
	fd_cleanup(&lock);
	helper_answer(command->reply_fd, &reply, &answer.holders);
	holders_clear(&answer.holders);
}
