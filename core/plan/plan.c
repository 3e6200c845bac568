/* SPDX-License-Identifier: MIT */
/* Plans. */
#include "core/plan/plan.h"

#include "core/base/array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int plan_add(
	struct plan *plan, struct pci_address address, enum plan_action action, const char *name)
{
	struct plan_step *step = ARRAY_ADD(plan->steps, plan->count);

	if (!step)
		return -ENOMEM;
	*step = (struct plan_step){.address = address, .action = action};
	snprintf(step->name, sizeof(step->name), "%s", name);
	return 0;
}

static int add_unbind(struct plan *plan, struct pci_address address, const char *driver)
{
	return driver[0] ? plan_add(plan, address, PLAN_UNBIND, driver) : 0;
}

int plan_to_vfio(
	struct plan *plan, struct pci_address address, const char *driver, const char *vfio_driver)
{
	int error = plan_add(plan, address, PLAN_OVERRIDE, vfio_driver);

	if (!error)
		error = add_unbind(plan, address, driver);
	return error ? error : plan_add(plan, address, PLAN_BIND, vfio_driver);
}

/* What the override is to be for the bind to the origin's driver. A VFIO driver has no ids, so it
 * is named. A native driver takes the device by its ids, and no override may help it to one that it
 * does not know, but the one that the device had it by. */
static const char *override_for(const struct device_origin *origin)
{
	bool by_name =
		driver_is_vfio(origin->driver) || strcmp(origin->driver, origin->override) == 0;

	return by_name ? origin->driver : "";
}

/* Whether the device's last override by the plan is that one. */
static bool is_overridden(const struct plan *plan, struct pci_address address, const char *override)
{
	for (size_t i = plan->count; i-- > 0;) {
		const struct plan_step *step = &plan->steps[i];

		if (step->action == PLAN_OVERRIDE && pci_address_equal(step->address, address))
			return strcmp(step->name, override) == 0;
	}
	return false;
}

int plan_to_origin(struct plan *plan, const char *driver, const struct device_origin *origin)
{
	struct pci_address address = origin->address;
	int error = 0;

	if (strcmp(driver, origin->driver) != 0) {
		if (origin->driver[0])
			error = plan_add(plan, address, PLAN_OVERRIDE, override_for(origin));
		if (!error)
			error = add_unbind(plan, address, driver);
		if (!error && origin->driver[0])
			error = plan_add(plan, address, PLAN_BIND, origin->driver);
	}
	if (error || is_overridden(plan, address, origin->override))
		return error;
	return plan_add(plan, address, PLAN_OVERRIDE, origin->override);
}

int plan_to_native(struct plan *plan, struct pci_address address, const char *driver)
{
	int error = plan_add(plan, address, PLAN_OVERRIDE, "");

	if (!error)
		error = add_unbind(plan, address, driver);
	return error ? error : plan_add(plan, address, PLAN_PROBE, "");
}

/* Appends what takes the device from its driver and gives it to none, its override as it was. */
static int plan_to_nobody(struct plan *plan, const char *driver, const struct device_facts *f)
{
	int error = add_unbind(plan, f->use.device->address, driver);

	return error ? error
		     : plan_add(plan, f->use.device->address, PLAN_OVERRIDE,
			       f->has_origin ? f->origin.override : "");
}

int plan_steps(const struct plan_request *request, const struct device_facts *f, struct plan *plan)
{
	const struct device *d = f->use.device;

	if (!plan_needs(request, f))
		return 0;
	if (request->goal == PLAN_TO_VFIO)
		return plan_to_vfio(plan, d->address, d->driver, request->vfio_driver);
	if (request->leave_driverless)
		return plan_to_nobody(plan, d->driver, f);
	if (f->has_origin)
		return plan_to_origin(plan, d->driver, &f->origin);
	return plan_to_native(plan, d->address, d->driver);
}

int plan_make(const struct plan_request *request, const struct facts *facts, struct plan *plan,
	struct core_problems *refusals)
{
	int error = 0;

	for (size_t i = 0; i < facts->count; i++)
		plan_judge(request, facts, &facts->devices[i], refusals);
	for (size_t i = 0; !error && !core_problems_any(refusals) && i < facts->count; i++)
		error = plan_steps(request, &facts->devices[i], plan);
	return error;
}

const char *plan_step_name(const struct plan_step *step)
{
	switch (step->action) {
	case PLAN_OVERRIDE:
		return step->name[0] ? "set_override" : "clear_override";
	case PLAN_UNBIND:
		return "unbind";
	case PLAN_BIND:
		return "bind";
	case PLAN_PROBE:
		return "probe";
	}
	return "";
}

void plan_clear(struct plan *plan)
{
	free(plan->steps);
	*plan = (struct plan){0};
}
