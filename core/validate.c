/* SPDX-License-Identifier: MIT */
/* Validate: every problem of every device of a request. */
#include "core/host.h"

#include "core/base/util.h"
#include "core/engine.h"
#include "core/inspect/gather.h"
#include "core/pci/problems.h"

#include <string.h>

/* One entry of a request, parsed and looked up once. */
struct entry {
	const char *text;
	struct pci_address address;
	bool is_address;
	struct device *device; /* a reference; NULL when there is none */
};

static bool same_entry(const struct entry *a, const struct entry *b)
{
	if (a->is_address != b->is_address)
		return false;
	return a->is_address ? pci_address_equal(a->address, b->address)
			     : strcmp(a->text, b->text) == 0;
}

/* Fills in the entries, repeats dropped. Returns how many there are. */
static size_t read_entries(struct host *host, char *const *texts, size_t n, struct entry *entries)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct entry *e = &entries[count];
		size_t before = 0;

		*e = (struct entry){.text = texts[i]};
		e->is_address = pci_address_parse(texts[i], &e->address);
		while (before < count && !same_entry(&entries[before], e))
			before++;
		if (before < count)
			continue;
		if (e->is_address)
			devices_get(host->devices, e->address, &e->device);
		count++;
	}
	return count;
}

/* What is wrong with each entry, in their order; facts are of those that are devices. */
static void judge_entries(const struct plan_request *request, const struct facts *facts,
	const struct entry *entries, size_t n, struct core_problems *problems)
{
	size_t next = 0;

	for (size_t i = 0; i < n; i++) {
		if (!entries[i].is_address)
			problem_invalid_address(problems, entries[i].text);
		else if (!entries[i].device)
			problem_absent(problems, entries[i].address);
		else
			plan_judge(request, facts, &facts->devices[next++], problems);
	}
}

int host_check(struct host *host, char *const *texts, size_t n, const struct allowlist *allow,
	int64_t deadline, struct core_problems *problems, struct core_error *err)
{
	const struct plan_request request = {.goal = PLAN_TO_USER, .allow = allow};
	CLEANUP(facts_clear) struct facts facts = {0};
	CLEANUP(free_cleanup) struct entry *entries = calloc(n + 1, sizeof(*entries));
	struct device **devices = calloc(n + 1, sizeof(*devices));
	size_t found = 0;

	if (!entries || !devices) {
		free(devices);
		return core_fail_memory(err);
	}
	size_t count = read_entries(host, texts, n, entries);
	for (size_t i = 0; i < count; i++) {
		if (entries[i].device)
			devices[found++] = entries[i].device;
	}
	int result = facts_gather(host, devices, found, 0, deadline, &facts, err);
	if (result == 0)
		judge_entries(&request, &facts, entries, count, problems);
	device_list_free(devices, found);
	return result == 0 && problems->is_incomplete ? core_fail_memory(err) : result;
}
