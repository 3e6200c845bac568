/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the hand, over a static host: a thread at the far end of the socket.
 *
 * It takes the hand's commands and gives them the effect that the kernel would, on the files of
 * tests/support/tree.h, with the kernel's errno; and it fails on demand. While it runs, the tree is
 * the thread's: the test looks at it only between calls.
 */
#pragma once

#include "core/helper/helper.h"
#include "tests/support/tree.h"

struct fake_hand;

enum fake_fault_kind {
	FAKE_ERRNO,	 /* refuse with the errno, no effect */
	FAKE_DONE_ERRNO, /* have the effect, then report the errno */
	FAKE_LIE,	 /* no effect, report success */
	FAKE_HANG,	 /* no effect, no answer; keep the device's lock until fake_hand_release */
	FAKE_BLOCK,	 /* as FAKE_HANG, and have the effect at fake_hand_release */
	FAKE_LATE,	 /* keep the lock for error milliseconds, then have the effect and answer */
	FAKE_DIE,	 /* no effect; the whole hand goes */
	FAKE_VANISH,	 /* the device is pulled out; ENODEV */
};

/* Fails writes. They are counted from 1, anew with each fake_hand_clear. */
struct fake_fault {
	unsigned at;	     /* the first write it strikes */
	unsigned count;	     /* how many in a row; 0: one */
	const char *address; /* only writes to this device (every write counts); NULL: any */
	enum fake_fault_kind kind;
	int error;
};

/* Starts one on the tree. *ret_hand is its near end, the caller's: hand_free it before
 * fake_hand_free. */
struct fake_hand *fake_hand_new(struct tree *tree, struct hand **ret_hand);

/* Adds a fault to those there are. */
void fake_hand_fail(struct fake_hand *fake, const struct fake_fault *fault);

/* What HAND_HOLDERS and HAND_MAPPINGS answer from now on: each its part of them. */
void fake_hand_set_holders(
	struct fake_hand *fake, const struct holder *holders, unsigned n, int error);

/* Whether HAND_NODE_HOLDERS finds the host's console on the device from now on. */
void fake_hand_set_console(struct fake_hand *fake, bool console);

/* What HAND_NODE_HOLDERS answers from now on; claimed: the kernel has a disk open. */
void fake_hand_set_node_holders(
	struct fake_hand *fake, const struct holder *holders, unsigned n, bool claimed);

/* Has fn called on the thread after the write of that number, before its answer: what happens on
 * the host while a change is under way. It may call what is declared here. NULL: nobody. */
void fake_hand_after(struct fake_hand *fake, unsigned write, void (*fn)(void *arg), void *arg);

/* Forgets faults and log, and counts from 1 again. */
void fake_hand_clear(struct fake_hand *fake);

/* Lets go of the locks that FAKE_HANG and FAKE_BLOCK keep. */
void fake_hand_release(struct fake_hand *fake);

/* The writes asked for, one a line: "override 0000:01:00.0 vfio-pci", "unbind 0000:01:00.0",
 * "bind 0000:01:00.0 vfio-pci", "probe 0000:01:00.0", "load vfio-pci", "node 0000:01:00.0" (which
 * is not counted as a write). The caller frees it. */
char *fake_hand_log(struct fake_hand *fake);

/* How many writes there were. */
unsigned fake_hand_writes(struct fake_hand *fake);

/* Waits for the thread and frees; NULL is fine. */
void fake_hand_free(struct fake_hand *fake);
