/* SPDX-License-Identifier: MIT */
/* Errors of the engine. */
#include "core/error.h"
#include "core/base/array.h"
#include "core/base/text.h"
#include "core/base/util.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum core_code code; /* of an error that has this as its first problem */
} reasons[] = {
	[REASON_INVALID_ADDRESS] = {"INVALID_ADDRESS", CORE_INVALID},
	[REASON_DEVICE_NOT_FOUND] = {"DEVICE_NOT_FOUND", CORE_NOT_FOUND},
	[REASON_NOT_ALLOWLISTED] = {"NOT_ALLOWLISTED", CORE_PRECONDITION},
	[REASON_NO_IOMMU_GROUP] = {"NO_IOMMU_GROUP", CORE_PRECONDITION},
	[REASON_IS_BRIDGE] = {"IS_BRIDGE", CORE_PRECONDITION},
	[REASON_RESERVED_REGION] = {"RESERVED_REGION", CORE_PRECONDITION},
	[REASON_GROUP_BLOCKED] = {"GROUP_BLOCKED", CORE_PRECONDITION},
	[REASON_BOOT_DISPLAY] = {"BOOT_DISPLAY", CORE_PRECONDITION},
	[REASON_DISK_IN_USE] = {"DISK_IN_USE", CORE_PRECONDITION},
	[REASON_NIC_IN_USE] = {"NIC_IN_USE", CORE_PRECONDITION},
	[REASON_PF_HAS_VFS] = {"PF_HAS_VFS", CORE_PRECONDITION},
	[REASON_VFIO_IN_USE] = {"VFIO_IN_USE", CORE_PRECONDITION},
	[REASON_UNBIND_PENDING] = {"UNBIND_PENDING", CORE_PRECONDITION},
	[REASON_NOT_BOUND_TO_VFIO] = {"NOT_BOUND_TO_VFIO", CORE_PRECONDITION},
	[REASON_DRIVER_UNAVAILABLE] = {"DRIVER_UNAVAILABLE", CORE_PRECONDITION},
	[REASON_PERMISSION] = {"PERMISSION", CORE_PERMISSION},
	[REASON_KERNEL_REFUSED] = {"KERNEL_REFUSED", CORE_ABORTED},
	[REASON_UNDO_FAILED] = {"UNDO_FAILED", CORE_INTERNAL},
	[REASON_NODE_IN_USE] = {"NODE_IN_USE", CORE_PRECONDITION},
	[REASON_KERNEL_DENYLIST] = {"KERNEL_DENYLIST", CORE_PRECONDITION},
	[REASON_NO_INTERRUPT_REMAPPING] = {"NO_INTERRUPT_REMAPPING", CORE_PRECONDITION},
	[REASON_NODE_NOT_SET] = {"NODE_NOT_SET", CORE_ABORTED},
	[REASON_BLIND] = {"BLIND", CORE_PRECONDITION},
};
_Static_assert(ARRAY_SIZE(reasons) == REASON_COUNT, "every reason has a row");

const char *core_reason_name(enum core_reason reason)
{
	return reasons[reason].name;
}

enum core_reason core_reason_parse(const char *name)
{
	unsigned i = 0;

	while (i < REASON_COUNT && strcmp(reasons[i].name, name) != 0)
		i++;
	return i;
}

int core_fail(struct core_error *err, enum core_code code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	text_clean(err->message);
	err->code = code;
	return -1;
}

int core_fail_memory(struct core_error *err)
{
	return core_fail(err, CORE_INTERNAL, "out of memory");
}

void core_problems_clear(struct core_problems *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].holders);
	free(list->items);
	*list = (struct core_problems){0};
}

void core_error_clear(struct core_error *err)
{
	core_problems_clear(&err->problems);
	*err = (struct core_error)CORE_ERROR_INIT;
}

__attribute__((format(printf, 5, 0))) static struct core_problem *problem_vadd(
	struct core_problems *list, const char *subject, enum core_reason reason,
	const char *action, const char *fmt, va_list args)
{
	struct core_problem *p = ARRAY_ADD(list->items, list->count);

	if (!p) {
		list->is_incomplete = true;
		return NULL;
	}
	*p = (struct core_problem){.reason = reason};
	snprintf(p->subject, sizeof(p->subject), "%s", subject);
	snprintf(p->action, sizeof(p->action), "%s", action);
	vsnprintf(p->message, sizeof(p->message), fmt, args);
	text_clean(p->subject);
	text_clean(p->message);
	return p;
}

struct core_problem *core_problem_add(struct core_problems *list, const char *subject,
	enum core_reason reason, const char *action, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	struct core_problem *p = problem_vadd(list, subject, reason, action, fmt, args);
	va_end(args);
	return p;
}

struct core_problem *core_problem_add_device(struct core_problems *list, struct pci_address address,
	enum core_reason reason, const char *action, const char *fmt, ...)
{
	char subject[PCI_ADDRESS_SIZE];
	va_list args;

	pci_address_format(address, subject);
	va_start(args, fmt);
	struct core_problem *p = problem_vadd(list, subject, reason, action, fmt, args);
	va_end(args);
	return p;
}

void core_problem_set_resource(struct core_problem *problem, const char *fmt, ...)
{
	va_list args;

	if (!problem)
		return;
	va_start(args, fmt);
	vsnprintf(problem->resource, sizeof(problem->resource), fmt, args);
	va_end(args);
	text_clean(problem->resource);
}

int core_problem_copy(struct core_problems *list, const struct core_problem *problem)
{
	struct core_problem *copy = ARRAY_ADD(list->items, list->count);

	if (!copy) {
		list->is_incomplete = true;
		return -1;
	}
	*copy = *problem;
	copy->holders = NULL;
	copy->n_holders = 0;
	for (size_t i = 0; i < problem->n_holders; i++) {
		if (core_problem_add_holder(copy, &problem->holders[i]))
			return -1;
	}
	return 0;
}

int core_problem_add_holder(struct core_problem *problem, const struct core_holder *holder)
{
	struct core_holder *added = ARRAY_ADD(problem->holders, problem->n_holders);

	if (!added)
		return -1;
	*added = *holder;
	return 0;
}

int core_fail_problems(struct core_error *err, struct core_problems *list)
{
	core_problems_clear(&err->problems);
	if (list->is_incomplete) {
		core_problems_clear(list);
		return core_fail_memory(err);
	}
	err->problems = *list;
	*list = (struct core_problems){0};
	return core_fail(err, reasons[err->problems.items[0].reason].code, "%s",
		err->problems.items[0].message);
}
