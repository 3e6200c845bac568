/* SPDX-License-Identifier: MIT */
/* The folders that are always the same. */
#include "tools/simhost/view/fixed.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/control.h"
#include "tools/simhost/model/module.h"
#include "tools/simhost/view/child.h"

#include "core/base/util.h"

#include <string.h>

/* Commands, one a line, up to the first that fails; which it was goes to the standard error, as
 * the kernel's reasons go to its log. */
static int store_control(struct model *m, uint32_t none, const struct write *w)
{
	CLEANUP(free_cleanup) char *text = memory_copy(w->text);
	char *save = NULL;
	int error = 0;

	(void)none;
	for (char *s = strtok_r(text, "\n", &save); s && !error; s = strtok_r(NULL, "\n", &save)) {
		CLEANUP(free_cleanup) char *why = NULL;
		error = control_run(m, s, &why);
		if (why)
			fprintf(stderr, "simhost: control: %s\n", why);
	}
	return error;
}

static bool has_iommu(const struct scene *s)
{
	return s->m->spec->iommu != IOMMU_NONE;
}

static bool has_dmar(const struct scene *s)
{
	return s->m->spec->iommu == IOMMU_INTEL;
}

static bool has_ivrs(const struct scene *s)
{
	return s->m->spec->iommu == IOMMU_AMD;
}

/* An ACPI table of nothing but its head. */
static void show_table(const struct scene *s, FILE *out)
{
	enum { HEAD_SIZE = 36 };
	uint8_t rest[HEAD_SIZE - 4] = {HEAD_SIZE};

	fputs(has_dmar(s) ? "DMAR" : "IVRS", out);
	fwrite(rest, 1, sizeof(rest), out);
}

static void show_iommu_path(const struct scene *s, FILE *out)
{
	fprintf(out, "/devices/virtual/iommu/%s", has_dmar(s) ? "dmar0" : "ivhd0");
}

bool has_vfio(const struct scene *s)
{
	const struct module *m = model_module(s->m, "vfio");

	return m && m->loaded;
}

bool has_cdev(const struct scene *s)
{
	return has_vfio(s) && s->m->spec->cdev;
}

static bool has_console(const struct scene *s)
{
	return s->m->spec->console;
}

static const struct entry entries_root[] = {
	{"sys", .mode = FOLDER, .kind = V_SYS},
	{"proc", .mode = FOLDER, .kind = V_PROC},
	{"dev", .mode = FOLDER, .kind = V_DEV},
	{"lib", .mode = FOLDER, .kind = V_LIB},
	{"run", .mode = FOLDER, .kind = V_RUN},
	{"control", .mode = WRITE, .store = store_control},
	{0},
};

static const struct entry entries_sys[] = {
	{"bus", .mode = FOLDER, .kind = V_BUS},
	{"class", .mode = FOLDER, .kind = V_CLASS},
	{"dev", .mode = FOLDER, .kind = V_NUMBERS},
	{"devices", .mode = FOLDER, .kind = V_DEVICES},
	{"firmware", .mode = FOLDER, .kind = V_FIRMWARE},
	{"kernel", .mode = FOLDER, .kind = V_KERNEL},
	{"module", .mode = FOLDER, .kind = V_MODULES},
	{0},
};

static const struct entry entries_numbers[] = {
	{"block", .mode = FOLDER, .kind = V_BLOCK_NUMBERS},
	{"char", .mode = FOLDER, .kind = V_CHAR_NUMBERS},
	{0},
};

static const struct entry entries_kernel[] = {
	{"iommu_groups", .mode = FOLDER, .kind = V_GROUPS},
	{0},
};

static const struct entry entries_class[] = {
	{"block", .mode = FOLDER, .kind = V_CLASS_BLOCK},
	{"iommu", .mode = FOLDER, .kind = V_CLASS_IOMMU},
	{"net", .mode = FOLDER, .kind = V_CLASS_NET},
	{"vfio", .mode = FOLDER, .present = has_vfio, .kind = V_CLASS_VFIO},
	{"vtconsole", .mode = FOLDER, .present = has_console, .kind = V_CLASS_CONSOLE},
	{"vfio-dev", .mode = FOLDER, .present = has_vfio, .kind = V_CLASS_VFIO_DEV},
	{0},
};

/* The first child of the class; NULL. Interfaces and disks have folders of their own. */
static const struct child *first_of_class(const struct scene *s, const char *class)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];
		if ((c->spec->kind == CHILD_NODE || c->spec->kind == CHILD_OBJECT) &&
			c->spec->class && strcmp(c->spec->class, class) == 0)
			return c;
	}
	return NULL;
}

static void list_classes(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];
		if (c->spec->class && first_of_class(s, c->spec->class) == c)
			listing_add(out, S_IFDIR, "%s", c->spec->class);
	}
}

static bool find_class(const struct scene *s, const char *name, struct node *ret)
{
	const struct child *c = first_of_class(s, name);

	if (c)
		*ret = node_at(V_CLASS_NODES, &c->object);
	return c;
}

static const struct entry entries_class_iommu[] = {
	{"dmar0", .mode = LINK, .present = has_dmar, .show = show_iommu_path},
	{"ivhd0", .mode = LINK, .present = has_ivrs, .show = show_iommu_path},
	{0},
};

static const struct entry entries_virtual[] = {
	{"iommu", .mode = FOLDER, .present = has_iommu, .kind = V_VIRTUAL_IOMMU},
	{"vfio", .mode = FOLDER, .present = has_vfio, .kind = V_VIRTUAL_VFIO},
	{"vtconsole", .mode = FOLDER, .present = has_console, .kind = V_VIRTUAL_CONSOLE},
	{0},
};

static const struct entry entries_virtual_iommu[] = {
	{"dmar0", .mode = FOLDER, .present = has_dmar, .kind = V_IOMMU},
	{"ivhd0", .mode = FOLDER, .present = has_ivrs, .kind = V_IOMMU},
	{0},
};

static const struct entry entries_iommu[] = {
	{"subsystem", .mode = LINK, .text = "/class/iommu"},
	{0},
};

static const struct entry entries_class_console[] = {
	{"vtcon1", .mode = LINK, .text = "/devices/virtual/vtconsole/vtcon1"},
	{0},
};

static const struct entry entries_virtual_console[] = {
	{"vtcon1", .mode = FOLDER, .kind = V_CONSOLE},
	{0},
};

static const struct entry entries_console[] = {
	{"bind", .mode = READ, .text = "1\n"},
	{"name", .mode = READ, .text = "(M) frame buffer device\n"},
	{"subsystem", .mode = LINK, .text = "/class/vtconsole"},
	{0},
};

static const struct entry entries_firmware[] = {
	{"acpi", .mode = FOLDER, .present = has_iommu, .kind = V_ACPI},
	{0},
};

static const struct entry entries_acpi[] = {
	{"tables", .mode = FOLDER, .kind = V_TABLES},
	{0},
};

static const struct entry entries_tables[] = {
	{"DMAR", .mode = S_IFREG | 0400, .present = has_dmar, .show = show_table, .size = 36},
	{"IVRS", .mode = S_IFREG | 0400, .present = has_ivrs, .show = show_table, .size = 36},
	{0},
};

const struct kind kinds_fixed[V_COUNT] = {
	[V_ROOT] = {FIXED_DIR, .entries = entries_root},
	[V_SYS] = {FIXED_DIR, .entries = entries_sys},
	[V_NUMBERS] = {FIXED_DIR, .entries = entries_numbers},
	[V_KERNEL] = {FIXED_DIR, .entries = entries_kernel},
	[V_CLASS] = {FIXED_DIR, .entries = entries_class, .list = list_classes, .find = find_class},
	[V_VIRTUAL] = {DIR_OF, .entries = entries_virtual, .list = list_children,
		.find = find_child},
	[V_CLASS_CONSOLE] = {DIR_OF, .entries = entries_class_console, .path = "/class/vtconsole"},
	[V_VIRTUAL_CONSOLE] = {DIR_OF, .entries = entries_virtual_console,
		.path = "/devices/virtual/vtconsole"},
	[V_CONSOLE] = {DIR_OF, .entries = entries_console,
		.path = "/devices/virtual/vtconsole/vtcon1"},
	[V_CLASS_IOMMU] = {DIR_OF, .entries = entries_class_iommu, .path = "/class/iommu"},
	[V_VIRTUAL_IOMMU] = {DIR_OF, .entries = entries_virtual_iommu},
	[V_IOMMU] = {DIR_OF, .entries = entries_iommu, .path = "/devices/virtual/iommu/dmar0"},
	[V_FIRMWARE] = {DIR_OF, .entries = entries_firmware},
	[V_ACPI] = {DIR_OF, .entries = entries_acpi},
	[V_TABLES] = {DIR_OF, .entries = entries_tables},
};
