/* SPDX-License-Identifier: MIT */
/* What the tests of changes share. */
#pragma once

#include "core/base/util.h"
#include "tests/core/fixture.h"

#include <pthread.h>

#define GPU "0000:01:00.0"
#define AUDIO "0000:01:00.1"
#define NIC "0000:02:00.0"

/* GPU and audio with an override of its own, and the driverless NVMe: 3 + 3 + 2 writes to bind. */
#define CARDS "0000:01:00.0 0000:01:00.1 0000:08:00.0"

/* fixture_bind or fixture_unbind. */
typedef int change_fn(struct fixture *f, const char *addresses,
	const struct change_request *options, struct change_result *result, struct core_error *err);

/* The error's problem with that subject and reason, or NULL. */
const struct core_problem *find_problem(
	const struct core_error *err, const char *subject, enum core_reason reason);

/* What repair at start reports, a sentence a line. */
struct report {
	char text[2048];
	int count;
};

void recover(struct fixture *f, struct report *ret);

/* The last outcome that the engine's thread told; count is of all since the fixture was set up. */
extern struct ear {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int count;
	enum device_state state;
	char address[PCI_ADDRESS_SIZE], driver[64], original_driver[64], sentence[640];
} ear;

/* As fixture_setup, and listens. */
int ear_setup(void **state);

/* Listens anew, after fixture_start. */
void ear_listen(struct fixture *f);

/* Waits until so many outcomes have been told. */
void ear_wait(int count);

/* Waits for the first outcome, which is this. */
void ear_assert_told(const char *address, enum device_state state, const char *driver);

/* Ends the host, its threads with it, and starts it again: what was told was told once, and nothing
 * is left over. */
void ear_assert_over(struct fixture *f, int told);

/* A change whose write of this number does not return; the write's device is pending then. */
void block_at(struct fixture *f, unsigned write, enum fake_fault_kind kind, change_fn *change,
	const char *addresses, const struct change_request *options, const char *pending);
