/* SPDX-License-Identifier: MIT */
/* The machine around the devices: kernel, processors, IOMMU, modules. */
#include "tools/vfioctl/capture/host.h"
#include "tools/vfioctl/capture/device.h"
#include "tools/vfioctl/capture/text.h"

#include "core/base/util.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum {
	MAX_CPUS = 4096, /* of the format */
	MAX_WORDS = 30,	 /* of a line of it */
	MAX_NODE = 1023,
};

static void note_unread(struct capture *c, const char *path, int error)
{
	capture_note(c, "%s could not be read: %s", path, strerror(error));
}

static void print_kernel(struct capture *c)
{
	static const char PATH[] = "proc/sys/kernel/osrelease";
	unsigned major, minor;
	char release[128];
	ssize_t n = sysfs_read(c->sysfs.root_fd, PATH, release, sizeof(release));

	if (n < 0)
		note_unread(c, PATH, (int)-n);
	else if (sscanf(release, "%3u.%3u", &major, &minor) == 2 && capture_is_text(release) &&
		 !strchr(release, ' '))
		fprintf(c->out, "kernel %s\n", release);
	else
		capture_note(c, "the kernel's release cannot be written here");
}

/* What on the kernel's command line is about passing devices through. The rest stays behind: it
 * may hold what identifies the machine, or a secret. */
static bool host_matters(const char *word)
{
	static const char *const begins[] = {"iommu=", "iommu.",
		"intel_iommu=", "amd_iommu=", "amd_iommu_", "intremap=", "nox2apic",
		"pci=", "pcie_", "pci-stub.", "pci_stub.", "vfio", "iommufd", "kvm.", "kvm_",
		"kvm-", "modprobe.blacklist=", "module_blacklist=", "rd.driver."};

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		if (strncmp(word, begins[i], strlen(begins[i])) == 0)
			return capture_is_text(word);
	}
	return strcmp(word, "nomodule") == 0;
}

static void print_cmdline(struct capture *c)
{
	static const char PATH[] = "proc/cmdline";
	CLEANUP(free_cleanup) char *text = capture_slurp(c, PATH);
	char *save = NULL;
	size_t words = 0;

	if (!text) {
		note_unread(c, PATH, errno);
		return;
	}
	fputs("cmdline", c->out);
	for (char *s = strtok_r(text, " \t\n", &save); s && words < MAX_WORDS;
		s = strtok_r(NULL, " \t\n", &save)) {
		/* What follows is for the first process. */
		if (strcmp(s, "--") == 0)
			break;
		if (host_matters(s)) {
			fprintf(c->out, " %s", s);
			words++;
		}
	}
	fputc('\n', c->out);
}

static void print_cpu(struct capture *c)
{
	static const char PATH[] = "proc/cpuinfo";
	CLEANUP(free_cleanup) char *text = capture_slurp(c, PATH);
	const char *at = text;
	unsigned count = 0;
	char line[64];

	if (!text) {
		note_unread(c, PATH, errno);
		return;
	}
	while (capture_line(&at, line, sizeof(line)))
		count += strncmp(line, "processor", 9) == 0 && strchr(line, ':');
	bool amd = strstr(text, "AuthenticAMD") || strstr(text, "HygonGenuine");
	if (!amd && !strstr(text, "GenuineIntel"))
		capture_note(c, "the processors are neither Intel's nor AMD's");
	if (count > MAX_CPUS)
		capture_note(c, "there are %u processors", count);
	count = count < 1 ? 1 : count < MAX_CPUS ? count : MAX_CPUS;
	fprintf(c->out, "cpu %s %u\n", amd ? "amd" : "intel", count);
}

static const struct capture_device *first_on(const struct capture *c, int node)
{
	for (size_t i = 0; i < c->n_devices; i++) {
		if (c->devices[i].device && c->devices[i].device->numa_node == node)
			return &c->devices[i];
	}
	return NULL;
}

/* Nodes are told by the devices on them: no other matters here. */
static void print_nodes(struct capture *c)
{
	char cpus[1024];

	for (int node = 0; node <= MAX_NODE; node++) {
		const struct capture_device *d = first_on(c, node);

		if (d && capture_attribute(c, d, "local_cpulist", cpus, sizeof(cpus)) > 0 &&
			cpus[strspn(cpus, "0123456789,-")] == '\0')
			fprintf(c->out, "node %d %s\n", node, cpus);
	}
}

/* Whether the folder has an entry that begins with the prefix. */
static bool has_entry(const struct capture *c, const char *path, const char *prefix)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(c->sysfs.root_fd, path);

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

static void print_iommu(struct capture *c)
{
	static const struct {
		const char *folder, *prefix, *kind;
	} signs[] = {{"sys/class/iommu", "dmar", "intel"}, {"sys/class/iommu", "ivhd", "amd"},
		{"sys/firmware/acpi/tables", "DMAR", "intel"},
		{"sys/firmware/acpi/tables", "IVRS", "amd"}};
	const char *kind = "none";

	for (size_t i = ARRAY_SIZE(signs); i-- > 0;) {
		if (has_entry(c, signs[i].folder, signs[i].prefix))
			kind = signs[i].kind;
	}
	fprintf(c->out, "iommu %s\n", kind);
}

/* Remapped interrupts go through chips whose names begin with IR-. */
static void print_remapping(struct capture *c)
{
	static const char PATH[] = "proc/interrupts";
	CLEANUP(free_cleanup) char *text = capture_slurp(c, PATH);
	char allowed[8] = "";

	if (!text) {
		note_unread(c, PATH, errno);
		return;
	}
	bool on = strstr(text, " IR-");
	fprintf(c->out, "interrupt_remapping %s\n", on ? "on" : "off");
	sysfs_read(c->sysfs.root_fd,
		"sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", allowed,
		sizeof(allowed));
	c->unsafe_interrupts = !on && allowed[0] != 'Y';
}

/* A VFIO device tells whether it has a node of its own; without one, that there is iommufd is the
 * best sign. */
static void print_cdev(struct capture *c)
{
	bool on = sysfs_exists(c->sysfs.root_fd, "dev/iommu");

	for (size_t i = 0; i < c->n_devices; i++) {
		const struct capture_device *d = &c->devices[i];
		char path[64], number[32];

		if (!d->vfio_name[0])
			continue;
		snprintf(path, sizeof(path), "vfio-dev/%s/dev", d->vfio_name);
		on = capture_attribute(c, d, path, number, sizeof(number)) > 0;
		break;
	}
	fprintf(c->out, "cdev %s\n", on ? "on" : "off");
}

/* Parameters of VFIO's modules that are not what the kernel makes them. */
static void print_parameters(struct capture *c)
{
	static const char *const usual[][3] = {
		{"vfio", "enable_unsafe_noiommu_mode", "N"},
		{"vfio_iommu_type1", "allow_unsafe_interrupts", "N"},
		{"vfio_iommu_type1", "disable_hugepages", "N"},
		{"vfio_iommu_type1", "dma_entry_limit", "65535"},
		{"vfio_pci", "disable_denylist", "N"},
		{"vfio_pci", "disable_idle_d3", "N"},
		{"vfio_pci", "disable_vga", "N"},
		{"vfio_pci", "enable_sriov", "N"},
		{"vfio_pci", "nointxmask", "N"},
	};
	char path[128], value[64];

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		snprintf(path, sizeof(path), "sys/module/%s/parameters/%s", usual[i][0],
			usual[i][1]);
		if (sysfs_read(c->sysfs.root_fd, path, value, sizeof(value)) > 0 &&
			strcmp(value, usual[i][2]) != 0 && capture_is_name(value))
			fprintf(c->out, "param %s %s %s\n", usual[i][0], usual[i][1], value);
	}
}

void capture_print_host(struct capture *c)
{
	print_kernel(c);
	print_cmdline(c);
	print_cpu(c);
	print_nodes(c);
	print_iommu(c);
	print_remapping(c);
	print_cdev(c);
	print_parameters(c);
}
