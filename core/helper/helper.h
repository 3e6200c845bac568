/* SPDX-License-Identifier: MIT */
/*
 * The hand: the one part of the daemon that writes to the kernel.
 *
 * Theory of operation. The hand is a process of its own, forked before any thread exists and before
 * the daemon gives up root. It takes a handful of commands, each a fixed-size struct in which the
 * only text is a driver's name that it checks again itself, and runs every command in a
 * short-lived child. The child matters because unbinding a device that a process holds open blocks
 * in the kernel, unkillable, until that process lets go: the caller stops waiting at its deadline
 * and leaves the child behind. Each child that writes keeps a lock on a file named after its
 * device for as long as it lives, so that a later daemon knows of a write still under way.
 *
 * A call brings its own reply channel: one end of a socket pair travels with the command and ends
 * up in the child. There is nothing to match up, and nothing that one blocked call can hold up.
 *
 * The protocol's rules, which the hand holds an enemy in main's place to:
 * - There are two SOCK_SEQPACKET channels, one for commands that look and one for all others.
 * - A command is one message of sizeof(struct hand_request) with exactly one descriptor. Every
 *   other message is dropped, and whatever descriptors came with it are closed.
 * - The descriptor is one end of a connected SOCK_SEQPACKET pair that main itself has made. To
 *   anything else the hand sends nothing.
 * - A field with a value that it cannot have, or a command on the wrong channel, is answered
 * EINVAL.
 * - HAND_MAX_AT_WORK children at most work for callers of each channel; what comes beyond stays in
 *   the socket. A child whose caller has closed its end of the reply is abandoned: it takes no
 * place any more, and is ended where it only reads. With HAND_MAX_ABANDONED that cannot be ended,
 * further commands of that channel are answered HAND_TOO_MANY.
 * - A write that nobody waits for when it has its lock is not begun (ECANCELED).
 * - The hand waits for nobody but, in a child and for two seconds, for the reader of a long answer.
 *   An answer is whole when its last message says so (more = 0).
 * - The hand ends when main closes either channel, and at nothing else that main does.
 *
 * hand_call may be used from any thread, and blocks until its deadline at most. Everything else is
 * for the daemon's start.
 */
#pragma once

#include "core/pci/address.h"
#include "core/pci/allowlist.h"
#include "core/pci/device.h"
#include "core/pci/sysfs.h"
#include "core/use/holders.h"
#include "core/use/vfio_nodes.h"

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	HAND_MAX_HOLDERS = 64,	  /* in one message */
	HAND_MAX_AT_WORK = 64,	  /* children that a caller waits for, on each channel */
	HAND_MAX_ABANDONED = 256, /* children that nobody waits for, on each channel */
	HAND_TOO_MANY = EUSERS,	  /* the error of a command beyond that */
};

enum hand_op {
	HAND_OVERRIDE_GET, /* reply.text: driver_override, "" when unset */
	HAND_OVERRIDE_SET, /* to name; "" clears it */
	HAND_UNBIND,	   /* from driver name; one without a driver stays so */
	HAND_BIND,	   /* to driver name */
	HAND_PROBE,	   /* let the kernel find a driver */
	HAND_LOAD,	   /* the module called name; refused on a simulated host */
	HAND_HOLDERS,	   /* holders: who has VFIO files open */
	HAND_MAPPINGS,	   /* holders: who has a VFIO device mapped */
	HAND_NODE_HOLDERS, /* holders: who has the native driver's nodes of the device open;
			      reply.claimed: the kernel itself has one of its disks open;
			      reply.console: its frame buffer shows the host's console */
	HAND_NODE_SET,	   /* the device's VFIO nodes to owner and mode */
	HAND_OP_COUNT,
};

struct hand_request {
	uint32_t op;
	uint32_t force; /* guards to pass: bit 1u << reason */
	struct pci_address address;
	struct node_access access;
	char name[OVERRIDE_SIZE];
};

struct hand_reply {
	int32_t error;	  /* errno of the kernel call; 0: done */
	uint32_t refused; /* not 0: the hand would not do it, for core_reason refused - 1; why is in
			     text */
	uint32_t n_holders;
	uint32_t more;	    /* another message with holders follows */
	uint32_t truncated; /* there were more holders than the hand counts */
	uint32_t claimed;
	uint32_t console;
	char text[OVERRIDE_SIZE];
	struct holder holders[HAND_MAX_HOLDERS];
};

struct hand;

/* What a hand is told at its start, by whoever may start it, and never again. All borrowed; the
 * child has copies. */
struct hand_config {
	const char *root;
	const struct sysfs *sysfs;     /* what main has opened below root; NULL: to be opened */
	int lock_fd;		       /* folder of its locks */
	const struct allowlist *allow; /* devices that may leave their native driver; empty: all */
	uint32_t deny_force;	       /* guards that nobody may pass: bit 1u << reason */
	struct hand_client client;     /* who must not get a node */
	int (*confine)(void *arg); /* gives up what the hand never needs; 0 or -1. May be NULL */
	void *confine_arg;
};

/* Why no node may be given to access->uid and the like: a sentence to follow what failed, or NULL
 * when it may. */
const char *hand_node_refusal(const struct hand_client *client, const struct node_access *access);

/* Forks the hand. It takes no device from its native driver, and gives none to a VFIO driver, that
 * config->allow does not let through, and none that is in use, whatever it is told. To be called
 * while the process has one thread. The child never returns from this. 0 or a negative errno. */
int hand_fork(const struct hand_config *config, struct hand **ret);

/* A hand at the other end of a SOCK_SEQPACKET socket, which it takes over: for a hand that is run
 * some other way, and takes all commands by one channel. NULL when memory is short. */
struct hand *hand_attach(int fd);

/* Has the hand do one thing. Waits until deadline (CLOCK_MONOTONIC, ns) at most. 0 with *reply,
 * whose error tells what the kernel said; -ETIMEDOUT: the write goes on by itself; -ETIME: it was
 * not begun, for the deadline had passed, or the hand is so busy that it took no command until
 * then; -EINPROGRESS: an earlier write to this device still does; -EPIPE: the hand is gone;
 * -ECHILD: only the child with this command is, or its answer did not come through wholly. */
int hand_call(struct hand *hand, const struct hand_request *request, int64_t deadline,
	struct hand_reply *reply);

/* The same for what answers holders, however many: all of them are in *ret, for holders_clear, and
 * the rest of the answer is in *reply. -ENOMEM when there is no room for them. */
int hand_call_holders(struct hand *hand, const struct hand_request *request, int64_t deadline,
	struct hand_reply *reply, struct holders *ret);

/* A descriptor that polls as hung up when the hand has died: the channel of its changes. The hand's
 * own. */
int hand_fd(const struct hand *hand);

/* The hand's process id; 0 for an attached one. */
pid_t hand_pid(const struct hand *hand);

/* Closes the channel, at which the hand exits. Writes under way go on. NULL is fine. */
void hand_free(struct hand *hand);

/* Turns a hand_call that got no answer into an error; doing is what it was to do. Returns -1. */
int hand_no_answer(struct core_error *err, int rc, const char *doing);

/* Serves commands from the channels, changes first, until main closes one: the body of the process,
 * whose other descriptors (stdio apart) it closes. To be called in a child of main. Returns the
 * exit status. */
int hand_serve(const int channels[2], const struct hand_config *config);
