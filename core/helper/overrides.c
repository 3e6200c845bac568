/* SPDX-License-Identifier: MIT */
/* Which overrides the privileged helper wrote over. */
#include "core/helper/overrides.h"
#include "core/base/util.h"
#include "core/pci/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum {
	NAME_SIZE = PCI_ADDRESS_SIZE + 16,
	HEADER_SIZE = 96,
	MAX_TEXTS = 4, /* the oldest goes first: some tool writes one after the other */
};

/* What is known of one device. */
struct record {
	char name[NAME_SIZE];	  /* of the file */
	char header[HEADER_SIZE]; /* of this boot and this device */
	size_t count;
	char texts[MAX_TEXTS][OVERRIDE_SIZE];
};

/* Takes the texts of a file that is of this boot and this device; what is of another counts for
 * nothing. */
static void record_parse(struct record *r, char *text)
{
	char *save = NULL;
	const char *line = strtok_r(text, "\n", &save);

	if (!line || strcmp(line, r->header) != 0)
		return;
	while (r->count < MAX_TEXTS && (line = strtok_r(NULL, "\n", &save)))
		snprintf(r->texts[r->count++], OVERRIDE_SIZE, "%s", line);
}

static int record_load(const struct helper_service *s, const struct device *d, struct record *r)
{
	char boot[BOOT_ID_SIZE];
	size_t len;
	int error = boot_read_id(&s->sysfs, boot);

	*r = (struct record){0};
	if (error)
		return -error;
	snprintf(r->name, sizeof(r->name), "%s.override", d->text);
	snprintf(r->header, sizeof(r->header), "%.40s %04x:%04x %04x:%04x", boot, d->vendor,
		d->device, d->subsystem_vendor, d->subsystem_device);
	CLEANUP(free_cleanup) char *text = sysfs_slurp(s->lock_fd, r->name, 4096, &len);
	if (text)
		record_parse(r, text);
	else if (errno != ENOENT)
		return errno;
	return 0;
}

static int write_whole(int fd, const struct record *r)
{
	if (dprintf(fd, "%s\n", r->header) < 0)
		return errno;
	for (size_t i = 0; i < r->count; i++) {
		if (dprintf(fd, "%s\n", r->texts[i]) < 0)
			return errno;
	}
	return fsync(fd) < 0 ? errno : 0;
}

/* In a file of its own that then takes the old one's place: a kill finds one or the other. */
static int record_save(const struct helper_service *s, const struct record *r)
{
	char fresh[NAME_SIZE + 8];

	snprintf(fresh, sizeof(fresh), "%s.new", r->name);
	CLEANUP(fd_cleanup)
	int fd = openat(
		s->lock_fd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	int error = write_whole(fd, r);
	if (!error && renameat(s->lock_fd, fresh, s->lock_fd, r->name) < 0)
		error = errno;
	return error;
}

static size_t record_find(const struct record *r, const char *text)
{
	size_t i = 0;

	while (i < r->count && strcmp(r->texts[i], text) != 0)
		i++;
	return i;
}

static void take_out(struct record *r, size_t i)
{
	memmove(r->texts[i], r->texts[i + 1], (r->count - i - 1) * sizeof(r->texts[0]));
	r->count--;
}

int helper_overrides_has(const struct helper_service *s, const struct device *d, const char *text)
{
	struct record r;
	int error = record_load(s, d, &r);

	return error ? -error : record_find(&r, text) < r.count;
}

int helper_overrides_add(const struct helper_service *s, const struct device *d, const char *text)
{
	struct record r;
	int error = record_load(s, d, &r);

	if (error || record_find(&r, text) < r.count)
		return error;
	if (r.count == MAX_TEXTS)
		take_out(&r, 0);
	snprintf(r.texts[r.count++], OVERRIDE_SIZE, "%s", text);
	return record_save(s, &r);
}

void helper_overrides_drop(const struct helper_service *s, const struct device *d, const char *text)
{
	struct record r;

	if (record_load(s, d, &r))
		return;
	size_t i = record_find(&r, text);
	if (i == r.count)
		return;
	take_out(&r, i);
	if (r.count > 0)
		record_save(s, &r);
	else
		unlinkat(s->lock_fd, r.name, 0);
}
