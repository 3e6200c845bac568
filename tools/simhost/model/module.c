/* SPDX-License-Identifier: MIT */
/* Modules, their drivers and parameters. */
#include "tools/simhost/model/module.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/attribute.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/driver.h"
#include "tools/simhost/model/event.h"
#include "tools/simhost/model/hold.h"

#include "core/base/util.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct module *model_module(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n_modules; i++) {
		if (strcmp(m->modules[i]->name, name) == 0)
			return m->modules[i];
	}
	return NULL;
}

struct driver *model_driver(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n_drivers; i++) {
		struct driver *drv = m->drivers[i];
		if (drv->module->loaded && strcmp(drv->name, name) == 0)
			return drv;
	}
	return NULL;
}

static struct parameter *find_parameter(const struct model *m, const char *module, const char *name)
{
	struct module *mod = model_module(m, module);

	for (size_t i = 0; mod && i < mod->n_parameters; i++) {
		if (strcmp(mod->parameters[i]->name, name) == 0)
			return mod->parameters[i];
	}
	return NULL;
}

const char *model_parameter(const struct model *m, const char *module, const char *name)
{
	struct parameter *p = find_parameter(m, module, name);

	return p ? p->value : NULL;
}

static struct module *module_get(struct model *m, const char *name, bool loaded)
{
	struct module *mod = model_module(m, name);

	if (!mod) {
		mod = memory_new(sizeof(*mod));
		mod->name = memory_copy(name);
		object_add(m, &mod->object, OBJECT_MODULE);
		m->modules = memory_room(m->modules, m->n_modules, sizeof(struct module *));
		m->modules[m->n_modules++] = mod;
	}
	mod->loaded |= loaded;
	return mod;
}

static void parameter_put(struct model *m, const char *module, const char *name, const char *value)
{
	struct parameter *p = find_parameter(m, module, name);

	if (!p) {
		struct module *mod = module_get(m, module, false);
		p = memory_new(sizeof(*p));
		p->module = mod;
		p->name = memory_copy(name);
		object_add(m, &p->object, OBJECT_PARAMETER);
		mod->parameters =
			memory_room(mod->parameters, mod->n_parameters, sizeof(struct parameter *));
		mod->parameters[mod->n_parameters++] = p;
	}
	free(p->value);
	p->value = memory_copy(value);
}

static bool has_vfio(const struct model *m)
{
	for (size_t i = 0; i < m->n_drivers; i++) {
		if (m->drivers[i]->vfio && m->drivers[i]->module->loaded)
			return true;
	}
	return false;
}

/* The modules that every VFIO driver brings, with the parameters that Debian's kernels have. */
static void load_vfio(struct model *m)
{
	static const char *const defaults[][3] = {
		{"vfio", "enable_unsafe_noiommu_mode", "N"},
		{"vfio_pci", "disable_denylist", "N"},
		{"vfio_pci", "disable_idle_d3", "N"},
		{"vfio_pci", "disable_vga", "N"},
		{"vfio_pci", "enable_sriov", "N"},
		{"vfio_pci", "nointxmask", "N"},
		{"vfio_iommu_type1", "allow_unsafe_interrupts", "N"},
		{"vfio_iommu_type1", "disable_hugepages", "N"},
		{"vfio_iommu_type1", "dma_entry_limit", "65535"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		const char *const *d = defaults[i];
		if (!find_parameter(m, d[0], d[1]))
			parameter_put(m, d[0], d[1], d[2]);
	}
	module_get(m, "vfio", true);
	module_get(m, "vfio_iommu_type1", true);
	module_get(m, "vfio_pci_core", true);
}

static struct driver *driver_new(struct model *m, struct spec_driver *s)
{
	struct driver *drv = memory_new(sizeof(*drv));

	*drv = (struct driver){
		.name = memory_copy(s->name),
		.module = module_get(m, s->module, !s->unloaded),
		.matches = s->matches, /* now the driver's */
		.n_matches = s->n_matches,
		.vfio = s->vfio,
		.managed_dma = s->managed_dma || s->vfio,
		.sriov = s->sriov,
		.passive = s->passive,
		.leaves_enabled = s->leaves_enabled,
		.waits = s->waits,
	};
	s->matches = NULL;
	drv->module->builtin |= s->builtin;
	object_add(m, &drv->object, OBJECT_DRIVER);
	m->drivers = memory_room(m->drivers, m->n_drivers, sizeof(struct driver *));
	m->drivers[m->n_drivers++] = drv;
	return drv;
}

struct driver *driver_any(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n_drivers; i++) {
		if (strcmp(m->drivers[i]->name, name) == 0)
			return m->drivers[i];
	}
	return NULL;
}

/* A device that names its driver is one that the driver's table has. */
static void learn_match(struct model *m, const struct function *f)
{
	struct driver *drv = driver_any(m, f->driver);
	const struct device probe = {.function = (struct function *)f};

	if (!drv) {
		CLEANUP(free_cleanup) char *module = memory_copy(f->driver);
		struct spec_driver s = {.name = f->driver, .module = module};

		for (char *c = module; *c; c++)
			*c = isalnum((unsigned char)*c) || *c == '-' ? *c : '_';
		drv = driver_new(m, &s);
	}
	if (drv->vfio || driver_matches_device(drv, &probe))
		return;
	drv->matches = memory_room(drv->matches, drv->n_matches, sizeof(*drv->matches));
	drv->matches[drv->n_matches++] = (struct match){
		.vendor = f->vendor,
		.device = f->device,
		.subsystem_vendor = SPEC_ANY,
		.subsystem_device = SPEC_ANY,
	};
}

void drivers_new(struct model *m)
{
	const struct spec *s = m->spec;
	const struct function *f;

	for (size_t i = 0; i < s->n_drivers; i++)
		driver_new(m, &m->spec->drivers[i]);
	for (size_t i = 0; i < s->n_parameters; i++)
		parameter_put(
			m, s->parameters[i].module, s->parameters[i].name, s->parameters[i].value);
	TAILQ_FOREACH (f, &s->functions, link) {
		if (f->driver)
			learn_match(m, f);
	}
	if (has_vfio(m))
		load_vfio(m);
	for (size_t i = 0; i < m->n_drivers; i++)
		m->drivers[i]->n_at_boot = m->drivers[i]->n_matches;
	for (size_t i = 0; i < m->n_modules; i++)
		m->modules[i]->loaded_at_boot = m->modules[i]->loaded;
}

void modules_reset(struct model *m)
{
	for (size_t i = 0; i < m->n_drivers; i++) {
		struct driver *drv = m->drivers[i];

		drv->n_matches = drv->n_matches < drv->n_at_boot ? drv->n_matches : drv->n_at_boot;
	}
	for (size_t i = 0; i < m->n_modules; i++)
		m->modules[i]->loaded = m->modules[i]->loaded_at_boot;
}

void drivers_free(struct model *m)
{
	for (size_t i = 0; i < m->n_drivers; i++) {
		free(m->drivers[i]->name);
		free(m->drivers[i]->matches);
		free(m->drivers[i]);
	}
	for (size_t i = 0; i < m->n_modules; i++) {
		struct module *mod = m->modules[i];
		for (size_t j = 0; j < mod->n_parameters; j++) {
			free(mod->parameters[j]->name);
			free(mod->parameters[j]->value);
			free(mod->parameters[j]);
		}
		free(mod->parameters);
		free(mod->name);
		free(mod);
	}
	free(m->drivers);
	free(m->modules);
}

int model_load(struct model *m, const char *module)
{
	model_lock(m);
	struct module *mod = model_module(m, module);
	int error = mod ? 0 : -ENOENT;
	if (mod && !mod->loaded) {
		mod->loaded = true;
		if (has_vfio(m))
			load_vfio(m);
		for (size_t i = 0; i < m->n_drivers; i++) {
			if (m->drivers[i]->module != mod)
				continue;
			if (!m->no_autoprobe)
				driver_attach(m, m->drivers[i]);
			event_plain(m, "add", "/bus/pci/drivers", m->drivers[i]->name, "drivers");
		}
		event_plain(m, "add", "/module", mod->name, "module");
	}
	model_unlock(m);
	return error;
}

/* A device in use holds a reference to its driver's module. */
static bool is_used(const struct model *m, const struct module *mod)
{
	for (size_t i = 0; i < m->n_holds; i++) {
		const struct device *d = model_object(m, m->holds[i]->device, OBJECT_DEVICE);
		if (d && d->driver && d->driver->module == mod && device_is_held(m, d))
			return true;
	}
	return false;
}

static void detach_all(struct model *m, const struct driver *drv)
{
	size_t n;
	CLEANUP(free_cleanup) uint32_t *ids = device_ids(m, &n);

	for (size_t i = 0; i < n; i++) {
		struct device *d = model_object(m, ids[i], OBJECT_DEVICE);

		if (!d || d->driver != drv || device_lock(m, d) != 0)
			continue;
		if (d->driver == drv)
			(void)device_detach(m, d);
		device_unlock(m, d);
	}
}

int model_unload(struct model *m, const char *module)
{
	model_lock(m);
	struct module *mod = model_module(m, module);
	int error = 0;
	if (!mod || !mod->loaded)
		error = -ENOENT;
	else if (mod->builtin)
		error = -EBUSY;
	else if (is_used(m, mod))
		error = -EAGAIN;
	if (!error) {
		mod->loaded = false; /* nothing comes to its drivers any more */
		for (size_t i = 0; i < m->n_drivers; i++) {
			struct driver *drv = m->drivers[i];
			if (drv->module != mod)
				continue;
			detach_all(m, drv);
			event_plain(m, "remove", "/bus/pci/drivers", drv->name, "drivers");
		}
		event_plain(m, "remove", "/module", mod->name, "module");
	}
	model_unlock(m);
	return error;
}

int model_set_parameter(struct model *m, const char *module, const char *name, const char *value)
{
	model_lock(m);
	bool found = find_parameter(m, module, name);
	if (found)
		parameter_put(m, module, name, value);
	model_unlock(m);
	return found ? 0 : -ENOENT;
}

int write_parameter(struct model *m, uint32_t parameter, const struct write *w)
{
	model_lock(m);
	struct parameter *p = model_object(m, parameter, OBJECT_PARAMETER);
	bool boolean = p && (strcmp(p->value, "Y") == 0 || strcmp(p->value, "N") == 0), on = false;
	int error = !p ? -ENODEV : boolean && !write_bool(w, &on) ? -EINVAL : 0;
	if (!error) {
		free(p->value);
		p->value = memory_copy(!boolean ? w->text : on ? "Y" : "N");
		p->value[strcspn(p->value, "\n")] = '\0';
	}
	model_unlock(m);
	return error;
}
