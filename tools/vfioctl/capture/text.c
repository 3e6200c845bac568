/* SPDX-License-Identifier: MIT */
/* Text of the host, made fit for a host file; and what reading it takes. */
#include "tools/vfioctl/capture/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAC_DIGITS = 12 };

bool capture_is_name(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n < CAPTURE_NAME_SIZE && isalnum((unsigned char)text[0]) &&
	       text[strspn(text,
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:@+-")] ==
		       '\0';
}

bool capture_is_text(const char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~' || *text == '"' || *text == '#')
			return false;
	}
	return true;
}

bool capture_is_driver(const char *text)
{
	return driver_name_is_safe(text) && capture_is_text(text);
}

void capture_print_driver_name(struct capture *c, const char *name)
{
	fprintf(c->out, capture_is_name(name) ? "%s" : "\"%s\"", name);
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
