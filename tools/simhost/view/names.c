/* SPDX-License-Identifier: MIT */
/* Names that a host file cannot give, for the view makes them itself. */
#include "tools/simhost/view/names.h"
#include "tools/simhost/model/control.h"
#include "tools/simhost/model/group.h"
#include "tools/simhost/view/kind.h"

#include "core/base/util.h"

#include <string.h>

static bool is_address(const char *name)
{
	struct pci_address address;

	return pci_address_parse(name, &address);
}

static bool is_virtfn(const char *name)
{
	int number;

	return name_number(name, "virtfn", &number);
}

/* A domain below a device, as of an Intel VMD. */
static bool is_domain(const char *name)
{
	return strncmp(name, "pci", 3) == 0 && strchr(name, ':');
}

/* A link to an interface above or below. */
static bool is_stack_link(const char *name)
{
	return strncmp(name, "upper_", 6) == 0 || strncmp(name, "lower_", 6) == 0;
}

/* The entries of the kind, present at this moment or not, and names that follow a pattern. */
static const struct place {
	enum view_kind kind;
	bool (*patterns[3])(const char *name);
} places[PLACE_COUNT] = {
	[PLACE_DEVICE] = {V_DEVICE, {is_address, is_virtfn, is_domain}},
	[PLACE_VIRTUAL] = {V_VIRTUAL, {NULL}},
	[PLACE_CLASSES] = {V_CLASS, {NULL}},
	[PLACE_DEV] = {V_DEV, {NULL}},
	[PLACE_NET] = {V_NET, {is_stack_link}},
	[PLACE_DISK] = {V_DISK, {NULL}},
	[PLACE_NODE] = {V_NODE, {NULL}},
	[PLACE_OBJECT] = {V_OBJECT, {NULL}},
};

static bool names_is_made(enum spec_place place, const char *name)
{
	const struct place *p = &places[place];
	const struct node any = {.kind = (uint8_t)p->kind};

	for (const struct entry *e = view_kind_of(any)->entries; e && e->name; e++) {
		if (strcmp(e->name, name) == 0)
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(p->patterns) && p->patterns[i]; i++) {
		if (p->patterns[i](name))
			return true;
	}
	return false;
}

static bool names_is_own_number(unsigned major, unsigned minor)
{
	enum { MISC_MAJOR = 10, IOMMU_MINOR = 127, VFIO_MINOR = 196 };

	return major == GROUP_MAJOR || major == CDEV_MAJOR ||
	       (major == MISC_MAJOR && (minor == IOMMU_MINOR || minor == VFIO_MINOR));
}

const struct spec_names view_names = {
	.is_command = control_has,
	.is_made = names_is_made,
	.is_own_number = names_is_own_number,
};
