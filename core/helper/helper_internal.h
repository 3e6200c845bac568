/* SPDX-License-Identifier: MIT */
/*
 * Inside of the hand's process. Its parts: the process and its children (hand_serve.c), what comes
 * and goes over the channel (hand_channel.c), a child's work (hand_work.c), the judge
 * (hand_judge.c), the writes (hand_write.c).
 */
#pragma once

#include "core/helper/helper.h"
#include "core/pci/sysfs.h"
#include "core/use/holders.h"

/* Commands that look come over a channel of their own: whatever blocks, a look is made. */
enum hand_way { HAND_WAY_CHANGE, HAND_WAY_LOOK, HAND_WAYS };

struct hand_service {
	struct sysfs sysfs;
	const struct hand_config *config;
	int channels[HAND_WAYS]; /* to main */
	int lock_fd;
	pid_t main_pid;
	bool is_real;
};

struct hand_command {
	struct hand_request request;
	int reply_fd;
};

enum hand_got { HAND_GOT_COMMAND, HAND_GOT_NOTHING, HAND_GOT_END };

/* Whether the command may change the device itself: it then needs the device's lock. */
bool hand_changes_device(uint32_t op);

/* Which channel it has to come by. */
enum hand_way hand_way_of(uint32_t op);

/* Whether a child that does it can be ended without leaving anything half done. */
bool hand_only_reads(uint32_t op);

/* Takes one message, without waiting. HAND_GOT_COMMAND: ret->reply_fd is the caller's to close.
 * HAND_GOT_NOTHING: it was none that can be done, and nothing of it is left open; HAND_GOT_END:
 * main is gone. */
enum hand_got hand_receive(
	const struct hand_service *service, enum hand_way way, struct hand_command *ret);

/* Whether main has closed a channel, or whoever sent a command has closed its end of the reply. */
bool hand_has_hung_up(int fd);

/* Sends the answer, in as many messages as it has holders for. Waits for a slow reader a little;
 * one that does not come through wholly ends without its last message, and so can be told. */
void hand_answer(int reply_fd, struct hand_reply *reply, const struct holders *holders);

/* Answers with errno alone, without waiting. */
void hand_answer_error(int reply_fd, int error);

/* Takes the command's lock, *ret_lock, -1 when it needs none, and judges it: from here on it may
 * write. 0, or the errno it is refused with; *reply then says why. */
int hand_begin(const struct hand_service *service, const struct hand_command *command,
	int *ret_lock, struct hand_reply *reply);

/* Does it, which may take for ever, gives the lock back and answers. */
void hand_finish(const struct hand_service *service, const struct hand_command *command, int lock);

/* Whether the hand does it at all, looked up by itself, with the device's lock held. 0, or the
 * errno it refuses with; *reply then says why. */
int hand_judge(const struct hand_service *service, const struct hand_request *request,
	struct hand_reply *reply);

/* Refuses, with a sentence. Returns EPERM. */
int hand_refuse(struct hand_reply *reply, enum core_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether the text may be a driver's name, and no more than a name in a path. */
bool hand_name_is_safe(const char *name);

/* Whether it is that of a VFIO driver, by which alone one is told from others. */
bool hand_is_vfio_name(const char *name);

/* Reads the device as it is now. 0 or errno, ENOENT only when there is none. */
int hand_open_device(
	const struct hand_service *service, struct pci_address address, struct device **ret);

/* Whether a VFIO driver has it. */
bool hand_is_on_vfio(const struct hand_service *service, const struct device *device);

/* Answers HAND_HOLDERS, HAND_MAPPINGS and HAND_NODE_HOLDERS. 0 or errno. */
int hand_look(const struct hand_service *service, uint32_t op, struct pci_address address,
	struct hand_reply *reply, struct holders *holders);

/* Judges, by what is true of it now, whether the device may be taken from the driver it is on, or
 * given to a VFIO driver when it is on none. 0 or errno, with *reply. */
int hand_judge_taking(const struct hand_service *service, const struct device *device,
	uint32_t force, struct hand_reply *reply);

/*
 * Texts that somebody else put into a device's driver_override and the hand then wrote over. They
 * are kept in a file beside the device's lock, for they alone, beside a VFIO driver's name and
 * nothing, may be written there again. What is in the file counts for this boot and this device.
 */

/* Whether the text is one of them. 1 or 0, or a negative errno. */
int hand_record_has(
	const struct hand_service *service, const struct device *device, const char *text);

/* Adds one. 0 or errno. */
int hand_record_add(
	const struct hand_service *service, const struct device *device, const char *text);

/* Forgets one, for it is where it belongs. Best effort: one too many does no harm. */
void hand_record_drop(
	const struct hand_service *service, const struct device *device, const char *text);

/* The writes, one file each, and the one read that can block as long. All return 0 or errno. */
int hand_write_override(const struct hand_service *service, const struct hand_request *request);
int hand_write_unbind(const struct hand_service *service, const struct hand_request *request);
int hand_write_bind(const struct hand_service *service, const struct hand_request *request);
int hand_write_probe(const struct hand_service *service, const struct hand_request *request);
int hand_write_load(const struct hand_service *service, const char *name);
int hand_write_override_get(
	const struct hand_service *service, struct pci_address address, char *text, size_t size);
