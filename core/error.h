/* SPDX-License-Identifier: MIT */
/*
 * Errors of the engine: a code, a sentence for the user, and one problem for each device that
 * prevents what was asked for.
 *
 * Functions that can fail for a reason the user must know take a struct core_error and return 0 or
 * -1. The caller initialises it with CORE_ERROR_INIT and frees it with core_error_clear; on
 * success it is untouched.
 */
#pragma once

#include "core/pci/address.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum core_code {
	CORE_OK = 0,
	CORE_INVALID,	   /* the request is malformed */
	CORE_NOT_FOUND,	   /* a device does not exist */
	CORE_PRECONDITION, /* the host is not in a state that allows it */
	CORE_PERMISSION,   /* this process may not */
	CORE_ABORTED,  /* the kernel refused a step; what was done was rolled back, or is named */
	CORE_DEADLINE, /* a step did not return in time */
	CORE_UNAVAILABLE, /* a part of the daemon is gone */
	CORE_INTERNAL,	  /* anything else: memory, disk, a broken /sys */
};

/* Why a device prevents what was asked for (docs/operations.md, "Reasons"). */
enum core_reason {
	REASON_INVALID_ADDRESS,
	REASON_DEVICE_NOT_FOUND,
	REASON_NOT_ALLOWLISTED,
	REASON_NO_IOMMU_GROUP,
	REASON_IS_BRIDGE,
	REASON_RESERVED_REGION,
	REASON_GROUP_BLOCKED,
	REASON_BOOT_DISPLAY,
	REASON_DISK_IN_USE,
	REASON_NIC_IN_USE,
	REASON_PF_HAS_VFS,
	REASON_VFIO_IN_USE,
	REASON_UNBIND_PENDING,
	REASON_NOT_BOUND_TO_VFIO,
	REASON_DRIVER_UNAVAILABLE,
	REASON_PERMISSION,
	REASON_KERNEL_REFUSED,
	REASON_UNDO_FAILED,
	REASON_NODE_IN_USE,
	REASON_KERNEL_DENYLIST,
	REASON_NO_INTERRUPT_REMAPPING,
	REASON_NODE_NOT_SET,
	REASON_BLIND,
	REASON_COUNT,
};

/* The reason's name, such as "IS_BRIDGE"; static storage. */
const char *core_reason_name(enum core_reason reason);

/* The reason of that name, or REASON_COUNT. */
enum core_reason core_reason_parse(const char *name);

/* A process that uses a device. */
struct core_holder {
	pid_t pid;
	char command[16];
	char what[40];
};

/* One device's problem. */
struct core_problem {
	char subject[64]; /* canonical address, or the text that is no address, shortened */
	enum core_reason reason;
	char message[256];
	char action[256];
	char resource[96];	     /* what the host uses the device for: "eth0"; "" for nothing */
	struct core_holder *holders; /* owned */
	size_t n_holders;
};

/* A growing list of problems. is_incomplete: there was no memory for one of them, so a list without
 * items does not mean that there is no problem. */
struct core_problems {
	struct core_problem *items; /* owned */
	size_t count;
	bool is_incomplete;
};

/* Whether there is any problem, or may be. */
static inline bool core_problems_any(const struct core_problems *list)
{
	return list->count > 0 || list->is_incomplete;
}

struct core_error {
	enum core_code code;
	char message[512];
	struct core_problems problems;
};

#define CORE_ERROR_INIT                                                                            \
	{                                                                                          \
		.code = CORE_OK                                                                    \
	}

/* Sets code and message and leaves the problems. Returns -1, for the caller to return. */
int core_fail(struct core_error *err, enum core_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* CORE_INTERNAL for lack of memory. Returns -1. */
int core_fail_memory(struct core_error *err);

/* Frees what the error owns and makes it CORE_ERROR_INIT again. */
void core_error_clear(struct core_error *err);

/* Appends a problem: a sentence, and what to do about it ("" for nothing). Returns it, valid until
 * the next one is added, or NULL when memory is short; the list is then incomplete. */
struct core_problem *core_problem_add(struct core_problems *list, const char *subject,
	enum core_reason reason, const char *action, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* The same for a device by its address. */
struct core_problem *core_problem_add_device(struct core_problems *list, struct pci_address address,
	enum core_reason reason, const char *action, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Sets what the host uses the device for; a NULL problem is fine. */
void core_problem_set_resource(struct core_problem *problem, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends a copy of the problem with its holders. 0, or -1 when memory is short (the list is then
 * incomplete). */
int core_problem_copy(struct core_problems *list, const struct core_problem *problem);

/* Appends a copy of the holder. 0 or -1 when memory is short. */
int core_problem_add_holder(struct core_problem *problem, const struct core_holder *holder);

/* Frees the items and empties the list. */
void core_problems_clear(struct core_problems *list);

/* Turns a list for which core_problems_any is true into an error with the code and message of its
 * first problem, and moves the list into err. An incomplete list becomes an error for lack of
 * memory. Returns -1. */
int core_fail_problems(struct core_error *err, struct core_problems *list);
