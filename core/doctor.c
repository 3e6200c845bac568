/* SPDX-License-Identifier: MIT */
/* Is the host ready for passthrough? */
#include "core/doctor.h"
#include "core/base/util.h"
#include "core/engine.h"
#include "core/helper/helper.h"
#include "core/pci/interrupts.h"
#include "core/use/sight.h"

#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

static struct doctor_check *add_check(
	struct doctor_report *r, const char *name, enum doctor_verdict verdict, const char *action)
{
	struct doctor_check *c = &r->checks[r->n_checks++];

	*c = (struct doctor_check){.name = name, .verdict = verdict};
	snprintf(c->action, sizeof(c->action), "%s", action);
	return c;
}

__attribute__((format(printf, 2, 3))) static void say(struct doctor_check *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->message, sizeof(c->message), fmt, args);
	va_end(args);
}

static char *doctor_slurp(struct host *host, const char *path)
{
	size_t len;

	return sysfs_slurp(host_sysfs(host)->root_fd, path, 16 << 20, &len);
}

static bool exists(struct host *host, const char *path)
{
	return sysfs_exists(host_sysfs(host)->root_fd, path);
}

static uint32_t count_entries(struct host *host, const char *path)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(host_sysfs(host)->root_fd, path);
	uint32_t n = 0;

	while (dir && sysfs_readdir(dir))
		n++;
	return n;
}

static bool is_amd(struct host *host)
{
	CLEANUP(free_cleanup) char *cpuinfo = doctor_slurp(host, "proc/cpuinfo");

	return cpuinfo && strstr(cpuinfo, "AuthenticAMD");
}

/* The firmware tells of an IOMMU by a table: DMAR (Intel) or IVRS (AMD). */
static void check_firmware(struct host *host, struct doctor_report *r)
{
	const char *table = exists(host, "sys/firmware/acpi/tables/DMAR")   ? "DMAR"
			    : exists(host, "sys/firmware/acpi/tables/IVRS") ? "IVRS"
									    : NULL;

	if (table)
		say(add_check(r, "firmware", DOCTOR_PASS, ""),
			"the firmware describes an IOMMU (%s)", table);
	else if (r->n_groups > 0)
		say(add_check(r, "firmware", DOCTOR_PASS, ""),
			"no DMAR or IVRS table, but the kernel has found an IOMMU");
	else
		say(add_check(r, "firmware", DOCTOR_FAIL,
			    "enable VT-d or AMD-Vi (IOMMU) in the firmware's settings; in a virtual machine, give it a virtual IOMMU"),
			"the firmware describes no IOMMU");
}

/* AMD's IOMMU is used unless the command line forbids it, and "on" is no value of amd_iommu.
 * Intel's is used where the kernel was built so, or the command line asks for it. */
static const char *iommu_action(struct host *host)
{
	CLEANUP(free_cleanup) char *cmdline = doctor_slurp(host, "proc/cmdline");
	bool amd = is_amd(host);

	if (cmdline && strstr(cmdline, amd ? "amd_iommu=off" : "intel_iommu=off"))
		return amd ? "take amd_iommu=off off the kernel command line and reboot"
			   : "take intel_iommu=off off the kernel command line and reboot";
	if (amd || (cmdline && strstr(cmdline, "intel_iommu=on")))
		return "see the kernel's log (dmesg) for DMAR or AMD-Vi messages";
	return "add intel_iommu=on to the kernel command line and reboot";
}

static void check_iommu(struct host *host, struct doctor_report *r)
{
	if (r->n_groups > 0)
		say(add_check(r, "iommu", DOCTOR_PASS, ""), "the IOMMU is on: %u groups",
			r->n_groups);
	else
		say(add_check(r, "iommu", DOCTOR_FAIL, iommu_action(host)),
			"the IOMMU is off: there are no IOMMU groups");
}

static void check_interrupt_remapping(struct host *host, struct doctor_report *r)
{
	switch (interrupts_read(host_sysfs(host))) {
	case INTERRUPTS_REMAPPED:
		say(add_check(r, "interrupt_remapping", DOCTOR_PASS, ""),
			"interrupts are remapped");
		break;
	case INTERRUPTS_ALLOWED:
		say(add_check(r, "interrupt_remapping", DOCTOR_WARN,
			    "pass devices only to guests you trust"),
			"interrupts are not remapped, and vfio_iommu_type1 allows that");
		break;
	case INTERRUPTS_UNSAFE:
		say(add_check(r, "interrupt_remapping", DOCTOR_FAIL,
			    "enable interrupt remapping (x2APIC, VT-d) in the firmware, and take intremap=off and nox2apic off the kernel command line"),
			"interrupts are not remapped: giving a group to a user fails with EPERM");
		break;
	case INTERRUPTS_UNKNOWN:
		say(add_check(r, "interrupt_remapping", DOCTOR_UNKNOWN, ""),
			"/proc/interrupts and /proc/cpuinfo do not tell");
		break;
	}
}

/* Whether the running kernel has the module on disk or built in. */
static bool module_exists(const char *name)
{
	struct kmod_list *list = NULL;
	struct kmod_ctx *kmod = kmod_new(NULL, NULL);
	bool found = kmod && kmod_module_new_from_lookup(kmod, name, &list) == 0 && list;

	kmod_module_unref_list(list);
	kmod_unref(kmod);
	return found;
}

static void check_module(struct host *host, struct doctor_report *r, const char *name,
	const char *module, const char *loaded_path)
{
	char action[128];

	if (exists(host, loaded_path)) {
		say(add_check(r, name, DOCTOR_PASS, ""), "%s is loaded", module);
		return;
	}
	if (host_sysfs(host)->is_real && module_exists(module)) {
		say(add_check(r, name, DOCTOR_PASS, ""),
			"%s is not loaded yet; the first bind loads it", module);
		return;
	}
	snprintf(action, sizeof(action), "install a kernel that has the module %s", module);
	say(add_check(r, name, DOCTOR_FAIL, action), "%s is neither loaded nor installed", module);
}

static void check_noiommu(struct host *host, struct doctor_report *r)
{
	char text[8] = "";

	sysfs_read(host_sysfs(host)->root_fd,
		"sys/module/vfio/parameters/enable_unsafe_noiommu_mode", text, sizeof(text));
	if (text[0] == 'Y')
		say(add_check(r, "noiommu", DOCTOR_WARN,
			    "write N to /sys/module/vfio/parameters/enable_unsafe_noiommu_mode"),
			"noiommu mode is on: a device given away can write to any memory");
}

static int count_devices(struct host *host, struct doctor_report *r, struct core_error *err)
{
	CLEANUP(free_cleanup) struct pci_address *addresses = NULL;
	size_t n;
	int error = devices_list(host_devices(host), &addresses, &n);

	if (error)
		return core_fail(err, CORE_INTERNAL, "cannot list /sys/bus/pci/devices: %s",
			strerror(-error));
	for (size_t i = 0; i < n; i++) {
		CLEANUP(device_cleanup)
		struct device *d = devices_get_or_null(host_devices(host), addresses[i]);
		if (!d)
			continue;
		r->n_devices++;
		r->n_vfio_devices += device_is_vfio(host_devices(host), d);
	}
	return 0;
}

static void read_kernel(struct host *host, struct doctor_report *r)
{
	struct utsname name;

	if (sysfs_read(host_sysfs(host)->root_fd, "proc/sys/kernel/osrelease", r->kernel,
		    sizeof(r->kernel)) < 0 &&
		uname(&name) == 0)
		snprintf(r->kernel, sizeof(r->kernel), "%s", name.release);
}

/* What a guard of disks needs: the privileged helper has to see every disk. */
static void check_disks(struct host *host, int64_t deadline, struct doctor_report *r)
{
	const struct helper_request request = {.op = HELPER_DISKS};
	struct helper_reply reply;
	int error = -helper_call(host->helper, &request, deadline, &reply);

	if (!error)
		error = reply.error;
	if (error)
		say(add_check(r, "disks", DOCTOR_UNKNOWN, ""),
			"the privileged process did not look at the disks: %s", strerror(error));
	else if (reply.blind.error)
		say(add_check(r, "disks", DOCTOR_FAIL, BLIND_ACTION),
			"vfiod cannot examine the disk %s: %s", reply.blind.node,
			strerror(reply.blind.error));
	else
		say(add_check(r, "disks", DOCTOR_PASS, ""), "vfiod can examine every disk");
}

/* What the guards of users need. */
static void check_processes(struct host *host, struct doctor_report *r)
{
	enum sight sight = host_sysfs(host)->sight;

	if (sight == SIGHT_ALL)
		say(add_check(r, "processes", DOCTOR_PASS, ""), "vfiod can see every process");
	else
		say(add_check(r, "processes", DOCTOR_FAIL, SIGHT_ACTION),
			"%s: it cannot tell which programs use a device, and refuses to change one",
			sight_describe(sight));
}

/* The first folder that changes write to and that is mounted read-only; NULL for none. Both
 * processes have the same mounts. */
static const char *read_only_folder(struct host *host)
{
	static const char *const folders[] = {"sys/bus/pci/drivers", "sys/devices"};
	struct statvfs status;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		CLEANUP(fd_cleanup)
		int fd = openat(
			host_sysfs(host)->root_fd, folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && fstatvfs(fd, &status) == 0 && status.f_flag & ST_RDONLY)
			return folders[i];
	}
	return NULL;
}

static void check_sysfs(struct host *host, struct doctor_report *r)
{
	const char *folder = read_only_folder(host);

	if (folder)
		say(add_check(r, "sysfs", DOCTOR_FAIL,
			    "mount it writable for vfiod; with ProtectKernelTunables= its unit needs ReadWritePaths=/sys/bus/pci /sys/devices"),
			"/%s is mounted read-only for vfiod: no device can be bound", folder);
	else
		say(add_check(r, "sysfs", DOCTOR_PASS, ""), "vfiod can write to /sys");
}

int doctor_examine(
	struct host *host, int64_t deadline, struct doctor_report *ret, struct core_error *err)
{
	struct doctor_report r = {0};

	if (count_devices(host, &r, err))
		return -1;
	read_kernel(host, &r);
	r.n_groups = count_entries(host, "sys/kernel/iommu_groups");
	check_firmware(host, &r);
	check_iommu(host, &r);
	check_interrupt_remapping(host, &r);
	check_module(host, &r, "vfio_pci", "vfio-pci", "sys/bus/pci/drivers/vfio-pci");
	check_module(
		host, &r, "vfio_iommu_type1", "vfio_iommu_type1", "sys/module/vfio_iommu_type1");
	check_noiommu(host, &r);
	if (host_sysfs(host)->is_real) {
		check_disks(host, deadline, &r);
		check_processes(host, &r);
		check_sysfs(host, &r);
	}
	*ret = r;
	return 0;
}
