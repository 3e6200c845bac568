/* SPDX-License-Identifier: MIT */
/*
 * The privileged helper: the one part of the daemon that writes to the kernel.
 *
 * Theory of operation. The privileged helper is a process of its own. It is forked before any
 * thread exists and before the daemon gives up root. It takes a few commands. Each is a struct of
 * fixed size whose only text is a driver's name, which the helper checks itself. It runs every
 * command in a short-lived child: to unbind a device that a process holds open blocks in the
 * kernel, and cannot be killed, until that process closes the device. The caller stops waiting at
 * its deadline and leaves the child behind. A child that writes holds a lock on a file named after
 * its device for as long as it lives, so that a later daemon knows that the write is still under
 * way.
 *
 * Each call brings its own reply channel: one end of a socket pair is sent with the command and
 * passed on to the child. So replies need not be matched to calls, and a blocked call delays no
 * other.
 *
 * The rules of the protocol, which the privileged helper enforces against an attacker in main's
 * place:
 * - There are two SOCK_SEQPACKET channels, one for commands that look and one for all others.
 * - A command is one message: a struct helper_request and behind it the n_addresses addresses that
 *   it announces, HELPER_MAX_DEVICES at most, with exactly one descriptor. Every other message is
 *   dropped, and whatever descriptors came with it are closed.
 * - The descriptor is one end of a connected SOCK_SEQPACKET pair that main itself has made. To
 *   anything else the privileged helper sends nothing.
 * - An invalid field, or a command on the wrong channel, is answered EINVAL.
 * - At most HELPER_MAX_AT_WORK children work for the callers of each channel; further commands stay
 * in the socket. A child whose caller has closed its end of the reply is abandoned: it no longer
 * counts, and is killed if it only reads. When HELPER_MAX_ABANDONED of them cannot be killed,
 * further commands of that channel are answered HELPER_TOO_MANY.
 * - A write that nobody waits for any more when its child gets the lock is not begun (ECANCELED).
 * - The privileged helper waits for nobody. Only a child waits, for two seconds, for the reader of
 * a long answer. An answer is complete when its last message says so (more = 0).
 * - The privileged helper ends when main closes either channel. Nothing else that main does ends
 * it.
 *
 * helper_call may be used from any thread, and blocks until its deadline at most. Everything else
 * is for the daemon's start.
 */
#pragma once

#include "core/pci/address.h"
#include "core/pci/allowlist.h"
#include "core/pci/device.h"
#include "core/pci/sysfs.h"
#include "core/use/users.h"
#include "core/use/vfio_nodes.h"

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	HELPER_MAX_HOLDERS = 64,    /* in one message */
	HELPER_MAX_DEVICES = 4096,  /* in one look */
	HELPER_MAX_AT_WORK = 64,    /* children that a caller waits for, on each channel */
	HELPER_MAX_ABANDONED = 256, /* children that nobody waits for, on each channel */
	HELPER_TOO_MANY = EUSERS,   /* the error of a command beyond that */
};

enum helper_op {
	HELPER_OVERRIDE_GET, /* reply.text: driver_override, "" when unset */
	HELPER_OVERRIDE_SET, /* to name; "" clears it */
	HELPER_UNBIND,	     /* from driver name; one without a driver stays so */
	HELPER_BIND,	     /* to driver name */
	HELPER_PROBE,	     /* let the kernel find a driver */
	HELPER_LOAD,	     /* the module called name; refused on a simulated host */
	HELPER_LOOK,	     /* enum use_look is added to it; the answer is a struct use_answer */
	HELPER_HOLDERS = HELPER_LOOK + USE_LOOK_FILES,
	HELPER_MAPPINGS = HELPER_LOOK + USE_LOOK_MAPPINGS,
	HELPER_NODE_HOLDERS = HELPER_LOOK + USE_LOOK_NODES, /* of the addresses */
	HELPER_KERNEL_USE = HELPER_LOOK + USE_LOOK_KERNEL,  /* of the one address */
	HELPER_DISKS = HELPER_LOOK + USE_LOOK_DISKS,
	HELPER_NODE_SET, /* the device's VFIO nodes to owner and mode */
	HELPER_OP_COUNT,
};

struct helper_request {
	uint32_t op;
	uint32_t force;	      /* guards to pass: bit 1u << reason */
	uint32_t n_addresses; /* of a look: how many follow */
	uint32_t batch;	      /* of the looks of one change, which share them; 0: none */
	struct pci_address address;
	struct node_access access;
	char name[OVERRIDE_SIZE];
};

struct helper_reply {
	int32_t error;	  /* errno of the kernel call; 0: done */
	uint32_t refused; /* not 0: the privileged helper would not do it, for core_reason refused -
			     1; why is in text */
	uint32_t n_holders;
	uint32_t more;	    /* another message with holders follows */
	uint32_t truncated; /* there were more holders than the privileged helper counts */
	uint32_t claimed;
	uint32_t console;
	uint32_t unused; /* so that no command with addresses has the reply's size */
	struct blind_spot blind;
	char text[OVERRIDE_SIZE];
	struct holder holders[HELPER_MAX_HOLDERS];
};

struct helper;

/* What the helper is told at its start, and never again. All borrowed; the child has copies. */
struct helper_config {
	const char *root;
	const struct sysfs *sysfs;     /* what main has opened below root; NULL: to be opened */
	int lock_fd;		       /* folder of its locks */
	const struct allowlist *allow; /* devices that may leave their native driver; empty: all */
	uint32_t deny_force;	       /* guards that nobody may pass: bit 1u << reason */
	struct helper_client client;   /* who must not get a node */
	int (*confine)(void *arg); /* gives up what the privileged helper never needs; 0 or -1. May
				      be NULL */
	void *confine_arg;
};

/* Forks the privileged helper. Whatever it is told, it takes no device from its native driver and
 * gives none to a VFIO driver that config->allow does not list or that is in use. To be called
 * while the process has one thread. The child never returns. 0 or a negative errno. */
int helper_fork(const struct helper_config *config, struct helper **ret);

/* A helper at the other end of a SOCK_SEQPACKET socket, which it takes over: for a helper that is
 * run some other way, and takes all commands by one channel. NULL when memory is short. */
struct helper *helper_attach(int fd);

/* Has the privileged helper run one command. Blocks until the deadline (CLOCK_MONOTONIC, ns) at
 * most. 0 with *reply, whose error is the kernel's; or -ETIMEDOUT: the write has not returned and
 * goes on; -ETIME: it was not begun, because the deadline had passed or the helper took no command
 * until then; -EINPROGRESS: an earlier write to this device is still under way; -EPIPE: the
 * privileged helper has ended; -ECHILD: the command's child has ended, or its answer is incomplete.
 */
int helper_call(struct helper *helper, const struct helper_request *request, int64_t deadline,
	struct helper_reply *reply);

/* The same for commands that look. request->n_addresses are at addresses; of any number of them the
 * privileged helper is asked HELPER_MAX_DEVICES at a time. All holders are in *ret, which the
 * caller frees with holders_clear; the rest of the answer is in *reply. -ENOMEM when memory is
 * short. */
int helper_call_look(struct helper *helper, const struct helper_request *request,
	const struct pci_address *addresses, int64_t deadline, struct helper_reply *reply,
	struct holders *ret);

/* A descriptor that polls as hung up when the privileged helper has ended. It belongs to the
 * helper. */
int helper_fd(const struct helper *helper);

/* The privileged helper's process id; 0 for an attached one. */
pid_t helper_pid(const struct helper *helper);

/* Closes the channel, so that the privileged helper exits. Writes under way go on. NULL is fine. */
void helper_free(struct helper *helper);

/* Turns the negative errno of a helper_call into an error; doing names what was to be done. Returns
 * -1. */
int helper_no_answer(struct core_error *err, int rc, const char *doing);
