/* SPDX-License-Identifier: MIT */
/* A host opened on the standard tree. */
#include "tests/core/fixture.h"
#include "core/base/clock.h"
#include "core/base/util.h"

#include <fcntl.h>
#include <string.h>

static const int64_t PATIENCE_NS = 20 * NS_PER_S;

int64_t fixture_deadline(void)
{
	return now_ns() + PATIENCE_NS;
}

void fixture_start(struct fixture *f)
{
	struct core_error err = CORE_ERROR_INIT;

	f->fake = fake_helper_new(f->tree, &f->helper);
	struct host_config config = {
		.root = tree_root(f->tree),
		.state = tree_state(f->tree),
		.lock_fd = tree_open_locks(f->tree),
		.helper = f->helper,
	};
	if (host_open(&config, &f->host, &err))
		fail_msg("host_open: %s", err.message);
}

void fixture_stop(struct fixture *f)
{
	host_close(STEAL(f->host));
	helper_free(STEAL(f->helper));
	fake_helper_free(STEAL(f->fake));
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->tree = tree_new_standard();
	fixture_start(f);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	fixture_stop(f);
	tree_free(f->tree);
	free(f);
	return 0;
}

struct pci_address fixture_address(const char *text)
{
	struct pci_address address;

	assert_true(pci_address_parse(text, &address));
	return address;
}

struct device *fixture_device(struct fixture *f, const char *text)
{
	struct device *d = devices_get_or_null(host_devices(f->host), fixture_address(text));

	assert_non_null(d);
	return d;
}

void fixture_request(struct change_request *request, const char *addresses)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(free_cleanup) char *copy = strdup(addresses);
	char *texts[32], *save = NULL;
	size_t n = 0;

	for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
		assert_true(n < ARRAY_SIZE(texts));
		texts[n++] = s;
	}
	assert_int_equal(address_list_parse(texts, n, &request->addresses, &err), 0);
	if (!request->deadline)
		request->deadline = fixture_deadline();
}

typedef int change_fn(struct host *host, const struct change_request *request,
	struct change_result *ret, struct core_error *err);

static int change(struct fixture *f, change_fn *fn, const char *addresses,
	const struct change_request *options, struct change_result *result, struct core_error *err)
{
	struct change_request request = options ? *options : (struct change_request){0};

	fixture_request(&request, addresses);
	int rc = fn(f->host, &request, result, err);
	address_list_clear(&request.addresses);
	return rc;
}

int fixture_bind(struct fixture *f, const char *addresses, const struct change_request *options,
	struct change_result *result, struct core_error *err)
{
	return change(f, host_bind, addresses, options, result, err);
}

int fixture_unbind(struct fixture *f, const char *addresses, const struct change_request *options,
	struct change_result *result, struct core_error *err)
{
	return change(f, host_unbind, addresses, options, result, err);
}

static void must(struct fixture *f, change_fn *fn, const char *addresses)
{
	struct core_error err = CORE_ERROR_INIT;
	struct change_result result;

	if (change(f, fn, addresses, NULL, &result, &err))
		fail_msg("%s: %s", addresses, err.message);
	change_result_clear(&result);
}

void fixture_must_bind(struct fixture *f, const char *addresses)
{
	must(f, host_bind, addresses);
}

void fixture_must_unbind(struct fixture *f, const char *addresses)
{
	must(f, host_unbind, addresses);
}

void fixture_must_refuse_bind(struct fixture *f, const char *addresses, enum core_code code,
	enum core_reason reason, struct core_error *err)
{
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	struct change_result result;

	assert_int_equal(fixture_bind(f, addresses, NULL, &result, err), -1);
	assert_int_equal(err->code, code);
	assert_true(err->problems.count > 0);
	assert_string_equal(
		core_reason_name(err->problems.items[0].reason), core_reason_name(reason));
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
	assert_int_equal(fake_helper_writes(f->fake), 0);
}

void fixture_assert_driver(struct fixture *f, const char *address, const char *driver)
{
	char now[64];

	tree_driver(f->tree, address, now, sizeof(now));
	assert_string_equal(now, driver);
}

void fixture_assert_override(struct fixture *f, const char *address, const char *override)
{
	char now[OVERRIDE_SIZE];

	tree_override(f->tree, address, now, sizeof(now));
	assert_string_equal(now, override);
}

void fixture_assert_log(struct fixture *f, const char *log)
{
	CLEANUP(free_cleanup) char *now = fake_helper_log(f->fake);

	assert_string_equal(now, log);
}

int fixture_block(struct fixture *f, const char *address)
{
	struct flock lock = {.l_type = F_WRLCK};
	CLEANUP(fd_cleanup) int folder = tree_open_locks(f->tree);
	int fd = openat(folder, address, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	return fd;
}

enum device_state fixture_state(struct fixture *f, const char *address)
{
	CLEANUP(device_cleanup) struct device *d = fixture_device(f, address);

	return device_state(f->host, d);
}

int fixture_count_intents(struct fixture *f)
{
	CLEANUP(intent_list_cleanup) struct intent *list = NULL;
	struct core_error err = CORE_ERROR_INIT;
	struct store *store;
	size_t n = 0;

	assert_int_equal(
		store_open(tree_state(f->tree), &(struct boot){.id = "simulated"}, &store, &err),
		0);
	assert_int_equal(store_intents(store, &list, &err), 0);
	store_close(store);
	for (const struct intent *i = list; i; i = i->next)
		n += i->n_devices;
	return (int)n;
}
