/* SPDX-License-Identifier: MIT */
/* /proc: what kernel, machine and system say of themselves. */
#include "tools/simhost/model/child.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/module.h"
#include "tools/simhost/view/process.h"

#include <arpa/inet.h>
#include <string.h>

static void show_cmdline(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->m->spec->cmdline);
}

static void show_cpuinfo(const struct scene *s, FILE *out)
{
	const char *vendor = s->m->spec->amd_cpu ? "AuthenticAMD" : "GenuineIntel";

	for (unsigned i = 0; i < s->m->spec->cpus; i++)
		fprintf(out, "processor\t: %u\nvendor_id\t: %s\nmodel name\t: Simulated CPU\n\n", i,
			vendor);
}

/* Remapped interrupts go through chips whose names begin with IR-. */
static void show_interrupts(const struct scene *s, FILE *out)
{
	const char *prefix = s->m->spec->no_interrupt_remapping ? "" : "IR-";

	fprintf(out, "            CPU0\n");
	fprintf(out, "  0: %10u  %sIO-APIC 2-edge timer\n", 121u, prefix);
	fprintf(out, " 24: %10u  %sPCI-MSI 49152-edge PCIe PME\n", 0u, prefix);
}

static void show_proc_modules(const struct scene *s, FILE *out)
{
	for (size_t i = 0; i < s->m->n_modules; i++) {
		const struct module *mod = s->m->modules[i];
		if (mod->loaded && !mod->builtin)
			fprintf(out, "%s 16384 0 - Live 0x0000000000000000\n", mod->name);
	}
}

static void show_swaps(const struct scene *s, FILE *out)
{
	fputs("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", out);
	for (size_t i = 0; i < s->m->n_mounts; i++) {
		const struct mount *mount = &s->m->mounts[i];
		if (strcmp(mount->type, "swap") == 0)
			fprintf(out, "%-39s partition\t16380\t\t0\t\t-2\n", mount->where);
	}
}

/* The address's own network, of 24 bits; and where to everything else. */
static void show_route(const struct scene *s, FILE *out)
{
	fputs("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n",
		out);
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];
		struct in_addr a;

		if (c->spec->kind != CHILD_NET || !child_present(c) || !c->up || !c->address ||
			inet_pton(AF_INET, c->address, &a) != 1)
			continue;
		uint32_t net = a.s_addr & htonl(0xffffff00);
		if (c->route)
			fprintf(out, "%s\t00000000\t%08X\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
				c->spec->name, net | htonl(1));
		fprintf(out, "%s\t%08X\t00000000\t0001\t0\t0\t0\t%08X\t0\t0\t0\n", c->spec->name,
			net, htonl(0xffffff00));
	}
}

/* The last digits of an interface's address: of its name, so that the same host has the same ones.
 */
static unsigned hash_name(const char *name)
{
	unsigned hash = 5381;

	while (*name)
		hash = hash * 33 + (unsigned char)*name++;
	return hash & 0xffffff;
}

static void show_if_inet6(const struct scene *s, FILE *out)
{
	fputs("00000000000000000000000000000001 01 80 10 80       lo\n", out);
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];

		if (c->spec->kind != CHILD_NET || !child_present(c) || !c->up ||
			strcmp(c->spec->name, "lo") == 0)
			continue;
		fprintf(out, "fe80000000000000505400ffff%06x %02x 40 20 80 %8s\n",
			hash_name(c->spec->name), c->index, c->spec->name);
		if (c->address6)
			fprintf(out, "fd00000000000000505400ffff%06x %02x 40 00 80 %8s\n",
				hash_name(c->spec->name), c->index, c->spec->name);
	}
}

/* Where devices' memory is, and who has it: the device's driver, or the firmware's frame buffer
 * until one takes over. */
static void show_iomem(const struct scene *s, FILE *out)
{
	enum { MEMORY = 0x200 };
	char text[PCI_ADDRESS_SIZE];
	const struct function *f;

	fputs("00000000-00000fff : Reserved\n", out);
	TAILQ_FOREACH (f, &s->m->spec->functions, link) {
		const char *who = !f->now	   ? NULL
				  : f->now->driver ? f->now->driver->name
				  : f->bootfb	   ? "BOOTFB"
						   : NULL;

		pci_address_format(f->address, text);
		for (size_t i = 0; f->now && i < SPEC_ROM; i++) {
			const struct bar *b = &f->bars[i];

			if (!(b->flags & MEMORY))
				continue;
			fprintf(out, "%08lx-%08lx : %s\n", b->start, b->end, text);
			if (who)
				fprintf(out, "  %08lx-%08lx : %s\n", b->start, b->end, who);
			who = f->now->driver ? who : NULL;
		}
	}
}

static void show_pppoe(const struct scene *s, FILE *out)
{
	fputs("Id       Address              Device\n", out);
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];

		if (c->spec->kind == CHILD_NET && child_present(c) && c->pppoe)
			fprintf(out, "%08X 52:54:00:00:00:fe %8s\n", c->index, c->spec->name);
	}
}

static void show_packet(const struct scene *s, FILE *out)
{
	fputs("sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n", out);
	for (size_t i = 0; i < s->m->n_children; i++) {
		const struct child *c = s->m->children[i];

		if (c->spec->kind == CHILD_NET && child_present(c) && c->packet)
			fprintf(out,
				"0000000000000000 3      3    0003   %-5u 1 0      0      %zu\n",
				c->index, 20000 + i);
	}
}

static void show_osrelease(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->m->spec->kernel);
}

static void show_boot_id(const struct scene *s, FILE *out)
{
	fprintf(out, "%s\n", s->m->boot_id);
}

static void show_stat(const struct scene *s, FILE *out)
{
	fprintf(out, "btime %lld\n", (long long)s->m->boot_time);
}

static void show_tainted(const struct scene *s, FILE *out)
{
	enum { TAINT_USER = 1 << 6 };

	fprintf(out, "%d\n", s->m->tainted ? TAINT_USER : 0);
}

/* --- /proc/driver/nvidia: which of its nodes is which GPU's ----------------------------------- */

static bool is_nvidia(const struct device *d)
{
	return d && d->driver && strcmp(d->driver->name, "nvidia") == 0;
}

static bool has_nvidia(const struct scene *s)
{
	return model_driver(s->m, "nvidia");
}

static void list_gpus(const struct scene *s, struct listing *out)
{
	const struct function *f;
	char text[PCI_ADDRESS_SIZE];

	TAILQ_FOREACH (f, &s->m->spec->functions, link) {
		pci_address_format(f->address, text);
		if (is_nvidia(f->now))
			listing_add(out, S_IFDIR, "%s", text);
	}
}

static bool find_gpu(const struct scene *s, const char *name, struct node *ret)
{
	const struct device *d = model_device_named(s->m, name);

	if (is_nvidia(d))
		*ret = node_at(V_NVIDIA_GPU, &d->object);
	return is_nvidia(d);
}

static void show_gpu(const struct scene *s, FILE *out)
{
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(s->device->function->address, text);
	fprintf(out, "Model: \t\t Simulated GPU\nBus Location: \t %s\n", text);
	for (const struct child *c = s->device->function->children; c; c = c->sibling) {
		if (c->spec->kind == CHILD_NODE && !c->spec->class &&
			strncmp(c->spec->number, "195:", 4) == 0)
			fprintf(out, "Device Minor: \t %s\n", c->spec->number + 4);
	}
}

static const struct entry entries_driver[] = {
	{"nvidia", .mode = FOLDER, .present = has_nvidia, .kind = V_NVIDIA},
	{0},
};

static const struct entry entries_nvidia[] = {
	{"gpus", .mode = FOLDER, .kind = V_NVIDIA_GPUS},
	{0},
};

static const struct entry entries_gpu[] = {
	{"information", .mode = READ, .show = show_gpu},
	{0},
};

static const struct entry entries_proc[] = {
	{"cmdline", .mode = READ, .show = show_cmdline},
	{"cpuinfo", .mode = READ, .show = show_cpuinfo},
	{"driver", .mode = FOLDER, .kind = V_PROC_DRIVER},
	{"interrupts", .mode = READ, .show = show_interrupts},
	{"iomem", .mode = READ, .show = show_iomem},
	{"modules", .mode = READ, .show = show_proc_modules},
	{"net", .mode = FOLDER, .kind = V_PROC_NET},
	{"self", .mode = LINK, .text = "1"},
	{"stat", .mode = READ, .show = show_stat},
	{"swaps", .mode = READ, .show = show_swaps},
	{"sys", .mode = FOLDER, .kind = V_PROC_SYS},
	{0},
};

static const struct entry entries_proc_net[] = {
	{"if_inet6", .mode = READ, .show = show_if_inet6},
	{"packet", .mode = READ, .show = show_packet},
	{"pppoe", .mode = READ, .show = show_pppoe},
	{"route", .mode = READ, .show = show_route},
	{0},
};

static const struct entry entries_proc_sys[] = {
	{"kernel", .mode = FOLDER, .kind = V_PROC_SYS_KERNEL},
	{0},
};

static const struct entry entries_proc_sys_kernel[] = {
	{"osrelease", .mode = READ, .show = show_osrelease},
	{"random", .mode = FOLDER, .kind = V_PROC_SYS_RANDOM},
	{"tainted", .mode = READ, .show = show_tainted},
	{0},
};

static const struct entry entries_random[] = {
	{"boot_id", .mode = READ, .show = show_boot_id},
	{0},
};

const struct kind kinds_proc[V_COUNT] = {
	[V_PROC] = {FIXED_DIR, .entries = entries_proc, .list = list_processes,
		.find = find_process},
	[V_PROC_DRIVER] = {FIXED_DIR, .entries = entries_driver},
	[V_NVIDIA] = {DIR_OF, .entries = entries_nvidia},
	[V_NVIDIA_GPUS] = {DIR_OF, .list = list_gpus, .find = find_gpu},
	[V_NVIDIA_GPU] = {DIR_OF, OBJECT_DEVICE, entries_gpu},
	[V_PROC_NET] = {DIR_OF, .entries = entries_proc_net},
	[V_PROC_SYS] = {DIR_OF, .entries = entries_proc_sys},
	[V_PROC_SYS_RANDOM] = {DIR_OF, .entries = entries_random},
	[V_PROC_SYS_KERNEL] = {DIR_OF, .entries = entries_proc_sys_kernel},
};
