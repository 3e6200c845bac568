/* SPDX-License-Identifier: MIT */
/*
 * The privileged helper's process from the inside: the process and its children (serve.c), messages
 * on the channel (channel.c), what a child does (work.c), what is refused (checks.c, by what look.c
 * sees), overrides that may be written again (overrides.c), and every write (write.c).
 */
#pragma once

#include "core/helper/helper.h"
#include "core/pci/sysfs.h"
#include "core/use/holders.h"

/* Commands that only look have a channel of their own, so that no blocked change delays them. */
enum helper_way { HELPER_WAY_CHANGE, HELPER_WAY_LOOK, HELPER_WAYS };

struct helper_service {
	struct sysfs sysfs;
	const struct helper_config *config;
	int channels[HELPER_WAYS]; /* to main */
	int lock_fd;
	pid_t main_pid;
	bool is_real;
};

struct helper_command {
	struct helper_request request;
	int reply_fd;
};

enum helper_got { HELPER_GOT_COMMAND, HELPER_GOT_NOTHING, HELPER_GOT_END };

/* Whether the command may change the device. It then needs the device's lock. */
bool helper_changes_device(uint32_t op);

/* The channel that the command has to come by. */
enum helper_way helper_way_of(uint32_t op);

/* Whether its child can be killed without leaving anything half done. */
bool helper_only_reads(uint32_t op);

/* Takes one message, without waiting. HELPER_GOT_COMMAND: ret->reply_fd is the caller's to close.
 * HELPER_GOT_NOTHING: it was none that can be done, and nothing of it is left open; HELPER_GOT_END:
 * main is gone. */
enum helper_got helper_receive(
	const struct helper_service *service, enum helper_way way, struct helper_command *ret);

/* Whether main has closed a channel, or whoever sent a command has closed its end of the reply. */
bool helper_has_hung_up(int fd);

/* Sends the answer, in as many messages as it has holders for. Waits for a slow reader a little;
 * one that does not come through wholly ends without its last message, and so can be told. */
void helper_answer(int reply_fd, struct helper_reply *reply, const struct holders *holders);

/* Answers with errno alone, without waiting. */
void helper_answer_error(int reply_fd, int error);

/* Takes the command's lock, *ret_lock, -1 when it needs none, and judges it: from here on it may
 * write. 0, or the errno it is refused with; *reply then says why. */
int helper_begin(const struct helper_service *service, const struct helper_command *command,
	int *ret_lock, struct helper_reply *reply);

/* Does it, which may take for ever, gives the lock back and answers. */
void helper_finish(
	const struct helper_service *service, const struct helper_command *command, int lock);

/* Whether the privileged helper does it at all, looked up by itself, with the device's lock held.
 * 0, or the errno it refuses with; *reply then says why. */
int helper_judge(const struct helper_service *service, const struct helper_request *request,
	struct helper_reply *reply);

/* Refuses, with a sentence. Returns EPERM. */
int helper_refuse(struct helper_reply *reply, enum core_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether the text may be a driver's name, and no more than a name in a path. */
bool helper_name_is_safe(const char *name);

/* Whether it is that of a VFIO driver, by which alone one is told from others. */
bool helper_is_vfio_name(const char *name);

/* Reads the device as it is now. 0 or errno, ENOENT only when there is none. */
int helper_open_device(
	const struct helper_service *service, struct pci_address address, struct device **ret);

/* Whether a VFIO driver has it. */
bool helper_is_on_vfio(const struct helper_service *service, const struct device *device);

/* Answers HELPER_HOLDERS, HELPER_MAPPINGS and HELPER_NODE_HOLDERS. 0 or errno. */
int helper_look(const struct helper_service *service, uint32_t op, struct pci_address address,
	struct helper_reply *reply, struct holders *holders);

/* Judges, by what is true of it now, whether the device may be taken from the driver it is on, or
 * given to a VFIO driver when it is on none. 0 or errno, with *reply. */
int helper_judge_taking(const struct helper_service *service, const struct device *device,
	uint32_t force, struct helper_reply *reply);

/*
 * Texts that somebody else put into a device's driver_override and the privileged helper then wrote
 * over. They are kept in a file beside the device's lock, for they alone, beside a VFIO driver's
 * name and nothing, may be written there again. What is in the file counts for this boot and this
 * device.
 */

/* Whether the text is one of them. 1 or 0, or a negative errno. */
int helper_overrides_has(
	const struct helper_service *service, const struct device *device, const char *text);

/* Adds one. 0 or errno. */
int helper_overrides_add(
	const struct helper_service *service, const struct device *device, const char *text);

/* Forgets one, for it is where it belongs. Best effort: one too many does no harm. */
void helper_overrides_drop(
	const struct helper_service *service, const struct device *device, const char *text);

/* The writes, one file each, and the one read that can block as long. All return 0 or errno. */
int helper_write_override(
	const struct helper_service *service, const struct helper_request *request);
int helper_write_unbind(const struct helper_service *service, const struct helper_request *request);
int helper_write_bind(const struct helper_service *service, const struct helper_request *request);
int helper_write_probe(const struct helper_service *service, const struct helper_request *request);
int helper_write_load(const struct helper_service *service, const char *name);
int helper_write_override_get(
	const struct helper_service *service, struct pci_address address, char *text, size_t size);
