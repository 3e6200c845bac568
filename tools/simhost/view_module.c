/* SPDX-License-Identifier: MIT */
/* /sys/module */
#include "tools/simhost/view_internal.h"

enum { FOLDER = S_IFDIR | 0755, READ = S_IFREG | 0444 };

void list_modules(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_modules; i++) {
		if (s->m->modules[i]->loaded)
			listing_add(out, S_IFDIR, "%s", s->m->modules[i]->name);
	}
}

bool find_module(const struct scene *s, const char *name, struct node *ret)
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

static void show_initstate(const struct scene *s, FILE *out)
{
	(void)s;
	fputs("live\n", out);
}

const struct entry entries_module[] = {
	{"drivers", .mode = FOLDER, .kind = V_MODULE_DRIVERS},
	{"initstate", .mode = READ, .present = is_no_builtin, .show = show_initstate},
	{"parameters", .mode = FOLDER, .present = has_parameters, .kind = V_PARAMETERS},
	{0},
};

void list_module_drivers(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_drivers; i++) {
		if (s->m->drivers[i]->module == s->module)
			listing_add(out, S_IFLNK, "pci:%s", s->m->drivers[i]->name);
	}
}

bool find_module_driver(const struct scene *s, const char *name, struct node *ret)
{
	struct driver *drv = strncmp(name, "pci:", 4) == 0 ? model_driver(s->m, name + 4) : NULL;

	if (!drv || drv->module != s->module)
		return false;
	*ret = node_at(V_MODULE_DRIVER_LINK, &drv->object);
	return true;
}

char *path_module_of_driver(const struct scene *s)
{
	return memory_print("/module/%s/drivers", s->driver->module->name);
}

void show_driver_path(const struct scene *s, FILE *out)
{
	fprintf(out, "/bus/pci/drivers/%s", s->driver->name);
}

void list_parameters(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->module->n_parameters; i++)
		listing_add(out, S_IFREG, "%s", s->module->parameters[i]->name);
}

bool find_parameter(const struct scene *s, const char *name, struct node *ret)
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

void show_parameter(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->parameter->value);
}
