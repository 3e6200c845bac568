/* SPDX-License-Identifier: MIT */
/* Whether the host is ready for passthrough, and what to do if it is not. */
#pragma once

#include "core/host.h"

enum doctor_verdict { DOCTOR_UNKNOWN, DOCTOR_PASS, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor_check {
	const char *name; /* a constant for programs; static storage */
	enum doctor_verdict verdict;
	char message[192];
	char action[256]; /* "" when nothing is to be done */
};

enum { DOCTOR_MAX_CHECKS = 16 };

struct doctor_report {
	char kernel[72];
	uint32_t n_groups;
	uint32_t n_devices;
	uint32_t n_vfio_devices;
	struct doctor_check checks[DOCTOR_MAX_CHECKS]; /* in the order in which to fix them */
	size_t n_checks;
};

/* Examines the host: reads files and the index of modules, has the privileged helper look at the
 * disks until the deadline, changes and loads nothing. 0, or -1 with err. */
int doctor_examine(
	struct host *host, int64_t deadline, struct doctor_report *ret, struct core_error *err);
