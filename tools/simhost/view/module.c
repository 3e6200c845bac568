/* SPDX-License-Identifier: MIT */
/* /sys/module, and what modprobe knows of modules. */
#include "tools/simhost/model/module.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/view/kind.h"

#include <string.h>

static void list_modules(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_modules; i++) {
		if (s->m->modules[i]->loaded)
			listing_add(out, S_IFDIR, "%s", s->m->modules[i]->name);
	}
}

static bool find_module(const struct scene *s, const char *name, struct node *ret)
{
	struct module *mod = model_module(s->m, name);

	if (!mod || !mod->loaded)
		return false;
	*ret = node_at(V_MODULE, &mod->object);
	return true;
}

static bool is_no_builtin(const struct scene *s)
{
	return !s->module->builtin;
}

static bool has_parameters(const struct scene *s)
{
	return s->module->n_parameters > 0;
}

static const struct entry entries_module[] = {
	{"drivers", .mode = FOLDER, .kind = V_MODULE_DRIVERS},
	{"initstate", .mode = READ, .present = is_no_builtin, .text = "live\n"},
	{"parameters", .mode = FOLDER, .present = has_parameters, .kind = V_PARAMETERS},
	{0},
};

static void list_module_drivers(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_drivers; i++) {
		if (s->m->drivers[i]->module == s->module)
			listing_add(out, S_IFLNK, "pci:%s", s->m->drivers[i]->name);
	}
}

static bool find_module_driver(const struct scene *s, const char *name, struct node *ret)
{
	struct driver *drv = strncmp(name, "pci:", 4) == 0 ? model_driver(s->m, name + 4) : NULL;

	if (!drv || drv->module != s->module)
		return false;
	*ret = node_at(V_MODULE_DRIVER_LINK, &drv->object);
	return true;
}

static char *path_module_of_driver(const struct scene *s)
{
	return memory_print("/module/%s/drivers", s->driver->module->name);
}

static void show_driver_path(const struct scene *s, FILE *out)
{
	fprintf(out, "/bus/pci/drivers/%s", s->driver->name);
}

static void list_parameters(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->module->n_parameters; i++)
		listing_add(out, S_IFREG, "%s", s->module->parameters[i]->name);
}

static bool find_parameter(const struct scene *s, const char *name, struct node *ret)
{
	for (size_t i = 0; i < s->module->n_parameters; i++) {
		struct parameter *p = s->module->parameters[i];
		if (strcmp(p->name, name) != 0)
			continue;
		*ret = node_at(V_PARAMETER, &p->object);
		return true;
	}
	return false;
}

static void show_parameter(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->parameter->value);
}

/* --- /lib/modules/RELEASE/modules.alias --------------------------------------------------------
 */

static void list_release(const struct scene *s, struct listing *out)
{
	listing_add(out, S_IFDIR, "%s", s->m->spec->kernel);
}

static bool find_release(const struct scene *s, const char *name, struct node *ret)
{
	*ret = (struct node){.kind = V_LIB_RELEASE};
	return strcmp(name, s->m->spec->kernel) == 0;
}

/* One of an alias's fields: its letters and eight digits, or a star. */
static void print_field(FILE *out, const char *letters, int64_t value)
{
	if (value == SPEC_ANY)
		fprintf(out, "%s*", letters);
	else
		fprintf(out, "%s%08X", letters, (unsigned)value);
}

/* What a VFIO driver takes has a prefix of its own, so that no device loads it by itself. */
static void show_aliases(const struct scene *s, FILE *out)
{
	fputs("# Aliases extracted from modules themselves.\n", out);
	for (size_t i = 0; i < s->m->n_drivers; i++) {
		const struct driver *drv = s->m->drivers[i];

		for (size_t j = 0; j < drv->n_matches && !drv->module->builtin; j++) {
			const struct match *match = &drv->matches[j];
			if (match->dynamic)
				continue;
			fprintf(out, "alias %s:", drv->vfio ? "vfio_pci" : "pci");
			print_field(out, "v", match->vendor);
			print_field(out, "d", match->device);
			print_field(out, "sv", match->subsystem_vendor);
			print_field(out, "sd", match->subsystem_device);
			fprintf(out, "bc*sc*i* %s\n", drv->module->name);
		}
	}
	fputs("alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n", out);
}

static const struct entry entries_lib[] = {
	{"modules", .mode = FOLDER, .kind = V_LIB_MODULES},
	{0},
};

static const struct entry entries_release[] = {
	{"modules.alias", .mode = READ, .show = show_aliases},
	{0},
};

const struct kind kinds_module[V_COUNT] = {
	[V_MODULES] = {DIR_OF, .list = list_modules, .find = find_module},
	[V_MODULE] = {DIR_OF, OBJECT_MODULE, entries_module},
	[V_MODULE_DRIVERS] = {DIR_OF, OBJECT_MODULE, .list = list_module_drivers,
		.find = find_module_driver},
	[V_MODULE_DRIVER_LINK] = {LINK_TO(show_driver_path), OBJECT_DRIVER,
		.path_of = path_module_of_driver},
	[V_LIB] = {FIXED_DIR, .entries = entries_lib},
	[V_LIB_MODULES] = {FIXED_DIR, .list = list_release, .find = find_release},
	[V_LIB_RELEASE] = {FIXED_DIR, .entries = entries_release},
	[V_PARAMETERS] = {DIR_OF, OBJECT_MODULE, .list = list_parameters, .find = find_parameter},
	[V_PARAMETER] = {.self = {.mode = BOTH, .show = show_parameter, .store = write_parameter},
		OBJECT_PARAMETER},
};
