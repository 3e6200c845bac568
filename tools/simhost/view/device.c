/* SPDX-License-Identifier: MIT */
/* A device's folder: its attributes. */
#include "tools/simhost/view/device.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/attribute.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/event.h"
#include "tools/simhost/model/module.h"
#include "tools/simhost/model/sriov.h"
#include "tools/simhost/view/config.h"

#include "core/base/util.h"

#include <stdlib.h>
#include <string.h>

#define FUNCTION(s) ((s)->device->function)

static void show_vendor(const struct scene *s, FILE *out)
{
	fprintf(out, "0x%04x\n", FUNCTION(s)->vendor);
}

static void show_device(const struct scene *s, FILE *out)
{
	fprintf(out, "0x%04x\n", FUNCTION(s)->device);
}

static void show_subsystem_vendor(const struct scene *s, FILE *out)
{
	fprintf(out, "0x%04x\n", FUNCTION(s)->subsystem_vendor);
}

static void show_subsystem_device(const struct scene *s, FILE *out)
{
	fprintf(out, "0x%04x\n", FUNCTION(s)->subsystem_device);
}

static void show_class(const struct scene *s, FILE *out)
{
	fprintf(out, "0x%06x\n", FUNCTION(s)->class);
}

static void show_revision(const struct scene *s, FILE *out)
{
	fprintf(out, "0x%02x\n", FUNCTION(s)->revision);
}

static void show_irq(const struct scene *s, FILE *out)
{
	fprintf(out, "%u\n", FUNCTION(s)->irq);
}

static void show_numa_node(const struct scene *s, FILE *out)
{
	fprintf(out, "%d\n", s->device->numa);
}

static void show_enable(const struct scene *s, FILE *out)
{
	fprintf(out, "%u\n", device_enable_count(s->m, s->device));
}

static void show_override(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->device->override ? s->device->override : "(null)");
}

static void show_msi_bus(const struct scene *s, FILE *out)
{
	fprintf(out, "%d\n", s->device->msi);
}

static void show_d3cold(const struct scene *s, FILE *out)
{
	fprintf(out, "%d\n", s->device->d3cold);
}

static void show_dma_bits(const struct scene *s, FILE *out)
{
	fprintf(out, "%d\n", s->device->driver && !FUNCTION(s)->conventional ? 64 : 32);
}

static void show_power_control(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->device->power_control);
}

/* An idle VFIO device sleeps where it can; one that no driver ever enabled is in no known state. */
static const char *power_state(const struct scene *s)
{
	const struct device *d = s->device;
	const char *awake = model_parameter(s->m, "vfio_pci", "disable_idle_d3");

	if (d->vfio && device_enable_count(s->m, d) == 0 && d->d3cold &&
		!(awake && awake[0] == 'Y'))
		return "D3hot";
	return d->driver || d->was_enabled || device_enable_count(s->m, d) > 0 ? "D0" : "unknown";
}

static void show_power_state(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", power_state(s));
}

static void show_runtime_status(const struct scene *s, FILE *out)
{
	fputs(strcmp(power_state(s), "D3hot") == 0 ? "suspended\n" : "active\n", out);
}

static void show_reset_method(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->device->reset ? s->device->reset : "");
}

static void show_boot_vga(const struct scene *s, FILE *out)
{
	fprintf(out, "%d\n", FUNCTION(s)->boot_vga);
}

static void show_resource(const struct scene *s, FILE *out)
{
	for (size_t i = 0; i < SPEC_BARS; i++) {
		const struct bar *b = &FUNCTION(s)->bars[i];
		fprintf(out, "0x%016lx 0x%016lx 0x%016lx\n", b->start, b->end, b->flags);
	}
}

static void show_modalias(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *alias = device_alias(s->device);

	fprintf(out, "%s\n", alias);
}

static void show_uevent(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *variables = device_variables(s->device);
	CLEANUP(free_cleanup) char *alias = device_alias(s->device);

	fprintf(out, "%sMODALIAS=%s\n", variables, alias);
}

static void show_config(const struct scene *s, FILE *out)
{
	config_print(s->device, out);
}

/* CPUs of the device's node; all of them when it is on none. */
static const char *cpus_of(const struct scene *s)
{
	for (size_t i = 0; i < s->m->spec->n_nodes; i++) {
		if (s->m->spec->nodes[i].number == s->device->numa)
			return s->m->spec->nodes[i].cpus;
	}
	return NULL;
}

static void show_local_cpulist(const struct scene *s, FILE *out)
{
	const char *cpus = cpus_of(s);

	if (cpus)
		fprintf(out, "%s\n", cpus);
	else if (s->m->spec->cpus == 1)
		fputs("0\n", out);
	else
		fprintf(out, "0-%u\n", s->m->spec->cpus - 1);
}

static void show_local_cpus(const struct scene *s, FILE *out)
{
	enum { WORDS = 128 }; /* of 32 CPUs each */
	CLEANUP(free_cleanup) char *list = NULL;
	uint32_t mask[WORDS] = {0};
	size_t size, words = (s->m->spec->cpus + 31) / 32;
	FILE *text = memory_stream(&list, &size);

	show_local_cpulist(s, text);
	fclose(text);
	for (char *c = list; *c >= '0' && *c <= '9'; c += *c == ',') {
		unsigned long from = strtoul(c, &c, 10), to = from;
		if (*c == '-')
			to = strtoul(c + 1, &c, 10);
		for (; from <= to && from < WORDS * 32ul; from++)
			mask[from / 32] |= 1u << from % 32;
	}
	/* One word is printed without leading zeros up to the width of the CPUs there are. */
	fprintf(out, "%0*x", (int)((s->m->spec->cpus - (words - 1) * 32 + 3) / 4), mask[words - 1]);
	for (size_t i = words - 1; i-- > 0;)
		fprintf(out, ",%08x", mask[i]);
	fputc('\n', out);
}

static void show_link_speed(const struct scene *s, FILE *out)
{
	const char *speed = FUNCTION(s)->link_speed;

	fprintf(out, "%s\n", speed ? speed : "Unknown");
}

static void show_link_width(const struct scene *s, FILE *out)
{
	fprintf(out, "%u\n", FUNCTION(s)->link_width);
}

static void show_max_link_width(const struct scene *s, FILE *out)
{
	fprintf(out, "%u\n", FUNCTION(s)->link_width ? FUNCTION(s)->link_width : 255);
}

static void show_secondary(const struct scene *s, FILE *out)
{
	fprintf(out, "%u\n", FUNCTION(s)->secondary);
}

static void show_subordinate(const struct scene *s, FILE *out)
{
	fprintf(out, "%u\n", FUNCTION(s)->subordinate);
}

static void show_totalvfs(const struct scene *s, FILE *out)
{
	fprintf(out, "%u\n", FUNCTION(s)->sriov.total);
}

static void show_numvfs(const struct scene *s, FILE *out)
{
	fprintf(out, "%zu\n", s->device->n_vfs);
}

static void show_vf_offset(const struct scene *s, FILE *out)
{
	fprintf(out, "%u\n", FUNCTION(s)->sriov.offset);
}

static void show_vf_stride(const struct scene *s, FILE *out)
{
	fprintf(out, "%u\n", FUNCTION(s)->sriov.stride);
}

static void show_vf_device(const struct scene *s, FILE *out)
{
	fprintf(out, "%x\n", FUNCTION(s)->sriov.device);
}

static void show_vf_autoprobe(const struct scene *s, FILE *out)
{
	fprintf(out, "%d\n", s->device->autoprobe);
}

static void show_driver_link(const struct scene *s, FILE *out)
{
	fprintf(out, "/bus/pci/drivers/%s", s->device->driver->name);
}

/* Each binding has a link of its own, with an inode that no other had (fs/kernfs/dir.c). */
static uint32_t driver_link_life(const struct scene *s)
{
	return s->device->bindings;
}

static void show_group_link(const struct scene *s, FILE *out)
{
	fprintf(out, "/kernel/iommu_groups/%d", s->device->group->number);
}

static void show_iommu_link(const struct scene *s, FILE *out)
{
	fprintf(out, "/devices/virtual/iommu/%s",
		s->m->spec->iommu == IOMMU_AMD ? "ivhd0" : "dmar0");
}

static void show_physfn_link(const struct scene *s, FILE *out)
{
	CLEANUP(free_cleanup) char *path = device_path(s->device->physfn);

	fputs(path, out);
}

static bool is_driven(const struct scene *s)
{
	return s->device->driver && s->device->linked;
}

static bool is_grouped(const struct scene *s)
{
	return s->device->group != NULL;
}

static bool is_behind_iommu(const struct scene *s)
{
	return s->device->group && !s->device->group->noiommu;
}

static bool is_virtual(const struct scene *s)
{
	return s->device->physfn != NULL;
}

static bool is_physical(const struct scene *s)
{
	return !s->device->physfn;
}

static bool is_sriov(const struct scene *s)
{
	return FUNCTION(s)->sriov.total > 0;
}

static bool is_bridge(const struct scene *s)
{
	return function_is_bridge(FUNCTION(s));
}

static bool is_vga(const struct scene *s)
{
	return FUNCTION(s)->class >> 8 == 0x0300;
}

static bool is_boot_display(const struct scene *s)
{
	return FUNCTION(s)->boot_display;
}

static bool is_express(const struct scene *s)
{
	return !FUNCTION(s)->conventional;
}

static bool can_reset(const struct scene *s)
{
	return FUNCTION(s)->reset != NULL;
}

static bool is_vfio(const struct scene *s)
{
	return s->device->vfio != NULL;
}

const struct entry entries_device[] = {
	{"ari_enabled", .mode = READ, .text = "0\n"},
	{"boot_display", .mode = READ, .present = is_boot_display, .text = "1\n"},
	{"boot_vga", .mode = READ, .present = is_vga, .show = show_boot_vga},
	{"broken_parity_status", .mode = READ, .text = "0\n"},
	{"class", .mode = READ, .show = show_class},
	{"config", .mode = READ, .show = show_config},
	{"consistent_dma_mask_bits", .mode = READ, .show = show_dma_bits},
	{"current_link_speed", .mode = READ, .present = is_express, .show = show_link_speed},
	{"current_link_width", .mode = READ, .present = is_express, .show = show_link_width},
	{"d3cold_allowed", .mode = BOTH, .show = show_d3cold, .store = write_d3cold},
	{"device", .mode = READ, .show = show_device},
	{"dma_mask_bits", .mode = READ, .show = show_dma_bits},
	{"driver", .mode = LINK, .present = is_driven, .show = show_driver_link,
		.life = driver_link_life},
	{"driver_override", .mode = BOTH, .show = show_override, .store = write_override,
		.wait = WAIT_OLD_KERNELS},
	{"enable", .mode = BOTH, .show = show_enable, .store = write_enable},
	{"iommu", .mode = LINK, .present = is_behind_iommu, .show = show_iommu_link},
	{"iommu_group", .mode = LINK, .present = is_grouped, .show = show_group_link},
	{"irq", .mode = READ, .show = show_irq},
	{"local_cpulist", .mode = READ, .show = show_local_cpulist},
	{"local_cpus", .mode = READ, .show = show_local_cpus},
	{"max_link_speed", .mode = READ, .present = is_express, .show = show_link_speed},
	{"max_link_width", .mode = READ, .present = is_express, .show = show_max_link_width},
	{"modalias", .mode = READ, .show = show_modalias},
	{"msi_bus", .mode = BOTH, .show = show_msi_bus, .store = write_msi_bus},
	{"numa_node", .mode = BOTH, .show = show_numa_node, .store = write_numa_node},
	{"physfn", .mode = LINK, .present = is_virtual, .show = show_physfn_link},
	{"power", .mode = FOLDER, .kind = V_POWER},
	{"power_state", .mode = READ, .show = show_power_state},
	{"remove", .mode = S_IFREG | 0220, .present = is_physical, .store = write_remove},
	{"rescan", .mode = WRITE, .present = is_physical, .store = write_rescan},
	{"reset", .mode = WRITE, .present = can_reset, .store = write_reset},
	{"reset_method", .mode = BOTH, .present = can_reset, .show = show_reset_method,
		.store = write_reset_method},
	{"resource", .mode = READ, .show = show_resource},
	{"revision", .mode = READ, .show = show_revision},
	{"secondary_bus_number", .mode = READ, .present = is_bridge, .show = show_secondary},
	{"sriov_drivers_autoprobe", .mode = BOTH, .present = is_sriov, .show = show_vf_autoprobe,
		.store = write_vf_autoprobe},
	{"sriov_numvfs", .mode = BOTH, .present = is_sriov, .show = show_numvfs,
		.store = write_numvfs, .wait = WAIT_ALWAYS},
	{"sriov_offset", .mode = READ, .present = is_sriov, .show = show_vf_offset},
	{"sriov_stride", .mode = READ, .present = is_sriov, .show = show_vf_stride},
	{"sriov_totalvfs", .mode = READ, .present = is_sriov, .show = show_totalvfs},
	{"sriov_vf_device", .mode = READ, .present = is_sriov, .show = show_vf_device},
	{"sriov_vf_total_msix", .mode = READ, .present = is_sriov, .text = "0\n"},
	{"subordinate_bus_number", .mode = READ, .present = is_bridge, .show = show_subordinate},
	{"subsystem", .mode = LINK, .text = "/bus/pci"},
	{"subsystem_device", .mode = READ, .show = show_subsystem_device},
	{"subsystem_vendor", .mode = READ, .show = show_subsystem_vendor},
	{"uevent", .mode = BOTH, .show = show_uevent, .store = write_uevent,
		.wait = WAIT_OLD_KERNELS},
	{"vendor", .mode = READ, .show = show_vendor},
	{"vfio-dev", .mode = FOLDER, .present = is_vfio, .kind = V_VFIO_DEVS},
	{0},
};

const struct entry entries_power[] = {
	{"control", .mode = BOTH, .show = show_power_control, .store = write_power_control},
	{"runtime_status", .mode = READ, .show = show_runtime_status},
	{0},
};
