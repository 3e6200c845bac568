/* SPDX-License-Identifier: MIT */
/* A user of a VFIO device: does to the kernel what a virtual machine monitor does, and no more. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum mode {
	MODE_READ,  /* look at the device and end */
	MODE_HOLD,  /* keep group and device open */
	MODE_GROUP, /* keep the group open, without a device */
	MODE_MAP,   /* keep nothing but a mapping of a BAR */
};

struct user {
	int container;
	int group;
	int device;
	void *bar;
	size_t bar_size;
};

static const char usage[] =
	"Usage: vfio-user [--hold | --group-only | --map-only] GROUP [ADDRESS]\n"
	"\n"
	"Opens /dev/vfio/GROUP and its device ADDRESS as a virtual machine monitor does, and prints\n"
	"the ids that the device's configuration space tells.\n"
	"\n"
	"  --hold         keep both open until SIGTERM; 'holding' is printed before\n"
	"  --group-only   keep the group open and leave the device alone\n"
	"  --map-only     close everything and keep a mapping of one of the device's BARs\n";

static int fail(const char *what)
{
	fprintf(stderr, "vfio-user: %s: %s\n", what, strerror(errno));
	return -1;
}

static void user_close_files(struct user *user)
{
	int *files[] = {&user->device, &user->group, &user->container};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (*files[i] >= 0)
			close(*files[i]);
		*files[i] = -1;
	}
}

static void user_done(struct user *user)
{
	if (user->bar)
		munmap(user->bar, user->bar_size);
	user_close_files(user);
}

static int user_open_group(struct user *user, const char *number)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%s", number);
	user->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (user->container < 0)
		return fail("/dev/vfio/vfio");
	user->group = open(path, O_RDWR | O_CLOEXEC);
	if (user->group < 0)
		return fail(path);
	if (ioctl(user->group, VFIO_GROUP_GET_STATUS, &status) < 0)
		return fail("VFIO_GROUP_GET_STATUS");
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		errno = EPERM;
		return fail("the group is not viable");
	}
	return 0;
}

static int user_set_iommu(struct user *user)
{
	int type = VFIO_TYPE1v2_IOMMU;

	if (ioctl(user->container, VFIO_CHECK_EXTENSION, type) <= 0)
		type = VFIO_TYPE1_IOMMU;
	if (ioctl(user->group, VFIO_GROUP_SET_CONTAINER, &user->container) < 0)
		return fail("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(user->container, VFIO_SET_IOMMU, type) < 0)
		return fail("VFIO_SET_IOMMU");
	return 0;
}

static int user_region(const struct user *user, unsigned int index, struct vfio_region_info *ret)
{
	*ret = (struct vfio_region_info){.argsz = sizeof(*ret), .index = index};
	if (ioctl(user->device, VFIO_DEVICE_GET_REGION_INFO, ret) < 0)
		return fail("VFIO_DEVICE_GET_REGION_INFO");
	return 0;
}

static int user_print_ids(const struct user *user)
{
	struct vfio_region_info config;
	unsigned char ids[4];

	if (user_region(user, VFIO_PCI_CONFIG_REGION_INDEX, &config) < 0)
		return -1;
	if (pread(user->device, ids, sizeof(ids), (off_t)config.offset) != (ssize_t)sizeof(ids))
		return fail("reading the configuration space");
	printf("%02x%02x:%02x%02x\n", ids[1], ids[0], ids[3], ids[2]);
	return 0;
}

static int user_open_device(struct user *user, const char *address)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	user->device = ioctl(user->group, VFIO_GROUP_GET_DEVICE_FD, address);
	if (user->device < 0)
		return fail("VFIO_GROUP_GET_DEVICE_FD");
	if (ioctl(user->device, VFIO_DEVICE_GET_INFO, &info) < 0)
		return fail("VFIO_DEVICE_GET_INFO");
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI)) {
		errno = ENODEV;
		return fail("not a PCI device");
	}
	return user_print_ids(user);
}

static int user_map_bar(struct user *user)
{
	struct vfio_region_info bar;

	for (unsigned int i = VFIO_PCI_BAR0_REGION_INDEX; i <= VFIO_PCI_BAR5_REGION_INDEX; i++) {
		if (user_region(user, i, &bar) < 0)
			return -1;
		if (!(bar.flags & VFIO_REGION_INFO_FLAG_MMAP) || bar.size == 0)
			continue;
		user->bar_size = bar.size;
		user->bar = mmap(
			NULL, bar.size, PROT_READ, MAP_SHARED, user->device, (off_t)bar.offset);
		if (user->bar != MAP_FAILED)
			return 0;
		user->bar = NULL;
		return fail("mmap");
	}
	errno = ENXIO;
	return fail("no BAR can be mapped");
}

static void hold(const sigset_t *signals)
{
	int signal;

	puts("holding");
	fflush(stdout);
	sigwait(signals, &signal);
}

static int use(struct user *user, enum mode mode, const char *group, const char *address)
{
	if (user_open_group(user, group) < 0)
		return -1;
	if (mode == MODE_GROUP)
		return 0;
	if (user_set_iommu(user) < 0 || user_open_device(user, address) < 0)
		return -1;
	if (mode != MODE_MAP)
		return 0;
	if (user_map_bar(user) < 0)
		return -1;
	user_close_files(user);
	return 0;
}

/* Answers false for a command line that is none. */
static bool parse(int argc, char *argv[], enum mode *ret_mode)
{
	static const struct option options[] = {
		{"hold", no_argument, NULL, MODE_HOLD},
		{"group-only", no_argument, NULL, MODE_GROUP},
		{"map-only", no_argument, NULL, MODE_MAP},
		{NULL, 0, NULL, 0},
	};
	int option;

	*ret_mode = MODE_READ;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return false;
		*ret_mode = (enum mode)option;
	}
	return argc - optind == (*ret_mode == MODE_GROUP ? 1 : 2);
}

int main(int argc, char *argv[])
{
	struct user user = {.container = -1, .group = -1, .device = -1};
	sigset_t signals;
	enum mode mode;
	int r;

	if (!parse(argc, argv, &mode)) {
		fputs(usage, stderr);
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	r = use(&user, mode, argv[optind], argv[optind + 1]);
	if (r == 0 && mode != MODE_READ)
		hold(&signals);
	user_done(&user);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
