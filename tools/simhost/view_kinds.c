/* SPDX-License-Identifier: MIT */
/* Which kinds of thing there are, and the folders that are always the same. */
#include "tools/simhost/view_internal.h"

#include "tools/simhost/control.h"

enum {
	FOLDER = S_IFDIR | 0755,
	LINK = S_IFLNK | 0777,
	READ = S_IFREG | 0444,
	WRITE = S_IFREG | 0200,
	BOTH = S_IFREG | 0644,
	VFIO_NODE = 10 << 8 | 196, /* as makedev would, which is no constant */
	IOMMU_NODE = 10 << 8 | 127,
};

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

static void show_autoprobe(const struct scene *s, FILE *out)
{
	fprintf(out, "%d\n", !s->m->no_autoprobe);
}

static void show_osrelease(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->m->spec->kernel);
}

static void show_self(const struct scene *s, FILE *out)
{
	(void)s;
	fputc('1', out);
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

static void show_class_iommu(const struct scene *s, FILE *out)
{
	(void)s;
	fputs("/class/iommu", out);
}

static bool has_vfio(const struct scene *s)
{
	const struct module *m = model_module(s->m, "vfio");

	return m && m->loaded;
}

static bool has_cdev(const struct scene *s)
{
	return has_vfio(s) && s->m->spec->cdev;
}

const struct entry entries_root[] = {
	{"sys", .mode = FOLDER, .kind = V_SYS},
	{"proc", .mode = FOLDER, .kind = V_PROC},
	{"dev", .mode = FOLDER, .kind = V_DEV},
	{"control", .mode = WRITE, .store = store_control},
	{0},
};

const struct entry entries_sys[] = {
	{"bus", .mode = FOLDER, .kind = V_BUS},
	{"class", .mode = FOLDER, .kind = V_CLASS},
	{"devices", .mode = FOLDER, .kind = V_DEVICES},
	{"firmware", .mode = FOLDER, .kind = V_FIRMWARE},
	{"kernel", .mode = FOLDER, .kind = V_KERNEL},
	{"module", .mode = FOLDER, .kind = V_MODULES},
	{0},
};

const struct entry entries_bus[] = {
	{"pci", .mode = FOLDER, .kind = V_PCI},
	{0},
};

const struct entry entries_pci[] = {
	{"devices", .mode = FOLDER, .kind = V_PCI_DEVICES},
	{"drivers", .mode = FOLDER, .kind = V_DRIVERS},
	{"slots", .mode = FOLDER, .kind = V_PCI_SLOTS},
	{"drivers_autoprobe", .mode = BOTH, .show = show_autoprobe,
		.store = write_drivers_autoprobe},
	{"drivers_probe", .mode = WRITE, .store = write_drivers_probe},
	{"rescan", .mode = WRITE, .store = write_rescan},
	{0},
};

const struct entry entries_devices[] = {
	{"virtual", .mode = FOLDER, .kind = V_VIRTUAL},
	{0},
};

const struct entry entries_kernel[] = {
	{"iommu_groups", .mode = FOLDER, .kind = V_GROUPS},
	{0},
};

const struct entry entries_class[] = {
	{"block", .mode = FOLDER, .kind = V_CLASS_BLOCK},
	{"iommu", .mode = FOLDER, .kind = V_CLASS_IOMMU},
	{"net", .mode = FOLDER, .kind = V_CLASS_NET},
	{"vfio", .mode = FOLDER, .present = has_vfio, .kind = V_CLASS_VFIO},
	{"vfio-dev", .mode = FOLDER, .present = has_vfio, .kind = V_CLASS_VFIO_DEV},
	{0},
};

const struct entry entries_class_iommu[] = {
	{"dmar0", .mode = LINK, .present = has_dmar, .show = show_iommu_path},
	{"ivhd0", .mode = LINK, .present = has_ivrs, .show = show_iommu_path},
	{0},
};

const struct entry entries_virtual[] = {
	{"iommu", .mode = FOLDER, .present = has_iommu, .kind = V_VIRTUAL_IOMMU},
	{"vfio", .mode = FOLDER, .present = has_vfio, .kind = V_VIRTUAL_VFIO},
	{0},
};

const struct entry entries_virtual_iommu[] = {
	{"dmar0", .mode = FOLDER, .present = has_dmar, .kind = V_IOMMU},
	{"ivhd0", .mode = FOLDER, .present = has_ivrs, .kind = V_IOMMU},
	{0},
};

const struct entry entries_iommu[] = {
	{"subsystem", .mode = LINK, .show = show_class_iommu},
	{0},
};

const struct entry entries_firmware[] = {
	{"acpi", .mode = FOLDER, .present = has_iommu, .kind = V_ACPI},
	{0},
};

const struct entry entries_acpi[] = {
	{"tables", .mode = FOLDER, .kind = V_TABLES},
	{0},
};

const struct entry entries_tables[] = {
	{"DMAR", .mode = S_IFREG | 0400, .present = has_dmar, .show = show_table, .size = 36},
	{"IVRS", .mode = S_IFREG | 0400, .present = has_ivrs, .show = show_table, .size = 36},
	{0},
};

const struct entry entries_proc[] = {
	{"cmdline", .mode = READ, .show = show_cmdline},
	{"cpuinfo", .mode = READ, .show = show_cpuinfo},
	{"interrupts", .mode = READ, .show = show_interrupts},
	{"modules", .mode = READ, .show = show_proc_modules},
	{"net", .mode = FOLDER, .kind = V_PROC_NET},
	{"self", .mode = LINK, .show = show_self},
	{"swaps", .mode = READ, .show = show_swaps},
	{"sys", .mode = FOLDER, .kind = V_PROC_SYS},
	{0},
};

const struct entry entries_proc_net[] = {
	{"if_inet6", .mode = READ, .show = show_if_inet6},
	{"route", .mode = READ, .show = show_route},
	{0},
};

const struct entry entries_proc_sys[] = {
	{"kernel", .mode = FOLDER, .kind = V_PROC_SYS_KERNEL},
	{0},
};

const struct entry entries_proc_sys_kernel[] = {
	{"osrelease", .mode = READ, .show = show_osrelease},
	{0},
};

const struct entry entries_dev[] = {
	{"uevent", .mode = READ},
	{"vfio", .mode = FOLDER, .present = has_vfio, .kind = V_DEV_VFIO},
	{"iommu", .mode = S_IFCHR | 0660, .present = has_cdev, .size = IOMMU_NODE},
	{0},
};

const struct entry entries_dev_vfio[] = {
	{"devices", .mode = FOLDER, .present = has_cdev, .kind = V_DEV_CDEVS},
	{"vfio", .mode = S_IFCHR | 0666, .size = VFIO_NODE},
	{0},
};

/* The first line of a kind: its own mode and, when it is no folder, what it shows. */
#define DIR_OF .self = {.mode = FOLDER}
#define FIXED_DIR DIR_OF, .fixed = true
#define LINK_TO(fn) .self = {.mode = LINK, .show = (fn)}

const struct kind view_kinds[V_COUNT] = {
	[V_ROOT] = {FIXED_DIR, .entries = entries_root},
	[V_SYS] = {FIXED_DIR, .entries = entries_sys},
	[V_BUS] = {FIXED_DIR, .entries = entries_bus},
	[V_PCI] = {FIXED_DIR, .entries = entries_pci},
	[V_PCI_DEVICES] = {FIXED_DIR, .list = list_pci_devices, .find = find_pci_device},
	[V_PCI_DEVICE_LINK] = {LINK_TO(show_device_path), OBJECT_DEVICE,
		.path = "/bus/pci/devices"},
	[V_PCI_SLOTS] = {DIR_OF},
	[V_DRIVERS] = {FIXED_DIR, .list = list_drivers, .find = find_driver},
	[V_DRIVER] = {DIR_OF, OBJECT_DRIVER, entries_driver, .path_of = path_driver,
		.list = list_driver_devices, .find = find_driver_device},
	[V_DRIVER_DEVICE_LINK] = {LINK_TO(show_device_path), OBJECT_DEVICE,
		.path_of = path_driver_of_device},
	[V_DEVICES] = {FIXED_DIR, .entries = entries_devices, .list = list_host_bridges,
		.find = find_host_bridge},
	[V_HOST_BRIDGE] = {DIR_OF, .list = list_root_bus, .find = find_root_bus},
	[V_DEVICE] = {DIR_OF, OBJECT_DEVICE, entries_device, .path_of = path_device,
		.list = list_device, .find = find_device},
	[V_POWER] = {DIR_OF, OBJECT_DEVICE, entries_power},
	[V_VIRTFN_LINK] = {LINK_TO(show_device_path), OBJECT_DEVICE, .path_of = path_physfn},
	[V_VFIO_DEVS] = {DIR_OF, OBJECT_DEVICE, .list = list_vfio_devs, .find = find_vfio_dev},
	[V_VFIO_DEV] = {DIR_OF, OBJECT_VFIO, entries_vfio_dev, .path_of = path_vfio_dev},
	[V_CHILD_PATH] = {DIR_OF, OBJECT_CHILD, .list = list_child_path, .find = find_child_path},
	[V_NET] = {DIR_OF, OBJECT_CHILD, entries_net, .path_of = path_child,
		.list = list_child_path, .find = find_child_path},
	[V_DISK] = {DIR_OF, OBJECT_CHILD, entries_disk, .path_of = path_child,
		.list = list_child_path, .find = find_child_path},
	[V_HOLDERS] = {DIR_OF, OBJECT_CHILD, .list = list_holders, .find = find_holder},
	[V_HOLDER_LINK] = {LINK_TO(show_holder), OBJECT_CHILD, .path_of = path_holders},
	[V_KERNEL] = {FIXED_DIR, .entries = entries_kernel},
	[V_GROUPS] = {FIXED_DIR, .list = list_groups, .find = find_group},
	[V_GROUP] = {DIR_OF, OBJECT_GROUP, entries_group},
	[V_GROUP_DEVICES] = {DIR_OF, OBJECT_GROUP, .list = list_group_devices,
		.find = find_group_device},
	[V_GROUP_DEVICE_LINK] = {LINK_TO(show_device_path), OBJECT_DEVICE,
		.path_of = path_group_of_device},
	[V_MODULES] = {DIR_OF, .list = list_modules, .find = find_module},
	[V_MODULE] = {DIR_OF, OBJECT_MODULE, entries_module},
	[V_MODULE_DRIVERS] = {DIR_OF, OBJECT_MODULE, .list = list_module_drivers,
		.find = find_module_driver},
	[V_MODULE_DRIVER_LINK] = {LINK_TO(show_driver_path), OBJECT_DRIVER,
		.path_of = path_module_of_driver},
	[V_PARAMETERS] = {DIR_OF, OBJECT_MODULE, .list = list_parameters, .find = find_parameter},
	[V_PARAMETER] = {.self = {.mode = BOTH, .show = show_parameter, .store = write_parameter},
		OBJECT_PARAMETER},
	[V_CLASS] = {FIXED_DIR, .entries = entries_class},
	[V_CLASS_NET] = {DIR_OF, .list = list_class_children, .find = find_class_child},
	[V_CLASS_BLOCK] = {DIR_OF, .list = list_class_children, .find = find_class_child},
	[V_CLASS_CHILD_LINK] = {LINK_TO(show_child_path), OBJECT_CHILD,
		.path_of = path_class_of_child},
	[V_CLASS_VFIO] = {DIR_OF, .list = list_class_vfio, .find = find_class_vfio},
	[V_CLASS_VFIO_LINK] = {LINK_TO(show_vfio_group_path), OBJECT_GROUP, .path = "/class/vfio"},
	[V_CLASS_VFIO_DEV] = {DIR_OF, .list = list_class_vfio_dev, .find = find_class_vfio_dev},
	[V_CLASS_VFIO_DEV_LINK] = {LINK_TO(show_vfio_dev_path), OBJECT_VFIO,
		.path = "/class/vfio-dev"},
	[V_CLASS_IOMMU] = {DIR_OF, .entries = entries_class_iommu, .path = "/class/iommu"},
	[V_VIRTUAL] = {DIR_OF, .entries = entries_virtual, .list = list_virtual,
		.find = find_virtual},
	[V_VIRTUAL_VFIO] = {DIR_OF, .list = list_virtual_vfio, .find = find_virtual_vfio},
	[V_VIRTUAL_GROUP] = {DIR_OF, OBJECT_GROUP, entries_virtual_group,
		.path_of = path_virtual_group},
	[V_VIRTUAL_IOMMU] = {DIR_OF, .entries = entries_virtual_iommu},
	[V_IOMMU] = {DIR_OF, .entries = entries_iommu, .path = "/devices/virtual/iommu/dmar0"},
	[V_FIRMWARE] = {DIR_OF, .entries = entries_firmware},
	[V_ACPI] = {DIR_OF, .entries = entries_acpi},
	[V_TABLES] = {DIR_OF, .entries = entries_tables},
	[V_PROC] = {FIXED_DIR, .entries = entries_proc, .list = list_processes,
		.find = find_process},
	[V_PROC_NET] = {DIR_OF, .entries = entries_proc_net},
	[V_PROC_SYS] = {DIR_OF, .entries = entries_proc_sys},
	[V_PROC_SYS_KERNEL] = {DIR_OF, .entries = entries_proc_sys_kernel},
	[V_PROCESS] = {DIR_OF, OBJECT_PROCESS, entries_process},
	[V_FDS] = {.self = {.mode = S_IFDIR | 0500},
		OBJECT_PROCESS,
		.list = list_fds,
		.find = find_fd},
	[V_FD] = {.self = {.mode = S_IFLNK | 0700, .show = show_fd}, OBJECT_PROCESS},
	[V_FDINFOS] = {DIR_OF, OBJECT_PROCESS, .list = list_fds, .find = find_fd},
	[V_FDINFO] = {.self = {.mode = READ, .show = show_fdinfo}, OBJECT_PROCESS},
	[V_DEV] = {FIXED_DIR, .entries = entries_dev},
	[V_DEV_VFIO] = {DIR_OF, .entries = entries_dev_vfio, .list = list_dev_vfio,
		.find = find_dev_vfio},
	[V_DEV_CDEVS] = {DIR_OF, .list = list_dev_cdevs, .find = find_dev_cdev},
	[V_GROUP_NODE] = {.self = {.mode = S_IFCHR | 0600}, OBJECT_GROUP, .rdev = rdev_group},
	[V_CDEV_NODE] = {.self = {.mode = S_IFCHR | 0600}, OBJECT_VFIO, .rdev = rdev_cdev},
};
