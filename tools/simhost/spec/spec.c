/* SPDX-License-Identifier: MIT */
/* What a host is made of. */
#include "tools/simhost/spec/spec.h"
#include "tools/simhost/base/memory.h"

#include "core/base/util.h"

#include <stdlib.h>

struct spec *spec_new(void)
{
	struct spec *spec = memory_new(sizeof(*spec));

	TAILQ_INIT(&spec->functions);
	spec->kernel = memory_copy("6.1.0");
	spec->version = 6001;
	spec->cmdline = memory_copy("intel_iommu=on");
	spec->cpus = 2;
	return spec;
}

void function_free(struct function *function)
{
	if (!function)
		return;
	free(function->link_speed);
	free(function->reset);
	free(function->driver);
	free(function->override);
	free(function);
}

static void free_drivers(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_drivers; i++) {
		free(spec->drivers[i].name);
		free(spec->drivers[i].module);
		free(spec->drivers[i].matches);
	}
	for (size_t i = 0; i < spec->n_parameters; i++) {
		free(spec->parameters[i].module);
		free(spec->parameters[i].name);
		free(spec->parameters[i].value);
	}
	free(spec->drivers);
	free(spec->parameters);
}

static void free_children(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_children; i++) {
		struct spec_child *c = spec->children[i];
		char *const texts[] = {c->name, c->path, c->master, c->lower, c->holders, c->below,
			c->file_system, c->class, c->dev, c->number, c->bus, c->vfio_group};

		for (size_t j = 0; j < ARRAY_SIZE(texts); j++)
			free(texts[j]);
		for (size_t j = 0; j < c->n_attributes; j++)
			free(c->attributes[j]);
		free(c->attributes);
		free(c);
	}
	free(spec->children);
}

static void free_groups(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_regions; i++)
		free(spec->regions[i].type);
	for (size_t i = 0; i < spec->n_members; i++) {
		free(spec->members[i].name);
		free(spec->members[i].driver);
	}
	free(spec->regions);
	free(spec->members);
}

void spec_free(struct spec *spec)
{
	struct function *f;

	if (!spec)
		return;
	while ((f = TAILQ_FIRST(&spec->functions))) {
		TAILQ_REMOVE(&spec->functions, f, link);
		function_free(f);
	}
	free(spec->boot_id);
	free_drivers(spec);
	free_children(spec);
	for (size_t i = 0; i < spec->n_nodes; i++)
		free(spec->nodes[i].cpus);
	for (size_t i = 0; i < spec->n_commands; i++)
		free(spec->commands[i].text);
	free_groups(spec);
	free(spec->nodes);
	free(spec->commands);
	free(spec->kernel);
	free(spec->cmdline);
	free(spec);
}

struct function *spec_find(const struct spec *spec, struct pci_address address)
{
	struct function *f;

	TAILQ_FOREACH (f, &spec->functions, link) {
		if (pci_address_equal(f->address, address))
			return f;
	}
	return NULL;
}
