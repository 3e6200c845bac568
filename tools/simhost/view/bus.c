/* SPDX-License-Identifier: MIT */
/* /sys/bus/pci and the tree of devices. */
#include "tools/simhost/view/bus.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/driver.h"
#include "tools/simhost/model/module.h"
#include "tools/simhost/view/child.h"
#include "tools/simhost/view/device.h"
#include "tools/simhost/view/platform.h"

#include "core/base/util.h"

#include <string.h>

static void list_name(struct listing *out, const struct device *d, mode_t mode)
{
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(d->function->address, text);
	listing_add(out, mode, "%s", text);
}

static void list_all(const struct scene *s, struct listing *out, const struct driver *only)
{
	const struct function *f;

	TAILQ_FOREACH (f, &s->m->spec->functions, link) {
		const struct device *d = f->now;

		if (!d)
			continue;
		if (!only || (d->driver == only && d->linked))
			list_name(out, d, S_IFLNK);
		for (size_t i = 0; i < d->n_vfs; i++) {
			const struct device *vf = d->vfs[i];
			if (!only || (vf->driver == only && vf->linked))
				list_name(out, vf, S_IFLNK);
		}
	}
}

static void list_pci_devices(const struct scene *s, struct listing *out)
{
	list_all(s, out, NULL);
}

static bool bus_found(struct node *ret, enum view_kind kind, const struct device *d)
{
	if (d)
		*ret = node_at(kind, &d->object);
	return d;
}

static bool find_pci_device(const struct scene *s, const char *name, struct node *ret)
{
	return bus_found(ret, V_PCI_DEVICE_LINK, model_device_named(s->m, name));
}

void show_device_path(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = device_path(s->device);

	fputs(path, out);
}

static char *path_device(const struct scene *s)
{
	return device_path(s->device);
}

static char *path_physfn(const struct scene *s)
{
	return device_path(s->device->physfn ? s->device->physfn : s->device);
}

static void list_drivers(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_drivers; i++) {
		if (s->m->drivers[i]->module->loaded)
			listing_add(out, S_IFDIR, "%s", s->m->drivers[i]->name);
	}
}

static bool find_driver(const struct scene *s, const char *name, struct node *ret)
{
	struct driver *drv = model_driver(s->m, name);

	if (drv)
		*ret = node_at(V_DRIVER, &drv->object);
	return drv;
}

static void list_driver_devices(const struct scene *s, struct listing *out)
{
	list_all(s, out, s->driver);
}

static bool find_driver_device(const struct scene *s, const char *name, struct node *ret)
{
	struct device *d = model_device_named(s->m, name);

	return d && d->driver == s->driver && d->linked && bus_found(ret, V_DRIVER_DEVICE_LINK, d);
}

static char *path_driver(const struct scene *s)
{
	return memory_print("/bus/pci/drivers/%s", s->driver->name);
}

static bool has_module(const struct scene *s)
{
	return !s->driver->module->builtin;
}

static void show_module_link(const struct scene *s, FILE *out)
{
	fprintf(out, "/module/%s", s->driver->module->name);
}

static const struct entry entries_driver[] = {
	{"bind", .mode = WRITE, .store = write_bind},
	{"module", .mode = LINK, .present = has_module, .show = show_module_link},
	{"new_id", .mode = WRITE, .store = write_new_id},
	{"remove_id", .mode = WRITE, .store = write_remove_id},
	{"unbind", .mode = WRITE, .store = write_unbind},
	{0},
};

/* --- /sys/devices/pciDDDD:BB ------------------------------------------------------------------ */

static void list_host_bridges(const struct scene *s, struct listing *out)
{
	CLEANUP(table_clear) struct table listed = {0};

	for (size_t i = 0; i < s->m->n_roots; i++) {
		struct device *d = s->m->roots[i];
		struct pci_address a = d->function->address;
		uint64_t bus = (uint64_t)a.domain << 8 | a.bus;

		if (table_get(&listed, bus))
			continue;
		table_put(&listed, bus, d);
		listing_add(out, S_IFDIR, "pci%04x:%02x", a.domain, a.bus);
	}
}

/* The first device on a root bus, or NULL. */
static const struct device *first_on(const struct model *m, uint32_t domain, unsigned bus)
{
	for (size_t i = 0; i < m->n_roots; i++) {
		struct pci_address a = m->roots[i]->function->address;
		if (a.domain == domain && a.bus == bus)
			return m->roots[i];
	}
	return NULL;
}

static bool find_host_bridge(const struct scene *s, const char *name, struct node *ret)
{
	char canonical[24];
	unsigned domain, bus;

	if (sscanf(name, "pci%8x:%2x", &domain, &bus) != 2)
		return false;
	snprintf(canonical, sizeof(canonical), "pci%04x:%02x", domain, bus);
	if (strcmp(canonical, name) != 0 || !first_on(s->m, domain, bus))
		return false;
	*ret = (struct node){.kind = V_HOST_BRIDGE, .extra = bus, .object = domain};
	return true;
}

/* Whether it is on a bus that no bridge makes. */
static bool is_on_root_bus(const struct device *d)
{
	return !d->parent || !function_is_bridge(d->parent->function);
}

static bool is_on(const struct scene *s, const struct device *d)
{
	struct pci_address a = d->function->address;

	return is_on_root_bus(d) && a.domain == s->node.object && a.bus == s->node.extra;
}

static void list_root_bus(const struct scene *s, struct listing *out)
{
	const struct function *f;

	for (size_t i = 0; i < s->m->n_roots; i++) {
		if (is_on(s, s->m->roots[i]))
			list_name(out, s->m->roots[i], S_IFDIR);
	}
	TAILQ_FOREACH (f, &s->m->spec->functions, link) {
		if (f->now && f->now->parent && is_on(s, f->now))
			list_name(out, f->now, S_IFDIR);
	}
}

/* The domains below a device that is no bridge. */
static void list_domains(const struct device *d, struct listing *out)
{
	for (size_t i = 0; i < d->n_children; i++) {
		struct pci_address a = d->children[i]->function->address;
		bool listed = false;

		for (size_t j = 0; j < i; j++) {
			struct pci_address b = d->children[j]->function->address;
			listed |= a.domain == b.domain && a.bus == b.bus;
		}
		if (!listed)
			listing_add(out, S_IFDIR, "pci%04x:%02x", a.domain, a.bus);
	}
}

static bool find_domain(const struct device *d, const char *name, struct node *ret)
{
	char canonical[24];

	for (size_t i = 0; i < d->n_children && is_on_root_bus(d->children[i]); i++) {
		struct pci_address a = d->children[i]->function->address;

		snprintf(canonical, sizeof(canonical), "pci%04x:%02x", a.domain, a.bus);
		if (strcmp(canonical, name) != 0)
			continue;
		*ret = (struct node){.kind = V_HOST_BRIDGE, .extra = a.bus, .object = a.domain};
		return true;
	}
	return false;
}

static bool find_root_bus(const struct scene *s, const char *name, struct node *ret)
{
	struct device *d = model_device_named(s->m, name);

	return d && is_on(s, d) && bus_found(ret, V_DEVICE, d);
}

/* What a device's folder has besides its attributes. */
static void list_device(const struct scene *s, struct listing *out)
{
	const struct device *d = s->device;

	for (size_t i = 0; i < d->n_children && function_is_bridge(d->function); i++)
		list_name(out, d->children[i], S_IFDIR);
	if (!function_is_bridge(d->function))
		list_domains(d, out);
	for (size_t i = 0; i < d->n_vfs; i++)
		listing_add(out, S_IFLNK, "virtfn%u", d->vfs[i]->vf_number);
	list_children(s, out);
}

static const struct device *bus_virtfn(const struct device *pf, const char *name)
{
	int number;

	if (!name_number(name, "virtfn", &number))
		return NULL;
	for (size_t i = 0; i < pf->n_vfs; i++) {
		if (pf->vfs[i]->vf_number == (unsigned)number)
			return pf->vfs[i];
	}
	return NULL;
}

static bool find_device(const struct scene *s, const char *name, struct node *ret)
{
	struct device *below = model_device_named(s->m, name);

	if (below)
		return below->parent == s->device && !is_on_root_bus(below) &&
		       bus_found(ret, V_DEVICE, below);
	return find_domain(s->device, name, ret) ||
	       bus_found(ret, V_VIRTFN_LINK, bus_virtfn(s->device, name)) ||
	       find_child(s, name, ret);
}

static void show_autoprobe(const struct scene *s, FILE *out)
{
	fprintf(out, "%d\n", !s->m->no_autoprobe);
}

static const struct entry entries_bus[] = {
	{"pci", .mode = FOLDER, .kind = V_PCI},
	{"platform", .mode = FOLDER, .present = has_members, .kind = V_BUS_PLATFORM},
	{0},
};

static const struct entry entries_pci[] = {
	{"devices", .mode = FOLDER, .kind = V_PCI_DEVICES},
	{"drivers", .mode = FOLDER, .kind = V_DRIVERS},
	{"slots", .mode = FOLDER, .kind = V_PCI_SLOTS},
	{"drivers_autoprobe", .mode = BOTH, .show = show_autoprobe,
		.store = write_drivers_autoprobe},
	{"drivers_probe", .mode = WRITE, .store = write_drivers_probe},
	{"rescan", .mode = WRITE, .store = write_rescan},
	{0},
};

static const struct entry entries_devices[] = {
	{"platform", .mode = FOLDER, .present = has_members, .kind = V_PLATFORM},
	{"virtual", .mode = FOLDER, .kind = V_VIRTUAL},
	{0},
};

const struct kind kinds_bus[V_COUNT] = {
	[V_BUS] = {FIXED_DIR, .entries = entries_bus, .list = list_buses, .find = find_bus},
	[V_PCI] = {FIXED_DIR, .entries = entries_pci},
	[V_PCI_SLOTS] = {DIR_OF},
	[V_PCI_DEVICES] = {FIXED_DIR, .list = list_pci_devices, .find = find_pci_device},
	[V_PCI_DEVICE_LINK] = {LINK_TO(show_device_path), OBJECT_DEVICE,
		.path = "/bus/pci/devices"},
	[V_DRIVERS] = {FIXED_DIR, .list = list_drivers, .find = find_driver},
	[V_DRIVER] = {DIR_OF, OBJECT_DRIVER, entries_driver, .path_of = path_driver,
		.list = list_driver_devices, .find = find_driver_device},
	[V_DRIVER_DEVICE_LINK] = {LINK_TO(show_device_path), OBJECT_DEVICE,
		.path = "/bus/pci/drivers/x"}, /* its depth is what counts */
	[V_DEVICES] = {FIXED_DIR, .entries = entries_devices, .list = list_host_bridges,
		.find = find_host_bridge},
	[V_HOST_BRIDGE] = {DIR_OF, .list = list_root_bus, .find = find_root_bus},
	[V_DEVICE] = {DIR_OF, OBJECT_DEVICE, entries_device, .path_of = path_device,
		.list = list_device, .find = find_device},
	[V_POWER] = {DIR_OF, OBJECT_DEVICE, entries_power},
	[V_VIRTFN_LINK] = {LINK_TO(show_device_path), OBJECT_DEVICE, .path_of = path_physfn},
};
