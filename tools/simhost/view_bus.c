/* SPDX-License-Identifier: MIT */
/* /sys/bus/pci and the tree of devices. */
#include "tools/simhost/view_internal.h"

enum {
	FOLDER = S_IFDIR | 0755,
	LINK = S_IFLNK | 0777,
	WRITE = S_IFREG | 0200,
};

/* A device by its name, which is the address as the kernel writes it. */
static struct device *by_name(const struct model *m, const char *name)
{
	char canonical[PCI_ADDRESS_SIZE];
	struct pci_address address;

	if (!pci_address_parse(name, &address))
		return NULL;
	pci_address_format(address, canonical);
	return strcmp(name, canonical) == 0 ? model_device(m, address) : NULL;
}

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

void list_pci_devices(const struct scene *s, struct listing *out)
{
	list_all(s, out, NULL);
}

static bool found(struct node *ret, enum view_kind kind, const struct device *d)
{
	if (d)
		*ret = node_at(kind, &d->object);
	return d;
}

bool find_pci_device(const struct scene *s, const char *name, struct node *ret)
{
	return found(ret, V_PCI_DEVICE_LINK, by_name(s->m, name));
}

void show_device_path(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = device_path(s->device);

	fputs(path, out);
}

char *path_device(const struct scene *s)
{
	return device_path(s->device);
}

char *path_physfn(const struct scene *s)
{
	return device_path(s->device->physfn ? s->device->physfn : s->device);
}

void list_drivers(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_drivers; i++) {
		if (s->m->drivers[i]->module->loaded)
			listing_add(out, S_IFDIR, "%s", s->m->drivers[i]->name);
	}
}

bool find_driver(const struct scene *s, const char *name, struct node *ret)
{
	struct driver *drv = model_driver(s->m, name);

	if (drv)
		*ret = node_at(V_DRIVER, &drv->object);
	return drv;
}

void list_driver_devices(const struct scene *s, struct listing *out)
{
	list_all(s, out, s->driver);
}

bool find_driver_device(const struct scene *s, const char *name, struct node *ret)
{
	struct device *d = by_name(s->m, name);

	return d && d->driver == s->driver && d->linked && found(ret, V_DRIVER_DEVICE_LINK, d);
}

char *path_driver(const struct scene *s)
{
	return memory_print("/bus/pci/drivers/%s", s->driver->name);
}

char *path_driver_of_device(const struct scene *s)
{
	(void)s;
	return memory_copy("/bus/pci/drivers/x"); /* its depth is what counts */
}

static bool has_module(const struct scene *s)
{
	return !s->driver->module->builtin;
}

static void show_module_link(const struct scene *s, FILE *out)
{
	fprintf(out, "/module/%s", s->driver->module->name);
}

const struct entry entries_driver[] = {
	{"bind", .mode = WRITE, .store = write_bind},
	{"module", .mode = LINK, .present = has_module, .show = show_module_link},
	{"new_id", .mode = WRITE, .store = write_new_id},
	{"remove_id", .mode = WRITE, .store = write_remove_id},
	{"unbind", .mode = WRITE, .store = write_unbind},
	{0},
};

/* --- /sys/devices/pciDDDD:BB ------------------------------------------------------------------ */

static bool same_bus(struct pci_address a, struct pci_address b)
{
	return a.domain == b.domain && a.bus == b.bus;
}

void list_host_bridges(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_roots; i++) {
		struct pci_address a = s->m->roots[i]->function->address;
		size_t first = 0;

		while (!same_bus(s->m->roots[first]->function->address, a))
			first++;
		if (first == i)
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

bool find_host_bridge(const struct scene *s, const char *name, struct node *ret)
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

static bool is_on(const struct scene *s, const struct device *d)
{
	struct pci_address a = d->function->address;

	return !d->parent && a.domain == s->node.object && a.bus == s->node.extra;
}

void list_root_bus(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_roots; i++) {
		if (is_on(s, s->m->roots[i]))
			list_name(out, s->m->roots[i], S_IFDIR);
	}
}

bool find_root_bus(const struct scene *s, const char *name, struct node *ret)
{
	struct device *d = by_name(s->m, name);

	return d && is_on(s, d) && found(ret, V_DEVICE, d);
}

/* What a device's folder has besides its attributes. */
void list_device(const struct scene *s, struct listing *out)
{
	const struct device *d = s->device;

	for (size_t i = 0; i < d->n_children; i++)
		list_name(out, d->children[i], S_IFDIR);
	for (size_t i = 0; i < d->n_vfs; i++)
		listing_add(out, S_IFLNK, "virtfn%u", d->vfs[i]->vf_number);
	list_children_of(s, d->function, out);
}

static const struct device *virtfn(const struct device *pf, const char *name)
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

bool find_device(const struct scene *s, const char *name, struct node *ret)
{
	struct device *below = by_name(s->m, name);

	if (below)
		return below->parent == s->device && found(ret, V_DEVICE, below);
	return found(ret, V_VIRTFN_LINK, virtfn(s->device, name)) ||
	       find_child_below(s, s->device->function, NULL, 0, name, ret);
}
