/* SPDX-License-Identifier: MIT */
/* /proc/PID: what a process has open. */
#include "tools/simhost/view/process.h"
#include "tools/simhost/model/child.h"
#include "tools/simhost/model/hold.h"

#include <string.h>

void list_processes(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->n_processes; i++)
		listing_add(out, S_IFDIR, "%d", (int)s->m->processes[i]->pid);
}

bool find_process(const struct scene *s, const char *name, struct node *ret)
{
	int pid;
	struct process *p = name_number(name, "", &pid) ? model_process(s->m, pid) : NULL;

	if (!p)
		return false;
	*ret = node_at(V_PROCESS, &p->object);
	return true;
}

/* A process has its standard files, and of each hold what that kind keeps open. */
struct open_file {
	const struct hold *hold; /* NULL: a standard file */
	enum open_what {
		OPEN_NULL,
		OPEN_CONTAINER,
		OPEN_GROUP,
		OPEN_DEVICE,
		OPEN_CDEV,
		OPEN_IOMMU,
		OPEN_NODE
	} what;
};

/* Whether an earlier hold of the process brought the file that this one shares. */
static bool is_shared(const struct scene *s, const struct hold *h, enum open_what what)
{
	for (size_t i = 0; i < s->m->n_holds && s->m->holds[i] != h; i++) {
		const struct hold *o = s->m->holds[i];
		bool legacy = o->kind == HOLD_GROUP_FILE || o->kind == HOLD_DEVICE_FILE;

		if (o->process != h->process)
			continue;
		if ((what == OPEN_CONTAINER && legacy) ||
			(what == OPEN_GROUP && legacy && o->group == h->group &&
				o->life == h->life) ||
			(what == OPEN_IOMMU && o->kind == HOLD_IOMMUFD))
			return true;
	}
	return false;
}

/* The file of that number; false past the last. */
static bool nth_file(const struct scene *s, unsigned n, struct open_file *ret)
{
	static const enum open_what files[][3] = {
		[HOLD_GROUP_FILE] = {OPEN_CONTAINER, OPEN_GROUP},
		[HOLD_DEVICE_FILE] = {OPEN_CONTAINER, OPEN_GROUP, OPEN_DEVICE},
		[HOLD_MAPPED] = {OPEN_NULL},
		[HOLD_CDEV] = {OPEN_CDEV},
		[HOLD_IOMMUFD] = {OPEN_CDEV, OPEN_IOMMU},
		[HOLD_NODE] = {OPEN_NODE},
	};
	unsigned at = 3;

	*ret = (struct open_file){0};
	if (n < at)
		return true;
	for (size_t i = 0; i < s->m->n_holds; i++) {
		const struct hold *h = s->m->holds[i];

		for (size_t j = 0; h->process == s->process && j < 3; j++) {
			enum open_what what = files[h->kind][j];
			if (what == OPEN_NULL || is_shared(s, h, what))
				continue;
			*ret = (struct open_file){.hold = h, .what = what};
			if (at++ == n)
				return true;
		}
	}
	return false;
}

/* A node that went and perhaps came back is not the one that is open. */
static bool group_is_deleted(const struct model *m, const struct hold *h)
{
	const struct group *g = model_object(m, h->group, OBJECT_GROUP);

	return !g || g->n_vfio == 0 || g->life != h->life;
}

static void print_group_file(const struct scene *s, const struct hold *h, FILE *out)
{
	const struct group *g = model_object(s->m, h->group, OBJECT_GROUP);

	fprintf(out, "/dev/vfio/%s%d%s", g && g->noiommu ? "noiommu-" : "", h->group_number,
		group_is_deleted(s->m, h) ? " (deleted)" : "");
}

static void print_cdev(const struct scene *s, const struct hold *h, FILE *out)
{
	const struct device *d = model_object(s->m, h->device, OBJECT_DEVICE);

	fprintf(out, "/dev/vfio/devices/vfio%d%s", h->vfio, d && d->vfio ? "" : " (deleted)");
}

static void show_fd(const struct scene *s, FILE *out)
{
	struct open_file f;

	if (!nth_file(s, s->node.extra, &f))
		return;
	switch (f.what) {
	case OPEN_NULL:
		fputs("/dev/null", out);
		break;
	case OPEN_CONTAINER:
		fputs("/dev/vfio/vfio", out);
		break;
	case OPEN_GROUP:
		print_group_file(s, f.hold, out);
		break;
	case OPEN_DEVICE:
		fputs("anon_inode:[vfio-device]", out);
		break;
	case OPEN_CDEV:
		print_cdev(s, f.hold, out);
		break;
	case OPEN_IOMMU:
		fputs("/dev/iommu", out);
		break;
	case OPEN_NODE:
		fprintf(out, "/dev/%s%s%s", f.hold->node->spec->vfio_group ? "vfio/" : "",
			f.hold->node->spec->vfio_group ? f.hold->node->spec->vfio_group
						       : f.hold->node->spec->dev,
			child_present(f.hold->node) ? "" : " (deleted)");
		break;
	}
}

static void show_fdinfo(const struct scene *s, FILE *out)
{
	struct open_file f;

	if (!nth_file(s, s->node.extra, &f))
		return;
	fputs("pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1048\n", out);
	if (f.what == OPEN_DEVICE && model_since(s->m, 6, 18))
		fprintf(out, "vfio-device-syspath: /sys%s\n", f.hold->syspath);
}

static void list_fds(const struct scene *s, struct listing *out)
{
	struct open_file f;

	for (unsigned i = 0; nth_file(s, i, &f); i++)
		listing_add(out, s->node.kind == V_FDS ? S_IFLNK : S_IFREG, "%u", i);
}

static bool find_fd(const struct scene *s, const char *name, struct node *ret)
{
	struct open_file f;
	int number;

	if (!name_number(name, "", &number) || !nth_file(s, (unsigned)number, &f))
		return false;
	*ret = node_at(s->node.kind == V_FDS ? V_FD : V_FDINFO, &s->process->object);
	ret->extra = (uint32_t)number;
	return true;
}

static void show_comm(const struct scene *s, FILE *out)
{
	fprintf(out, "%.15s\n", s->process->command);
}

static void show_process_cmdline(const struct scene *s, FILE *out)
{
	fputs(s->process->command, out);
	fputc('\0', out);
}

static void show_maps(const struct scene *s, FILE *out)
{
	fprintf(out, "00400000-00401000 r--p 00000000 00:02 498 /usr/bin/%s\n",
		s->process->command);
	for (size_t i = 0; i < s->m->n_holds; i++) {
		const struct hold *h = s->m->holds[i];
		if (h->process == s->process && h->kind == HOLD_MAPPED)
			fprintf(out,
				"7f%010zx-7f%010zx rw-s fea00000 00:0e 1048 anon_inode:[vfio-device]\n",
				(i + 1) << 20, ((i + 1) << 20) + 0x1000);
	}
}

static void show_mountinfo(const struct scene *s, FILE *out)
{
	fputs("20 1 0:19 / /proc rw,relatime - proc proc rw\n"
	      "21 1 0:20 / /sys rw,relatime - sysfs sysfs rw\n",
		out);
	for (size_t i = 0; i < s->m->n_mounts; i++) {
		const struct mount *mount = &s->m->mounts[i];
		const struct child *disk = model_child(s->m, mount->disk);

		if (strcmp(mount->type, "swap") == 0)
			continue;
		fprintf(out, "%zu 1 %s / ", 30 + i, disk ? disk->spec->number : "0:0");
		for (const char *c = mount->where; *c; c++)
			fprintf(out, strchr(" \t\n\\", *c) ? "\\%03o" : "%c", *c);
		fprintf(out, " rw,relatime - %s /dev/%s rw\n", mount->type, mount->disk);
	}
}

static void show_stat(const struct scene *s, FILE *out)
{
	fprintf(out, "%d (%.15s) S 0 0 0 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 1\n",
		(int)s->process->pid, s->process->command);
}

static const struct entry entries_process[] = {
	{"cmdline", .mode = READ, .show = show_process_cmdline},
	{"comm", .mode = READ, .show = show_comm},
	{"fd", .mode = S_IFDIR | 0500, .kind = V_FDS},
	{"fdinfo", .mode = FOLDER, .kind = V_FDINFOS},
	{"maps", .mode = READ, .show = show_maps},
	{"mountinfo", .mode = READ, .show = show_mountinfo},
	{"stat", .mode = READ, .show = show_stat},
	{0},
};

const struct kind kinds_process[V_COUNT] = {
	[V_PROCESS] = {DIR_OF, OBJECT_PROCESS, entries_process},
	[V_FDS] = {.self = {.mode = S_IFDIR | 0500},
		OBJECT_PROCESS,
		.list = list_fds,
		.find = find_fd},
	[V_FD] = {.self = {.mode = S_IFLNK | 0700, .show = show_fd}, OBJECT_PROCESS},
	[V_FDINFOS] = {DIR_OF, OBJECT_PROCESS, .list = list_fds, .find = find_fd},
	[V_FDINFO] = {.self = {.mode = READ, .show = show_fdinfo}, OBJECT_PROCESS},
};
