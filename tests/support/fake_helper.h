/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the privileged helper, over a static host: a thread at the far end of the socket.
 *
 * It takes the privileged helper's commands and gives them the effect that the kernel would, on the
 * files of tests/support/tree.h, with the kernel's errno; and it fails on demand. While it runs,
 * the tree is the thread's: the test looks at it only between calls.
 */
#pragma once

#include "core/helper/helper.h"
#include "tests/support/tree.h"

struct fake_helper;

enum fake_fault_kind {
	FAKE_ERRNO,	 /* refuse with the errno, no effect */
	FAKE_DONE_ERRNO, /* have the effect, then report the errno */
	FAKE_LIE,	 /* no effect, report success */
	FAKE_HANG,   /* no effect, no answer; keep the device's lock until fake_helper_release */
	FAKE_BLOCK,  /* as FAKE_HANG, and have the effect at fake_helper_release */
	FAKE_LATE,   /* keep the lock for error milliseconds, then have the effect and answer */
	FAKE_DIE,    /* no effect; the whole helper goes */
	FAKE_VANISH, /* the device is pulled out; ENODEV */
};

/* Fails writes. They are counted from 1, anew with each fake_helper_clear. */
struct fake_fault {
	unsigned at;	     /* the first write it strikes */
	unsigned count;	     /* how many in a row; 0: one */
	const char *address; /* only writes to this device (every write counts); NULL: any */
	enum fake_fault_kind kind;
	int error;
};

/* Starts one on the tree. *ret_helper is its near end, the caller's: helper_free it before
 * fake_helper_free. */
struct fake_helper *fake_helper_new(struct tree *tree, struct helper **ret_helper);

/* Adds a fault to those there are. */
void fake_helper_fail(struct fake_helper *fake, const struct fake_fault *fault);

/* What HELPER_HOLDERS and HELPER_MAPPINGS answer from now on: each its part of them. */
void fake_helper_set_holders(
	struct fake_helper *fake, const struct holder *holders, unsigned n, int error);

/* Whether HELPER_KERNEL_USE finds the host's console on the device from now on. */
void fake_helper_set_console(struct fake_helper *fake, bool console);

/* The disk that HELPER_KERNEL_USE and HELPER_DISKS cannot examine from now on; error 0: none. */
void fake_helper_set_blind(struct fake_helper *fake, const char *node, int error);

/* What HELPER_NODE_HOLDERS answers from now on; a holder without an address has a node of the first
 * device that is asked for. claimed: HELPER_KERNEL_USE finds that the kernel has a disk open. */
void fake_helper_set_node_holders(
	struct fake_helper *fake, const struct holder *holders, unsigned n, bool claimed);

/* Has fn called on the thread after the write of that number, before its answer: what happens on
 * the host while a change is under way. It may call what is declared here. NULL: nobody. */
void fake_helper_after(struct fake_helper *fake, unsigned write, void (*fn)(void *arg), void *arg);

/* Forgets faults and log, and counts from 1 again. */
void fake_helper_clear(struct fake_helper *fake);

/* Lets go of the locks that FAKE_HANG and FAKE_BLOCK keep. */
void fake_helper_release(struct fake_helper *fake);

/* The writes asked for, one a line: "override 0000:01:00.0 vfio-pci", "unbind 0000:01:00.0",
 * "bind 0000:01:00.0 vfio-pci", "probe 0000:01:00.0", "load vfio-pci", "node 0000:01:00.0" (which
 * is not counted as a write). The caller frees it. */
char *fake_helper_log(struct fake_helper *fake);

/* How many writes there were. */
unsigned fake_helper_writes(struct fake_helper *fake);

/* How often HELPER_NODE_HOLDERS was asked. */
unsigned fake_helper_node_looks(struct fake_helper *fake);

/* Waits for the thread and frees; NULL is fine. */
void fake_helper_free(struct fake_helper *fake);
