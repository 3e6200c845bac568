/* SPDX-License-Identifier: MIT */
/* The regions of a device, from its `resource`. */
#include "tools/vfioctl/capture/bars.h"
#include "tools/vfioctl/capture/text.h"

#include "core/base/util.h"

#include <inttypes.h>

enum {
	BARS = 6,
	ROM = BARS,
	REGIONS,
	TEXT_SIZE = 4096,
	/* The kernel's flags of a region, as far as they tell one kind from another. */
	FLAG_IO = 0x100,
	FLAG_MEMORY = 0x200,
	FLAG_PREFETCH = 0x2000,
	FLAG_64 = 0x100000,
	FLAG_SHADOW = 0x2, /* of a ROM */
};

struct region {
	uint64_t size; /* 0: none */
	uint64_t flags;
};

/* A line of `start end flags`. */
static struct region parse_region(const char *line)
{
	uint64_t start = 0, end = 0, flags = 0;
	struct region none = {0};

	if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3)
		return none;
	/* A region of one byte is real, as of an IDE controller; one at 0 is not there. */
	if (!(flags & (FLAG_IO | FLAG_MEMORY)) || end < start || end == 0)
		return none;
	return (struct region){.size = end - start + 1, .flags = flags};
}

static bool is_power_of_two(uint64_t size)
{
	return size > 0 && (size & (size - 1)) == 0;
}

static void print_size(struct capture *c, uint64_t size)
{
	static const char units[] = {'\0', 'K', 'M', 'G'};
	size_t unit = 0;

	while (unit < sizeof(units) - 1 && size % 1024 == 0) {
		size /= 1024;
		unit++;
	}
	fprintf(c->out, "%" PRIu64, size);
	if (unit)
		fputc(units[unit], c->out);
}

static const char *kind_of(uint64_t flags)
{
	if (flags & FLAG_IO)
		return ":io";
	if (flags & FLAG_64)
		return flags & FLAG_PREFETCH ? ":p" : ":64";
	return flags & FLAG_PREFETCH ? ":p32" : "";
}

static void print_bars(struct capture *c, const struct region bars[BARS])
{
	const char *before = " bars=";
	size_t last = 0;

	for (size_t i = 0; i < BARS; i++) {
		if (is_power_of_two(bars[i].size))
			last = i + 1;
	}
	for (size_t i = 0; i < last; i++) {
		fputs(before, c->out);
		before = ",";
		if (!is_power_of_two(bars[i].size)) {
			fputc('-', c->out);
			continue;
		}
		print_size(c, bars[i].size);
		fputs(kind_of(bars[i].flags), c->out);
		/* It takes the next one too. */
		i += bars[i].flags & FLAG_64 && !(bars[i].flags & FLAG_IO) ? 1 : 0;
	}
}

void capture_print_bars(struct capture *c, const struct capture_device *d)
{
	struct region regions[REGIONS] = {0};
	char path[PCI_ADDRESS_SIZE + 16] = "resource", line[128];
	int dir = d->device->fd;
	size_t len;

	if (dir < 0) {
		dir = c->sysfs.devices_fd;
		snprintf(path, sizeof(path), "%s/resource", d->device->text);
	}
	CLEANUP(free_cleanup) char *text = sysfs_slurp(dir, path, TEXT_SIZE, &len);
	const char *at = text;
	for (size_t i = 0; i < REGIONS && capture_line(&at, line, sizeof(line)); i++)
		regions[i] = parse_region(line);
	print_bars(c, regions);
	if (!is_power_of_two(regions[ROM].size))
		return;
	fputs(" rom=", c->out);
	print_size(c, regions[ROM].size);
	if (regions[ROM].flags & FLAG_SHADOW)
		fputs(":shadow", c->out);
}
