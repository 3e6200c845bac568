/* SPDX-License-Identifier: MIT */
/* Devices in use: what shows, and who has to wait. */
#include "tests/simhost/sim.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/group.h"

#include "core/base/util.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NIC "0000:00:03.0"
#define NIC2 "0000:00:04.0"
#define GPU "0000:01:00.0"
#define SOUND "0000:01:00.1"
#define PF "0000:02:00.0"

static const char devices[] = "driver e1000e ids=8086:10d3\n"
			      "driver nvidia ids=10de:2204\n"
			      "driver snd_hda_intel ids=10de:1aef\n"
			      "driver igb ids=8086:10c9,8086:10ca sriov\n"
			      "driver vfio-pci vfio\n"
			      "driver pci-stub managed_dma\n"
			      "device " NIC " id=8086:10d3 class=020000 group=3\n"
			      "device " NIC2 " id=8086:10d3 class=020000 group=4\n"
			      "device " GPU " id=10de:2204 class=030000 group=9\n"
			      "device " SOUND " id=10de:1aef class=040300 group=9\n"
			      "device " PF " id=8086:10c9 class=020000\n"
			      "vfs " PF " total=4 device=10ca offset=128\n";

/* A host of the given kernel with NIC on vfio-pci. */
static struct model *host_of(const char *kernel)
{
	char text[2048];

	snprintf(text, sizeof(text), "kernel %s\ncdev %s\n%s", kernel,
		strcmp(kernel, "6.1.0") == 0 ? "off" : "on", devices);
	struct model *m = sim_new(text);
	assert_int_equal(sim_bind_vfio(m, NIC), 0);
	return m;
}

static int setup(void **state)
{
	*state = host_of("6.1.0");
	return 0;
}

static int setup_new(void **state)
{
	*state = host_of("6.18.0");
	return 0;
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

/* An operation of another thread. */
struct task {
	struct model *m;
	const char *path, *text; /* text NULL: a read */
	int result;
	atomic_bool done;
	pthread_t thread;
};

static void *run_task(void *arg)
{
	struct task *t = arg;
	struct node node;

	if (t->text) {
		t->result = sim_write(t->m, t->path, t->text);
	} else {
		CLEANUP(free_cleanup) char *text = NULL;
		size_t len;
		t->result = -sim_walk(t->m, t->path, &node);
		if (!t->result)
			t->result = -view_read(t->m, node, &text, &len);
	}
	atomic_store(&t->done, true);
	return NULL;
}

static void start(struct task *t, struct model *m, const char *path, const char *text)
{
	t->m = m;
	t->path = path;
	t->text = text;
	t->result = -1;
	atomic_init(&t->done, false);
	assert_int_equal(pthread_create(&t->thread, NULL, run_task, t), 0);
}

static int finish(struct task *t)
{
	pthread_join(t->thread, NULL);
	return t->result;
}

/* Starts the unbind of a held NIC, and returns once it has begun. */
static void start_unbind(struct task *t, struct model *m)
{
	start(t, m, DRIVER "vfio-pci/unbind", NIC);
	while (sim_exists(m, DEVICE NIC "/driver"))
		sched_yield();
}

/* Until so many operations wait for the device, and somebody has its lock. */
static void await_waiting(struct model *m, const char *address, unsigned pins, bool locked)
{
	struct pci_address a;
	bool reached = false;

	assert_true(pci_address_parse(address, &a));
	while (!reached) {
		model_lock(m);
		const struct device *d = model_device(m, a);
		reached = d->pins >= pins && (d->locked || !locked);
		model_unlock(m);
		sched_yield();
	}
}

static void the_table_of_states(void **state)
{
	static const struct {
		const char *kind, *enable, *files, *target;
		bool open, blocks;
	} rows[] = {
		{"group", "0", "0 1 2 3 4", "/dev/vfio/3", true, false},
		{"device", "1", "0 1 2 3 4 5", "/dev/vfio/3", true, true},
		{"mapping", "1", "0 1 2", "", true, true},
		{"cdev", "0", "0 1 2 3", "", false, true},
		{"iommufd", "1", "0 1 2 3 4", "/dev/iommu", true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct model *m = host_of("6.12.0");
		char command[64];
		struct task unbind;

		snprintf(command, sizeof(command), "hold " NIC " %s 42 qemu", rows[i].kind);
		assert_int_equal(sim_control(m, command), 0);
		assert_string_equal(sim_read(m, DEVICE NIC "/enable"), rows[i].enable);
		assert_string_equal(sim_list(m, "proc/42/fd"), rows[i].files);
		assert_string_equal(sim_readlink(m, "proc/42/fd/4"), rows[i].target);
		assert_string_equal(sim_read(m, "proc/42/comm"), "qemu");
		model_lock(m);
		bool open =
			group_is_open(m, model_device(m, (struct pci_address){.slot = 3})->group);
		model_unlock(m);
		assert_int_equal(open, rows[i].open);
		if (rows[i].blocks) {
			start_unbind(&unbind, m);
			assert_false(atomic_load(&unbind.done));
			assert_true(sim_exists(m, "dev/vfio/3"));
			assert_int_equal(sim_control(m, "release " NIC), 0);
			assert_int_equal(finish(&unbind), 0);
		} else {
			assert_int_equal(sim_write(m, DRIVER "vfio-pci/unbind", NIC), 0);
		}
		assert_false(sim_exists(m, "dev/vfio/3"));
		model_free(m);
	}
}

static void mappings_show_in_maps_alone(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_control(m, "hold " NIC " mapping 42 qemu"), 0);
	assert_non_null(strstr(sim_read(m, "proc/42/maps"), "anon_inode:[vfio-device]"));
	assert_null(strstr(sim_list(m, "proc/42/fd"), "3"));
	assert_int_equal(sim_control(m, "release " NIC " 42"), 0);
	assert_false(sim_exists(m, "proc/42"));
	assert_int_equal(sim_control(m, "release " NIC), ENOENT);
}

static void fdinfo_names_the_device_on_new_kernels(void **state)
{
	struct model *m = *state, *old = host_of("6.12.0");

	assert_int_equal(sim_control(m, "hold " NIC " device 42 qemu"), 0);
	assert_non_null(strstr(sim_read(m, "proc/42/fdinfo/5"),
		"vfio-device-syspath: /sys/devices/pci0000:00/" NIC));
	assert_int_equal(sim_control(old, "hold " NIC " device 42 qemu"), 0);
	assert_null(strstr(sim_read(old, "proc/42/fdinfo/5"), "syspath"));
	model_free(old);
}

static void holds_are_refused_as_opens_are(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_control(m, "hold " NIC2 " device 42 qemu"), ENODEV); /* not VFIO's */
	assert_int_equal(sim_control(m, "hold " NIC " cdev 42 qemu"), ENOENT);	  /* no cdev here */
	assert_int_equal(sim_control(m, "hold " NIC " group 42 qemu"), 0);
	assert_int_equal(sim_control(m, "hold " NIC " device 43 qemu"), EBUSY); /* open once */
	assert_int_equal(sim_control(m, "hold " NIC " device 42 qemu"), 0);
	assert_string_equal(sim_list(m, "proc/42/fd"), "0 1 2 3 4 5"); /* the same group file */
	/* A group that is not viable. */
	assert_int_equal(sim_bind_vfio(m, GPU), 0);
	assert_int_equal(sim_control(m, "hold " GPU " device 44 qemu"), EPERM);
	assert_int_equal(sim_write(m, DEVICE SOUND "/driver/unbind", SOUND), 0);
	assert_int_equal(sim_control(m, "hold " GPU " device 44 qemu"), 0);
}

static void native_drivers_stay_out_of_an_owned_group(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_bind_vfio(m, GPU), 0);
	assert_int_equal(sim_write(m, DEVICE SOUND "/driver/unbind", SOUND), 0);
	/* The open group alone keeps nobody out. */
	assert_int_equal(sim_control(m, "hold " GPU " group 42 qemu"), 0);
	assert_int_equal(sim_write(m, DRIVER "snd_hda_intel/bind", SOUND), 0);
	assert_int_equal(sim_control(m, "hold " GPU " device 42 qemu"), EPERM);
	assert_int_equal(sim_write(m, DEVICE SOUND "/driver/unbind", SOUND), 0);
	assert_int_equal(sim_control(m, "hold " GPU " device 42 qemu"), 0);
	assert_int_equal(sim_write(m, DRIVER "snd_hda_intel/bind", SOUND), EBUSY);
	/* What fails before a probe shows in drivers_probe too. */
	assert_int_equal(sim_write(m, PCI "drivers_probe", SOUND), EINVAL);
	assert_string_equal(sim_link(m, DEVICE SOUND "/driver"), "");
	/* Drivers that manage their DMA may come, VFIO's and others. */
	assert_int_equal(sim_write(m, DEVICE SOUND "/driver_override", "pci-stub"), 0);
	assert_int_equal(sim_write(m, DRIVER "pci-stub/bind", SOUND), 0);
	assert_int_equal(sim_write(m, DEVICE SOUND "/driver/unbind", SOUND), 0);
	assert_int_equal(sim_bind_vfio(m, SOUND), 0);
	assert_int_equal(sim_write(m, DEVICE SOUND "/driver/unbind", SOUND), 0);
	assert_int_equal(sim_write(m, DEVICE SOUND "/driver_override", "\n"), 0);
	assert_int_equal(sim_control(m, "release " GPU), 0);
	assert_int_equal(sim_write(m, DRIVER "snd_hda_intel/bind", SOUND), 0);
}

static void an_open_group_survives_its_node(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_control(m, "hold " NIC " group 42 qemu"), 0);
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/unbind", NIC), 0);
	assert_string_equal(sim_readlink(m, "proc/42/fd/4"), "/dev/vfio/3 (deleted)");
	assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", "\n"), 0);
	assert_int_equal(sim_write(m, DRIVER "e1000e/bind", NIC), 0); /* nobody owns it now */
	assert_int_equal(sim_bind_vfio(m, NIC), 0);
	assert_string_equal(sim_readlink(m, "proc/42/fd/4"), "/dev/vfio/3 (deleted)");
	assert_int_equal(sim_control(m, "hold " NIC " device 43 qemu"), 0);
}

static void an_unbind_in_use_waits(void **state)
{
	struct model *m = *state;
	struct task unbind, again, bind, override, uevent, power, numvfs;

	assert_int_equal(sim_control(m, "hold " NIC " device 42 qemu"), 0);
	start_unbind(&unbind, m);
	/* Gone at once: the link. Not gone: the rest. */
	assert_string_equal(sim_list(m, DRIVER "vfio-pci"), "bind module new_id remove_id unbind");
	assert_true(sim_exists(m, "dev/vfio/3"));
	assert_string_equal(sim_list(m, DEVICE NIC "/vfio-dev"), "vfio0");
	assert_string_equal(sim_read(m, DEVICE NIC "/enable"), "1");
	assert_string_equal(sim_read(m, DEVICE NIC "/vendor"), "0x8086");
	/* What answers without the device's lock. */
	assert_int_equal(sim_write(m, PCI "drivers_probe", NIC), 0);
	assert_int_equal(sim_write(m, DRIVER "e1000e/bind", NIC), ENODEV);
	assert_int_equal(sim_write(m, DEVICE NIC "/enable", "x"), EINVAL);
	assert_int_equal(sim_write(m, DEVICE NIC "/uevent", "change"), 0);
	assert_int_equal(sim_write(m, DEVICE NIC "/msi_bus", "1"), 0);
	assert_int_equal(sim_write(m, DRIVER "e1000e/new_id", "1234 9999"), 0);
	/* Other devices go on. */
	assert_int_equal(sim_bind_vfio(m, NIC2), 0);
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/unbind", NIC2), 0);
	/* What waits. */
	start(&again, m, DRIVER "vfio-pci/unbind", NIC);
	start(&bind, m, DRIVER "vfio-pci/bind", NIC2);
	start(&override, m, DEVICE NIC "/driver_override", NULL);
	start(&uevent, m, DEVICE NIC "/uevent", NULL);
	start(&power, m, DEVICE NIC "/power/control", "on");
	start(&numvfs, m, DEVICE PF "/sriov_numvfs", NULL);
	assert_int_equal(finish(&bind), 0);   /* another device's */
	assert_int_equal(finish(&numvfs), 0); /* as well */
	await_waiting(m, NIC, 4, true);
	assert_false(atomic_load(&unbind.done));
	assert_false(atomic_load(&again.done));
	assert_false(atomic_load(&override.done));
	assert_false(atomic_load(&uevent.done));
	assert_false(atomic_load(&power.done));
	assert_int_equal(sim_control(m, "unload vfio_pci"), EAGAIN);
	assert_int_equal(sim_control(m, "release " NIC), 0);
	assert_int_equal(finish(&unbind), 0);
	assert_int_equal(finish(&again), 0);
	assert_int_equal(finish(&override), 0);
	assert_int_equal(finish(&uevent), 0);
	assert_int_equal(finish(&power), 0);
	assert_false(sim_exists(m, "dev/vfio/3"));
}

static void new_kernels_read_overrides_meanwhile(void **state)
{
	struct model *m = *state;
	struct task unbind;

	assert_int_equal(sim_control(m, "hold " NIC " cdev 42 qemu"), 0);
	assert_true(sim_exists(m, "dev/vfio/devices/vfio0"));
	start_unbind(&unbind, m);
	/* The link goes before the node; both under one lock. */
	assert_false(sim_exists(m, "dev/vfio/devices/vfio0"));
	assert_true(sim_exists(m, "dev/vfio/3"));
	assert_string_equal(sim_read(m, DEVICE NIC "/driver_override"), "vfio-pci");
	assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", "\n"), 0);
	assert_non_null(strstr(sim_read(m, DEVICE NIC "/uevent"), "DRIVER=vfio-pci"));
	assert_string_equal(sim_readlink(m, "proc/42/fd/3"), "/dev/vfio/devices/vfio0 (deleted)");
	assert_int_equal(sim_control(m, "release " NIC), 0);
	assert_int_equal(finish(&unbind), 0);
}

static void a_bind_waits_and_then_binds(void **state)
{
	struct model *m = *state;
	struct task unbind, bind;

	assert_int_equal(sim_control(m, "hold " NIC " device 42 qemu"), 0);
	start_unbind(&unbind, m);
	start(&bind, m, DRIVER "vfio-pci/bind", NIC);
	assert_int_equal(sim_control(m, "release " NIC), 0);
	assert_int_equal(finish(&unbind), 0);
	int result = finish(&bind);
	/* It found the device still bound, or got the lock after the unbind. */
	assert_true(result == 0 || result == EBUSY);
	assert_string_equal(sim_link(m, DEVICE NIC "/driver"), result == 0 ? "vfio-pci" : "");
}

static void removal_in_use_holds_up_rescans(void **state)
{
	struct model *m = *state;
	struct task remove, rescan;

	assert_int_equal(sim_control(m, "hold " NIC " device 42 qemu"), 0);
	start(&remove, m, DEVICE NIC "/remove", "1");
	while (sim_exists(m, DEVICE NIC "/driver"))
		sched_yield();
	start(&rescan, m, PCI "rescan", "1");
	assert_int_equal(sim_write(m, DRIVER "e1000e/unbind", NIC2), 0);
	assert_false(atomic_load(&rescan.done));
	assert_false(atomic_load(&remove.done));
	assert_int_equal(sim_control(m, "release " NIC), 0);
	assert_int_equal(finish(&remove), 0);
	assert_int_equal(finish(&rescan), 0);
	assert_string_equal(sim_read(m, DEVICE NIC "/driver_override"), "(null)");
}

static void waiting_for_a_device_that_goes(void **state)
{
	struct model *m = *state;
	struct task remove, override, reset;

	assert_int_equal(sim_control(m, "hold " NIC " device 42 qemu"), 0);
	start(&remove, m, DEVICE NIC "/remove", "1");
	while (sim_exists(m, DEVICE NIC "/driver"))
		sched_yield();
	start(&override, m, DEVICE NIC "/driver_override", NULL);
	start(&reset, m, DEVICE NIC "/driver_override", "x");
	await_waiting(m, NIC, 2, true);
	assert_int_equal(sim_control(m, "release " NIC), 0);
	assert_int_equal(finish(&remove), 0);
	assert_int_equal(finish(&override), ENODEV);
	assert_int_equal(finish(&reset), ENODEV);
}

static void a_virtual_function_in_use_holds_its_physical_one(void **state)
{
	struct model *m = *state;
	struct task numvfs;

	assert_int_equal(sim_write(m, DEVICE PF "/sriov_numvfs", "2"), 0);
	assert_int_equal(sim_bind_vfio(m, "0000:02:10.1"), 0);
	assert_int_equal(sim_control(m, "hold 0000:02:10.1 device 42 qemu"), 0);
	start(&numvfs, m, DEVICE PF "/sriov_numvfs", "0");
	while (sim_exists(m, DEVICE "0000:02:10.1/driver"))
		sched_yield();
	assert_false(atomic_load(&numvfs.done));
	assert_int_equal(sim_control(m, "release 0000:02:10.1"), 0);
	assert_int_equal(finish(&numvfs), 0);
	assert_false(sim_exists(m, DEVICE "0000:02:10.0"));
	assert_false(sim_exists(m, DEVICE "0000:02:10.1"));
}

/* Who waits for a device without its lock must not touch it when it went. */
static void a_device_that_goes_ends_blocked_writes(void **state)
{
	struct model *m = *state;
	struct task override, remove;

	assert_int_equal(sim_control(m, "block driver_override " NIC2), 0);
	assert_int_equal(sim_control(m, "block remove " NIC2), 0);
	start(&override, m, DEVICE NIC2 "/driver_override", "x");
	start(&remove, m, DEVICE NIC2 "/remove", "1");
	await_waiting(m, NIC2, 2, false);
	assert_int_equal(sim_control(m, "vanish " NIC2), 0);
	assert_int_equal(sim_control(m, "unblock driver_override " NIC2), 0);
	assert_int_equal(sim_control(m, "unblock remove " NIC2), 0);
	assert_int_equal(finish(&override), ENODEV);
	assert_int_equal(finish(&remove), ENODEV);
}

/* A physical function that goes while its virtual ones are being made takes them along. */
static void functions_made_meanwhile_go_too(void **state)
{
	struct model *m = *state;
	struct task numvfs, remove;

	assert_int_equal(sim_control(m, "block sriov_numvfs " PF), 0);
	start(&numvfs, m, DEVICE PF "/sriov_numvfs", "4");
	await_waiting(m, PF, 1, true); /* blocked under its lock */
	start(&remove, m, DEVICE PF "/remove", "1");
	await_waiting(m, PF, 2, true);
	assert_int_equal(sim_control(m, "unblock sriov_numvfs " PF), 0);
	assert_int_equal(finish(&numvfs), 0);
	assert_int_equal(finish(&remove), 0);
	assert_false(sim_exists(m, DEVICE PF));
	assert_false(sim_exists(m, DEVICE "0000:02:10.0"));
}

static void without_interrupt_remapping_vfio_refuses_users(void **state)
{
	char text[2048];

	(void)state;
	snprintf(text, sizeof(text), "interrupt_remapping off\n%s", devices);
	struct model *m = sim_new(text);
	assert_int_equal(sim_bind_vfio(m, NIC), 0);
	assert_int_equal(sim_control(m, "hold " NIC " group 42 qemu"), 0);
	assert_int_equal(sim_control(m, "hold " NIC " device 42 qemu"), EPERM);
	assert_int_equal(sim_control(m, "set vfio_iommu_type1 allow_unsafe_interrupts Y"), 0);
	assert_int_equal(sim_control(m, "hold " NIC " device 42 qemu"), 0);
	model_free(m);
}

/* A GPU's nodes: who has one open shows, and a driver that waits for that keeps an unbind waiting.
 */
static void open_nodes_hold_their_device(void **state)
{
	char text[2048];
	struct task unbind;

	(void)state;
	snprintf(text, sizeof(text),
		"driver nvidia ids=10de:2204 waits\n%schardev nvidia0 device=" GPU
		" number=195:0\nchardev card0 device=" GPU
		" class=drm number=226:0 dev=dri/card0\n",
		strchr(devices, '\n') + 1);
	char *second = strstr(text, "driver nvidia ids=10de:2204\n");
	memset(second, '#', strlen("driver nvidia ids=10de:2204"));
	struct model *m = sim_new(text);
	assert_string_equal(sim_list(m, "dev"), "dri nvidia0 uevent vfio");
	assert_string_equal(sim_read(m, "sys/class/drm/card0/dev"), "226:0");
	assert_string_equal(sim_link(m, "sys/class/drm/card0/device"), GPU);
	assert_non_null(strstr(
		sim_read(m, "proc/driver/nvidia/gpus/" GPU "/information"), "Device Minor: \t 0"));
	assert_int_equal(sim_control(m, "hold " GPU " /dev/nvidia1 7 nvidia-smi"), ENOENT);
	assert_int_equal(sim_control(m, "hold " GPU " /dev/nvidia0 7 nvidia-smi"), 0);
	assert_int_equal(sim_control(m, "hold " GPU " /dev/dri/card0 8 Xorg"), 0);
	assert_string_equal(sim_readlink(m, "proc/7/fd/3"), "/dev/nvidia0");
	assert_string_equal(sim_readlink(m, "proc/8/fd/3"), "/dev/dri/card0");
	start(&unbind, m, DRIVER "nvidia/unbind", GPU);
	while (sim_exists(m, DEVICE GPU "/driver"))
		sched_yield();
	assert_int_equal(sim_control(m, "release " GPU " 8"), 0);
	assert_false(atomic_load(&unbind.done));
	assert_int_equal(sim_control(m, "release " GPU), 0);
	assert_int_equal(finish(&unbind), 0);
	assert_string_equal(sim_list(m, "dev"), "uevent vfio");
	model_free(m);
}

static void blocked_writes_wait_to_be_unblocked(void **state)
{
	struct model *m = *state;
	struct task bind, override;

	assert_int_equal(sim_write(m, DRIVER "vfio-pci/unbind", NIC), 0);
	assert_int_equal(sim_control(m, "block bind " NIC), 0);
	assert_int_equal(sim_control(m, "block driver_override " NIC2), 0);
	start(&bind, m, DRIVER "vfio-pci/bind", NIC);
	start(&override, m, DEVICE NIC2 "/driver_override", "vfio-pci");
	while (!sim_exists(m, DEVICE NIC "/driver"))
		sched_yield();
	assert_false(sim_exists(m, DEVICE NIC "/vfio-dev"));
	assert_int_equal(sim_write(m, DRIVER "e1000e/unbind", NIC2), 0);
	assert_int_equal(sim_control(m, "unblock bind " NIC), 0);
	assert_int_equal(finish(&bind), 0);
	assert_false(atomic_load(&override.done));
	assert_int_equal(sim_control(m, "unblock driver_override " NIC2), 0);
	assert_int_equal(finish(&override), 0);
	assert_string_equal(sim_read(m, DEVICE NIC2 "/driver_override"), "vfio-pci");
}

static void stopping_lets_go_of_all(void **state)
{
	struct model *m = *state;
	struct task unbind, override;

	assert_int_equal(sim_control(m, "hold " NIC " device 42 qemu"), 0);
	start_unbind(&unbind, m);
	start(&override, m, DEVICE NIC "/driver_override", NULL);
	model_stop(m);
	assert_int_equal(finish(&unbind), EIO);
	int result = finish(&override);
	assert_true(result == EIO || result == 0); /* it may have come after the unbind ended */
}

/* Many threads at once; the sanitizers judge. */
static void *churn(void *arg)
{
	struct model *m = arg;

	for (int i = 0; i < 200; i++) {
		sim_bind_vfio(m, NIC2);
		sim_control(m, "hold " NIC2 " device 50 vm");
		sim_control(m, "release " NIC2);
		sim_write(m, DEVICE NIC2 "/driver/unbind", NIC2);
		sim_write(m, DEVICE NIC2 "/remove", "1");
		sim_write(m, PCI "rescan", "1");
		sim_write(m, DEVICE PF "/sriov_numvfs", i % 2 ? "4" : "0");
		sim_list(m, PCI "devices");
		sim_read(m, DEVICE NIC2 "/uevent");
		sim_read(m, DEVICE "0000:02:10.0/resource");
	}
	return NULL;
}

static void churning_breaks_nothing(void **state)
{
	struct model *m = *state;
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, m), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	sim_write(m, PCI "rescan", "1");
	assert_true(sim_exists(m, DEVICE NIC2 "/vendor"));
	assert_true(sim_exists(m, DEVICE NIC "/vendor"));
}

int main(void)
{
#define OLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define NEW(name) cmocka_unit_test_setup_teardown(name, setup_new, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_of_states),
		OLD(mappings_show_in_maps_alone),
		NEW(fdinfo_names_the_device_on_new_kernels),
		OLD(holds_are_refused_as_opens_are),
		OLD(native_drivers_stay_out_of_an_owned_group),
		OLD(an_open_group_survives_its_node),
		OLD(an_unbind_in_use_waits),
		NEW(new_kernels_read_overrides_meanwhile),
		OLD(a_bind_waits_and_then_binds),
		OLD(removal_in_use_holds_up_rescans),
		OLD(waiting_for_a_device_that_goes),
		OLD(a_virtual_function_in_use_holds_its_physical_one),
		OLD(a_device_that_goes_ends_blocked_writes),
		OLD(functions_made_meanwhile_go_too),
		cmocka_unit_test(without_interrupt_remapping_vfio_refuses_users),
		cmocka_unit_test(open_nodes_hold_their_device),
		OLD(blocked_writes_wait_to_be_unblocked),
		OLD(stopping_lets_go_of_all),
		OLD(churning_breaks_nothing),
	};

	return cmocka_run_group_tests_name("simhost holds", tests, NULL, NULL);
}
