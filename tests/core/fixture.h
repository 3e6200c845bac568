/* SPDX-License-Identifier: MIT */
/* A host opened on the standard tree, with the stand-in for the privileged helper. */
#pragma once

#include "core/host.h"
#include "tests/core/test.h"
#include "tests/support/fake_helper.h"
#include "tests/support/tree.h"

struct fixture {
	struct tree *tree;
	struct fake_helper *fake;
	struct helper *helper;
	struct host *host;
};

/* For cmocka_unit_test_setup_teardown: *state is a struct fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Closes and opens host and helper again, as a restart of the daemon. */
void fixture_stop(struct fixture *f);
void fixture_start(struct fixture *f);

/* A deadline that no test reaches. */
int64_t fixture_deadline(void);

struct pci_address fixture_address(const char *text);

/* The device, which must exist; a reference. */
struct device *fixture_device(struct fixture *f, const char *text);

/* A request for the addresses, blank-separated. */
void fixture_request(struct change_request *request, const char *addresses);

/* Binds or unbinds; options of *request other than addresses are kept. NULL request: none. */
int fixture_bind(struct fixture *f, const char *addresses, const struct change_request *options,
	struct change_result *result, struct core_error *err);
int fixture_unbind(struct fixture *f, const char *addresses, const struct change_request *options,
	struct change_result *result, struct core_error *err);

/* The change succeeds, and its answer is of no interest. */
void fixture_must_bind(struct fixture *f, const char *addresses);
void fixture_must_unbind(struct fixture *f, const char *addresses);

/* The change fails with the code, having changed nothing; *err is the caller's to look at. */
void fixture_must_refuse_bind(struct fixture *f, const char *addresses, enum core_code code,
	enum core_reason reason, struct core_error *err);

void fixture_assert_driver(struct fixture *f, const char *address, const char *driver);
void fixture_assert_override(struct fixture *f, const char *address, const char *override);
void fixture_assert_log(struct fixture *f, const char *log);

/* Holds the device's lock, as a write that has not returned does. Returns the descriptor, at whose
 * close it has. */
int fixture_block(struct fixture *f, const char *address);

enum device_state fixture_state(struct fixture *f, const char *address);

/* Devices of unfinished intents in the store; the host must be stopped. */
int fixture_count_intents(struct fixture *f);
