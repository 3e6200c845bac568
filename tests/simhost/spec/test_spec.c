/* SPDX-License-Identifier: MIT */
/* Host files: what they say, and how they are refused. */
#include "tests/simhost/sim.h"
#include "tools/simhost/spec/read.h"
#include "tools/simhost/view/names.h"

#include <stdlib.h>
#include <string.h>

static struct spec *read_text(const char *text)
{
	char *error = NULL;
	struct spec *spec = spec_parse(text, "a.host", &view_names, &error);

	if (!spec)
		fail_msg("%s", error);
	return spec;
}

static void a_device_is_as_its_line_says(void **state)
{
	struct spec *s =
		read_text("device 0000:00:01.0 id=1b36:000c class=060400 numa=1\n"
			  "# a comment\n"
			  "device 10000:01:00.1 id=10de:2204 class=030000 subsystem=1043:87d1 "
			  "revision=a1 group=7 parent=0000:00:01.0 driver=nvidia irq=16 "
			  "reset=\"flr bus\" link=\"16.0 GT/s PCIe x16\" boot_vga "
			  "bars=16M,256M:p,-,128:io # another\n");
	struct function *f = TAILQ_LAST(&s->functions, functions);

	(void)state;
	assert_int_equal(s->n_functions, 2);
	assert_int_equal(f->address.domain, 0x10000);
	assert_int_equal(f->address.function, 1);
	assert_int_equal(f->vendor, 0x10de);
	assert_int_equal(f->device, 0x2204);
	assert_int_equal(f->subsystem_vendor, 0x1043);
	assert_int_equal(f->subsystem_device, 0x87d1);
	assert_int_equal(f->class, 0x030000);
	assert_int_equal(f->revision, 0xa1);
	assert_int_equal(f->group, 7);
	assert_int_equal(f->numa, 1); /* its bridge's */
	assert_string_equal(f->driver, "nvidia");
	assert_string_equal(f->reset, "flr bus");
	assert_string_equal(f->link_speed, "16.0 GT/s PCIe");
	assert_int_equal(f->link_width, 16);
	assert_true(f->boot_vga);
	assert_ptr_equal(f->parent, TAILQ_FIRST(&s->functions));
	assert_int_equal(f->parent->secondary, 1);
	assert_int_equal(f->bars[0].end - f->bars[0].start + 1, 16 << 20);
	assert_int_equal(f->bars[1].flags, 0x14220c);
	assert_int_equal(f->bars[2].flags, 0);
	assert_int_equal(f->bars[4].flags, 0x40101);
	spec_free(s);
}

static void what_a_group_has_beside_devices_is_read(void **state)
{
	struct spec *s = read_text("driver \"TBSECP3 driver\" ids=544d:6178\n"
				   "device 0000:00:01.0 id=8086:1901 class=060400\n"
				   "device 0000:00:02.0 id=10de:22a3 class=068000 group=7\n"
				   "device 0000:00:03.0 id=1def:2001 class=088000 header=1\n"
				   "device 0000:00:04.0 id=544d:6178 class=038000 bootfb "
				   "boot_display driver=\"TBSECP3 driver\"\n"
				   "vfs 0000:00:02.0 total=2 shared_group\n"
				   "reserved 7 e8000-e8fff direct\n"
				   "member 7 INTC1084:00 driver=intel-ish\nmember 7 INTC1085:00\n");
	struct function *f = TAILQ_FIRST(&s->functions);

	(void)state;
	assert_int_equal(f->header, 1);
	f = TAILQ_NEXT(f, link);
	assert_int_equal(f->header, 0);
	assert_true(f->sriov.shared_group);
	f = TAILQ_NEXT(f, link);
	assert_int_equal(f->header, 1);
	f = TAILQ_NEXT(f, link);
	assert_true(f->bootfb && f->boot_display);
	assert_string_equal(f->driver, "TBSECP3 driver");
	assert_string_equal(s->drivers[0].module, "TBSECP3_driver");
	assert_int_equal(s->n_regions, 1);
	assert_int_equal(s->regions[0].group, 7);
	assert_int_equal(s->regions[0].start, 0xe8000);
	assert_int_equal(s->regions[0].end, 0xe8fff);
	assert_string_equal(s->regions[0].type, "direct");
	assert_int_equal(s->n_members, 2);
	assert_string_equal(s->members[0].driver, "intel-ish");
	assert_null(s->members[1].driver);
	spec_free(s);
}

static void repeats_count_and_nest(void **state)
{
	struct spec *s = read_text("repeat a 0 1\n"
				   "repeat b 8 10\n"
				   "device 0000:{a:02x}:{b:02x}.{a+1} id=10de:2204 class=030000\n"
				   "end\n"
				   "end\n"
				   "net eth0\n");
	struct function *f = TAILQ_LAST(&s->functions, functions);

	(void)state;
	assert_int_equal(s->n_functions, 6);
	assert_int_equal(f->address.bus, 1);
	assert_int_equal(f->address.slot, 0x0a);
	assert_int_equal(f->address.function, 2);
	assert_int_equal(s->n_children, 1);
	spec_free(s);
}

static void the_rest_of_a_host_is_read(void **state)
{
	struct spec *s = read_text("kernel 6.17.0-5-generic\n"
				   "cmdline intel_iommu=on  quiet\n"
				   "cpu amd 8\nnode 0 0-3\nnode 1 4-7\niommu amd\ncdev on\n"
				   "interrupt_remapping off\n"
				   "driver vfio-pci vfio ids=10de:*,8086:10d3\n"
				   "param vfio_pci enable_sriov Y\n");

	(void)state;
	assert_int_equal(s->version, 6017);
	assert_string_equal(s->cmdline, "intel_iommu=on  quiet");
	assert_true(s->amd_cpu && s->cdev && s->no_interrupt_remapping);
	assert_int_equal(s->cpus, 8);
	assert_int_equal(s->n_nodes, 2);
	assert_int_equal(s->iommu, IOMMU_AMD);
	assert_string_equal(s->drivers[0].module, "vfio_pci");
	assert_int_equal(s->drivers[0].n_matches, 2);
	assert_int_equal(s->drivers[0].matches[0].device, SPEC_ANY);
	spec_free(s);
}

#define DEV "device 0000:00:01.0 id=10de:2204 class=030000 "

static void expect_refusal(const char *text, const char *begin)
{
	char *error = NULL;
	struct spec *s = spec_parse(text, "a.host", &view_names, &error);

	if (s)
		fail_msg("accepted: %s", text);
	if (strncmp(error, begin, strlen(begin)) != 0)
		fail_msg("'%s' does not begin with '%s'", error, begin);
	free(error);
}

static void errors_name_the_line(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"frobnicate\n", "a.host:1: 'frobnicate' is no directive"},
		{"\n\nkernel\n", "a.host:3: write: kernel RELEASE"},
		{"kernel six\n", "a.host:1: write: kernel"},
		{"cpu intel 0\n", "a.host:1: write: cpu"},
		{"cpu sparc 2\n", "a.host:1: write: cpu"},
		{"node x 0-1\n", "a.host:1: write: node"},
		{"iommu maybe\n", "a.host:1: write: iommu"},
		{"cdev maybe\n", "a.host:1: write: cdev on|off"},
		{"device 00:01 id=10de:2204 class=030000\n", "a.host:1: write: device ADDRESS"},
		{"device ../../etc id=10de:2204 class=030000\n", "a.host:1: write: device ADDRESS"},
		{"device 0000:00:01.0 id=10de:2204\n", "a.host:1: device 0000:00:01.0 lacks"},
		{"device 0000:00:01.0 class=030000\n", "a.host:1: device 0000:00:01.0 lacks"},
		{DEV "\n" DEV "\n", "a.host:2: the device 0000:00:01.0 is there twice"},
		{DEV "parent=0000:00:02.0\n", "a.host:1: there is no device 0000:00:02.0"},
		{DEV "\ndevice 0000:01:00.0 id=10de:2204 class=030000 parent=0000:00:01.0\n",
			"a.host:2: 0000:00:01.0 is no bridge"},
		{"device 0000:00:01.0 id=10de:22x4 class=030000\n",
			"a.host:1: '10de:22x4' is no VENDOR:DEVICE"},
		{DEV "bars=3M\n", "a.host:1: '3M' is no BAR"},
		{DEV "bars=1M:q\n", "a.host:1: '1M:q' is no BAR"},
		{DEV "bars=1M,1M,1M,1M,1M,1M,1M\n", "a.host:1: a device has six BARs"},
		{DEV "group=-1\n", "a.host:1: 'group=-1': the number"},
		{DEV "revision=100\n", "a.host:1: 'revision=100': the number"},
		{DEV "numa=9999\n", "a.host:1: 'numa=9999': the number"},
		{DEV "link=fast\n", "a.host:1: 'fast' is no link"},
		{DEV "colour=red\n", "a.host:1: a device has no option 'colour=red'"},
		{DEV "reset=\"flr\n", "a.host:1: a quote is not closed"},
		{"driver\n", "a.host:1: write: driver"},
		{"driver ../x\n", "a.host:1: write: driver"},
		{"driver x\ndriver x\n", "a.host:2: the driver x is there twice"},
		{"driver x builtin unloaded\n", "a.host:1: a driver is builtin or unloaded"},
		{"driver x ids=10de\n", "a.host:1: '10de' is no VENDOR:DEVICE"},
		{"driver x fast\n", "a.host:1: a driver has no option 'fast'"},
		{"net eth0 device=0000:00:09.0\n", "a.host:1: there is no device 0000:00:09.0"},
		{"net eth0 size=4\n", "a.host:1: a net has no option 'size=4'"},
		{"disk sda up\n", "a.host:1: a disk has no option 'up'"},
		{"disk sda path=../../x\n", "a.host:1: the path '../../x' is not one below"},
		{"vfs 0000:00:01.0 total=4\n", "a.host:1: write: vfs ADDRESS"},
		{DEV "\nvfs 0000:00:01.0 total=0\n", "a.host:2: total= is missing"},
		{DEV "\nvfs 0000:00:01.0 total=4 enabled=5\n", "a.host:2: total= is missing"},
		{DEV "\nvfs 0000:00:01.0 total=65535 stride=9\n",
			"a.host:2: the last virtual function is past"},
		{"repeat i 0 1\n", "a.host:1: this repeat has no end"},
		{"repeat i 0 x\nend\n", "a.host:1: write: repeat"},
		{"repeat i 0 1\nnet eth{j}\nend\n", "a.host:2: no repeat counts {j}"},
		{"repeat i 0 1\nnet eth{i:q}\nend\n", "a.host:2: {i:q} is no number"},
		{"repeat i 0 1\nnet eth{i-1}\nend\n", "a.host:2: {i-1} is no number"},
		{"driver x\n" DEV "driver=../x\n",
			"a.host:2: a device has no option 'driver=../x'"},
		{"kernel 6.1/../x\n", "a.host:1: write: kernel"},
		{DEV "\ndevice 0000:00:02.0 id=1:1 class=060400\n", "a.host:2: '1:1' is no"},
		{"device 0000:00:02.0 class=060400 id=1b36:000c parent=0000:00:02.0\n",
			"a.host:1: there is no device 0000:00:02.0 to be behind"},
		{"net eth0\nnet eth0\n", "a.host:2: eth0 is there twice"},
		{"net lo\n", "a.host:1: lo is there twice"},
		{"disk sda1 on=sda\n", "a.host:1: there is no disk sda"},
		{"disk sda number=8\n", "a.host:1: '8' is no number"},
		{"disk sda number=8:1\ndisk sdb number=8:1\n",
			"a.host:2: the number 8:1 is there twice"},
		{"disk sda path=a/b/c/d/e/f/g/h/i/j/k/l/m\n",
			"a.host:1: the path 'a/b/c/d/e/f/g/h/i/j/k/l/m' is not"},
		{"chardev x\n", "a.host:1: chardev x lacks its number"},
		{"chardev x number=1:1 dev=../x\n", "a.host:1: '../x' is not a path below /dev"},
		{"chardev x number=1:1 path=a/x\n",
			"a.host:1: chardev x has a path= and no class="},
		{"chardev x number=1:01\n", "a.host:1: '1:01' is no number"},
		{"chardev x number=01:1\n", "a.host:1: '01:1' is no number"},
		{"disk sda holders=dm-0,dm-0\n", "a.host:1: holders='dm-0,dm-0' is no list"},
		{"disk sda holders=../x\n", "a.host:1: holders='../x' is no list"},
		{"disk sda holders=dm-0,\n", "a.host:1: holders='dm-0,' is no list"},
		{"net bond0 lower=eth0,,eth1\n", "a.host:1: lower='eth0,,eth1' is no list"},
		{"net eth0 master=a/b\n", "a.host:1: 'a/b' is no name of an interface"},
		{"end\n", "a.host:1: 'end' is no directive"},
		{"param vfio x\n", "a.host:1: write: param"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_refusal(rows[i].text, rows[i].error);
}

/* What a host file names is beside what the host makes by itself, in whichever order lines come. */
static void names_that_the_host_makes_are_refused(void **state)
{
#define CARD DEV "\n"
#define ON "device=0000:00:01.0 "
	static const struct {
		const char *text, *error;
	} rows[] = {
		{CARD "chardev card0 " ON "class=0000:01:00.0 number=195:0\n",
			"a.host:2: the path '0000:01:00.0/card0' of card0: the host makes"},
		{CARD "chardev x " ON "class=driver number=1:1\n", "a.host:2: the path 'driver/x'"},
		{CARD "chardev x " ON "class=virtfn12 number=1:1\n",
			"a.host:2: the path 'virtfn12/x' of x: the host makes 'virtfn12' there"},
		{CARD "net eth0 " ON "path=vendor\n", "a.host:2: the path 'vendor' of eth0: the"},
		{CARD "disk sda " ON "path=vfio-dev/sda\n", "a.host:2: the path 'vfio-dev/sda'"},
		{"chardev x class=net number=1:1\n", "a.host:1: the host makes the class 'net'"},
		{"chardev x class=vfio-dev number=1:1\n", "a.host:1: the host makes the class"},
		{"disk x path=vfio/x\n", "a.host:1: the path 'vfio/x' of x: the host makes 'vfio'"},
		{"chardev vfio number=1:1\n", "a.host:1: the path 'vfio' of vfio: the host makes"},
		{"disk x dev=iommu\n", "a.host:1: the path 'iommu' of x: the host makes 'iommu'"},
		{"chardev x number=10:196\n", "a.host:1: the number 10:196 is one of the host's"},
		{"chardev x number=243:7\n", "a.host:1: the number 243:7 is one of the host's"},
		{"chardev x number=511:0\n", "a.host:1: the number 511:0 is one of the host's"},
		{CARD "net a " ON "\nnet b " ON "path=net/a/address\n",
			"a.host:3: the path 'net/a/address' of b: the host makes 'address'"},
		{CARD "net b " ON "path=net/a/address\nnet a " ON "\n",
			"a.host:3: below the path 'net/a' of a is a name that the host makes"},
		{CARD "net a " ON "\ndisk b " ON "path=net/a/upper_b\n",
			"a.host:3: the path 'net/a/upper_b' of b: the host makes 'upper_b'"},
		{"disk sda\ndisk size on=sda\n",
			"a.host:2: the path 'block/sda/size' of size: the"},
		{"disk a path=x/y\ndisk b path=x/y\n", "a.host:2: the path 'x/y' of b is taken"},
		{"disk a dev=x\ndisk b dev=x\n", "a.host:2: the path 'x' of b is taken"},
		{"disk a dev=x\ndisk b dev=x/y\n", "a.host:2: the path 'x/y' of b leads through"},
		{"disk b dev=x/y\ndisk a dev=x\n", "a.host:2: the path 'x' of a is taken"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_refusal(rows[i].text, rows[i].error);
	/* The same name in another place is nobody's. */
	spec_free(read_text(CARD "device 0000:00:02.0 id=10de:2204 class=030000\n"
				 "net a " ON "path=net/x\nnet b device=0000:00:02.0 path=net/x\n"
				 "disk vendor\nchardev net class=misc number=1:1\n"
				 "disk c path=block/sda/x number=1:1\ndisk sda\n"));
}

static void endless_files_are_refused(void **state)
{
	static const char *const files[] = {
		"repeat a 0 1000000\nrepeat b 0 1000000\ncdev on\nend\nend\n",
		"repeat a 0 1000000\nrepeat b 0 1000000\nend\nend\n",
		"repeat a 0 9999\ndriver d{a}\nend\n",
		"repeat a 0 9999\nparam vfio p{a} Y\nend\n",
		"repeat a 1 99999\nprocess {a} sh\nend\n",
		"repeat a 0 9999\ndevice {a:04x}:00:00.0 id=10de:2204 class=030000 driver=d{a}\n"
		"end\n",
		"repeat a 0 1000000\ndevice {a:04x}:00:00.0 id=10de:2204 class=030000\nend\n",
		DEV "\nvfs 0000:00:01.0 total=60000 enabled=60000\n"
		    "device 0001:00:01.0 id=10de:2204 class=030000\n"
		    "vfs 0001:00:01.0 total=60000 enabled=60000\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *error = NULL;

		assert_null(spec_parse(files[i], "a.host", &view_names, &error));
		assert_non_null(strstr(error, "has more than"));
		free(error);
	}
}

static void a_missing_file_is_named(void **state)
{
	char *error = NULL;

	(void)state;
	assert_null(spec_read("/nonexistent/a.host", &view_names, &error));
	assert_non_null(strstr(error, "/nonexistent/a.host: cannot be read: No such file"));
	free(error);
	error = NULL;
	assert_null(spec_read("/", &view_names, &error));
	free(error);
}

static void a_command_that_would_wait_is_refused(void **state)
{
	char *error = NULL;
	struct spec *s = read_text(DEV "driver=vfio-pci\ndriver vfio-pci vfio\n"
				       "hold 0000:00:01.0 device 42 qemu\nvanish 0000:00:01.0\n");

	(void)state;
	assert_null(model_new(s, "a.host", &error));
	assert_string_equal(error, "a.host:4: vanish 0000:00:01.0 would wait for ever");
	free(error);
}

/* Commands are part of a host file, and their errors name its lines. */
static void commands_of_a_file_are_run(void **state)
{
	char *error = NULL;
	struct spec *s = read_text(DEV "driver=vfio-pci\ndriver vfio-pci vfio\n"
				       "hold 0000:00:01.0 device 42 qemu\n"
				       "hold 0000:00:02.0 device 42 qemu\n");

	(void)state;
	assert_null(model_new(s, "a.host", &error));
	assert_string_equal(error, "a.host:4: hold 0000:00:02.0 device 42 qemu: No such device");
	free(error);
}

static void shipped_hosts_are_good(void **state)
{
	static const struct {
		const char *file;
		size_t devices;
	} rows[] = {{"lab", 23}, {"gpu-server", 41}, {"sriov", 1008}, {"large", 10000}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[256], *error = NULL;
		size_t n;

		snprintf(path, sizeof(path), HOSTS "/%s.host", rows[i].file);
		struct spec *s = spec_read(path, &view_names, &error);
		struct model *m = s ? model_new(s, path, &error) : NULL;
		if (!m)
			fail_msg("%s", error);
		struct listing listing = {0};
		struct node node;
		assert_int_equal(sim_walk(m, PCI "devices", &node), 0);
		assert_int_equal(view_list(m, node, &listing), 0);
		n = listing.count;
		listing_clear(&listing);
		model_free(m);
		if (n != rows[i].devices)
			fail_msg("%s has %zu devices", path, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_as_its_line_says),
		cmocka_unit_test(what_a_group_has_beside_devices_is_read),
		cmocka_unit_test(repeats_count_and_nest),
		cmocka_unit_test(the_rest_of_a_host_is_read),
		cmocka_unit_test(errors_name_the_line),
		cmocka_unit_test(names_that_the_host_makes_are_refused),
		cmocka_unit_test(endless_files_are_refused),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(commands_of_a_file_are_run),
		cmocka_unit_test(a_command_that_would_wait_is_refused),
		cmocka_unit_test(shipped_hosts_are_good),
	};

	return cmocka_run_group_tests_name("simhost spec", tests, NULL, NULL);
}
