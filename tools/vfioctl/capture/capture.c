/* SPDX-License-Identifier: MIT */
/* A host as a host file: its parts in order, and what they share. */
#include "tools/vfioctl/capture/capture.h"
#include "tools/vfioctl/capture/parts.h"

#include "core/error.h"
#include "core/util.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum { MAC_DIGITS = 12 };

bool capture_is_name(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n < CAPTURE_NAME_SIZE && isalnum((unsigned char)text[0]) &&
	       text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				 "_.:@+-")] == '\0';
}

bool capture_is_text(const char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~' || *text == '"' || *text == '#')
			return false;
	}
	return true;
}

/* udev names interfaces without a place after their address: enx525400123456. */
static bool has_mac(const char *name)
{
	size_t digits = 0;

	for (; *name && digits < MAC_DIGITS; name++)
		digits = isxdigit((unsigned char)*name) ? digits + 1 : 0;
	return digits == MAC_DIGITS;
}

void capture_label(
	const char *name, const char *kind, unsigned number, char out[static CAPTURE_NAME_SIZE])
{
	if (capture_is_name(name) && !has_mac(name))
		snprintf(out, CAPTURE_NAME_SIZE, "%s", name);
	else
		snprintf(out, CAPTURE_NAME_SIZE, "%s%u", kind, number);
}

void capture_note(struct capture *c, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (char *s = text; *s; s++)
		*s = *s < ' ' || *s > '~' ? '?' : *s;
	fprintf(c->out, "# %s\n", text);
}

char *capture_slurp(const struct capture *c, const char *path)
{
	size_t len;

	return sysfs_slurp(c->sysfs.root_fd, path, CAPTURE_MAX_FILE, &len);
}

bool capture_line(const char **text, char *buf, size_t size)
{
	if (!*text || !**text)
		return false;
	size_t len = strcspn(*text, "\n");
	snprintf(buf, size, "%.*s", (int)(len < size ? len : size - 1), *text);
	*text += len + ((*text)[len] == '\n');
	return true;
}

void *capture_room(void *items, size_t count, size_t size)
{
	/* Doubled whenever the count is a power of two. */
	if (count & (count - 1))
		return items;
	return reallocarray(items, count ? count * 2 : 1, size);
}

static void capture_clear(struct capture *c)
{
	for (size_t i = 0; i < c->n_devices; i++)
		device_unref(c->devices[i].device);
	free(c->devices);
	free(c->drivers);
	free(c->nets);
	free(c->disks);
	if (c->cache)
		devices_free(c->cache);
	sysfs_close(&c->sysfs);
}

static int fail(char error[CAPTURE_ERROR_SIZE], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static int fail(char error[CAPTURE_ERROR_SIZE], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, CAPTURE_ERROR_SIZE, fmt, args);
	va_end(args);
	return -1;
}

static int open_host(struct capture *c, const char *root, char error[CAPTURE_ERROR_SIZE])
{
	struct core_error err = CORE_ERROR_INIT;
	int r = sysfs_open(&c->sysfs, root);

	if (r < 0)
		return fail(error, "cannot open %s: %s", root, strerror(-r));
	if (c->sysfs.devices_fd < 0)
		return fail(error, "%s%ssys/bus/pci/devices cannot be read: there is no PCI here",
			root, root[strlen(root) - 1] == '/' ? "" : "/");
	if (devices_new(&c->sysfs, NULL, &c->cache, &err) == 0)
		return 0;
	fail(error, "%s", err.message);
	core_error_clear(&err);
	return -1;
}

static int read_host(struct capture *c, char error[CAPTURE_ERROR_SIZE])
{
	int r;

	if (capture_read_drivers(c) < 0)
		return fail(error, "out of memory");
	r = capture_read_devices(c);
	if (r < 0)
		return fail(error, "sys/bus/pci/devices cannot be read: %s", strerror(-r));
	if (capture_read_overrides(c) < 0 || capture_read_nets(c) < 0 ||
		capture_read_disks(c) < 0 || capture_read_holders(c) < 0)
		return fail(error, "out of memory");
	return 0;
}

static void print_head(struct capture *c)
{
	fputs("# The PCI devices of a host, captured by vfioctl " VFIOD_VERSION
	      " for its simulated host (simhost).\n"
	      "# Serial numbers, MAC and IP addresses, host and user names are not in it; names "
	      "of\n"
	      "# network interfaces, disks and drivers are.\n",
		c->out);
}

static void print_host(struct capture *c)
{
	print_head(c);
	capture_print_host(c);
	fputc('\n', c->out);
	capture_print_drivers(c);
	fputc('\n', c->out);
	capture_print_devices(c);
	fputc('\n', c->out);
	capture_print_nets(c);
	capture_print_disks(c);
	capture_print_mounts(c);
	capture_print_holders(c);
}

int capture_write(const char *root, FILE *out, char error[CAPTURE_ERROR_SIZE])
{
	CLEANUP(capture_clear) struct capture c = {.out = out, .sysfs = SYSFS_INIT};

	if (open_host(&c, root, error) < 0 || read_host(&c, error) < 0)
		return -1;
	print_host(&c);
	return 0;
}
