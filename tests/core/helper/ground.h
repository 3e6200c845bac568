/* SPDX-License-Identifier: MIT */
/* The real privileged helper on the standard tree, spoken to as main does or by raw messages. */
#pragma once

#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/helper/helper.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

static const int64_t SECOND = 1000000000;

/* Devices of the standard tree. */
#define GPU "0000:01:00.0"
#define NIC "0000:03:00.0"     /* has the default route */
#define FOREIGN "0000:06:00.0" /* on vfio-pci */
#define FREE "0000:08:00.0"    /* on no driver */
#define SPARE "10000:e1:00.0"  /* on nvme, unused */

#define BIND "sys/bus/pci/drivers/vfio-pci/bind"
#define GPU_OVERRIDE "sys/bus/pci/devices/0000:01:00.0/driver_override"

/* The user and group that main is said to run as. */
enum { CLIENT_UID = 64001, CLIENT_GID = 64002 };

/* The channels. */
enum { CHANGE, LOOK };

struct ground {
	struct tree *tree;
	struct allowlist allow; /* empty: everything */
	struct helper_config config;
	struct helper_reply reply; /* the last one */
	struct helper *helper;	   /* of ground_setup */
	int channels[2];	   /* of raw_setup */
	pid_t pid;
};

/* For cmocka_unit_test_setup_teardown: *state is a struct ground, with a helper as main has it. */
int ground_setup(void **state);
int ground_teardown(void **state);

/* The same with the near ends of the helper's channels. */
int raw_setup(void **state);
int raw_teardown(void **state);

/* Ends the helper and starts another by g->config. */
void ground_restart(struct ground *g);

/* The helper lets only NVIDIA's devices through from its next start on. */
void ground_allow_nvidia(struct ground *g);

struct pci_address ground_address(const char *text);
struct helper_request ground_request(enum helper_op op, const char *device, const char *name);

/* Has the helper run a command. Returns the errno that it answers; the answer is in g->reply. */
int ground_send(struct ground *g, const struct helper_request *request);
int ground_call(struct ground *g, enum helper_op op, const char *device, const char *name);

/* Returns what helper_call does. */
int ground_call_until(struct ground *g, enum helper_op op, const char *device, const char *name,
	int64_t deadline);

/* The command was refused for that reason, with a sentence. */
void ground_assert_refused(const struct ground *g, enum core_reason reason);

void ground_assert_file(struct ground *g, const char *path, const char *text);

/* A process that has one file open. */
void ground_open_file(struct ground *g, int pid, const char *command, const char *target);

/* Replaces an attribute by a pipe that nobody reads: opening it for writing blocks, as a write to
 * the kernel can. */
void ground_block(struct ground *g, const char *path);

/* Opens the pipe's other end, and waits until the device's lock is free. */
void ground_unblock(struct ground *g, const char *path, const char *device);

/* Starts a helper, and ends it, which must succeed. */
void raw_start(struct ground *g);
void raw_stop(struct ground *g);

/* The exit status of the helper, once it has ended. */
int raw_wait_for_end(struct ground *g);

void raw_make_pair(int pair[2]);

/* Sends a message of any bytes, with any descriptors. raw_try_send: -1 when the channel takes no
 * more. */
int raw_try_send(int channel, const void *bytes, size_t len, const int *fds, size_t n);
void raw_send(int channel, const void *bytes, size_t len, const int *fds, size_t n);

/* Sends a command as main would. Returns the near end of its reply. */
int raw_begin(struct ground *g, int channel, const struct helper_request *r);

/* Receives the next message of an answer. Returns its errno, or -1 when there is none. */
int raw_receive(int near, struct helper_reply *reply);

/* Both at once. */
int raw_call(struct ground *g, int channel, const struct helper_request *r);

/* The helper still answers on both channels. */
void raw_assert_serves(struct ground *g);

size_t raw_count_descriptors(const struct ground *g);
size_t raw_count_children(const struct ground *g);

/* Waits until the count is as it is to be. */
void raw_wait_until(const struct ground *g, size_t (*count)(const struct ground *g), size_t wanted);

/* How many descriptors the helper has open when it has nothing to do. */
size_t raw_idle_descriptors(struct ground *g);
