/* SPDX-License-Identifier: MIT */
/* One line of a host file: devices and their virtual functions. */
#include "tools/simhost/spec/device.h"
#include "tools/simhost/base/memory.h"

#include "core/base/util.h"

#include <stdlib.h>
#include <string.h>

/* Flags of a region as the kernel's resource.h has them. */
enum {
	REGION_ROM = 0x46200,
	REGION_ROM_SHADOW = 0x212, /* a copy in memory that the firmware made */
	REGION_IO = 0x40101,
	REGION_MEMORY = 0x40200,
	REGION_PREFETCH = 0x42208,
	REGION_MEMORY64 = 0x140204,
	REGION_PREFETCH64 = 0x14220c,
};

/* Counts functions of the host; false when they are too many. */
static bool device_count(struct reader *r, size_t more)
{
	r->spec->n_functions += more;
	return r->spec->n_functions <= SPEC_MAX_FUNCTIONS ||
	       reader_fail(r, "the host has more than %d devices", SPEC_MAX_FUNCTIONS);
}

/* SIZE[K|M|G] */
static bool size_of(const char *text, size_t n, uint64_t *ret)
{
	static const char units[] = "KMG";
	char digits[16] = "";
	const char *unit = n > 1 ? strchr(units, text[n - 1]) : NULL;
	uint64_t value;

	if (n == 0 || n >= sizeof(digits))
		return false;
	memcpy(digits, text, unit ? n - 1 : n);
	if (!words_number(digits, 10, 1 << 20, &value))
		return false;
	value <<= unit ? 10 * (unit - units + 1) : 0;
	*ret = value;
	return value > 0 && (value & (value - 1)) == 0;
}

static bool flags_of(const char *type, uint64_t *ret)
{
	static const struct {
		const char *type;
		uint64_t flags;
	} types[] = {{"", REGION_MEMORY}, {":io", REGION_IO}, {":64", REGION_MEMORY64},
		{":p", REGION_PREFETCH64}, {":p32", REGION_PREFETCH}};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(type, types[i].type) == 0) {
			*ret = types[i].flags;
			return true;
		}
	}
	return false;
}

/* Gives the region its place, as the firmware would: the next one that its size aligns with. */
static struct bar device_place(struct reader *r, uint64_t size, uint64_t flags)
{
	bool io = flags == REGION_IO;
	bool wide = flags == REGION_MEMORY64 || flags == REGION_PREFETCH64;
	uint64_t *next = io ? &r->next_io : wide ? &r->next_memory64 : &r->next_memory;

	if (io && *next + size > 0xffff)
		*next = 0x1000;
	if (next == &r->next_memory && *next + 2 * size > 0xfec00000)
		next = &r->next_memory64;
	uint64_t start = (*next + size - 1) & ~(size - 1);
	*next = start + size;
	return (struct bar){.start = start, .end = start + size - 1, .flags = flags};
}

/* bars=16M,256M:p,-,128:io */
static bool device_bars(struct reader *r, struct function *f, const char *value)
{
	CLEANUP(free_cleanup) char *list = memory_copy(value);
	char *save = NULL;
	size_t n = 0;

	for (char *s = strtok_r(list, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		uint64_t size = 0, flags = 0;
		size_t digits = strcspn(s, ":");

		if (n >= 6)
			return reader_fail(r, "a device has six BARs; one of 64 bits takes two");
		if (strcmp(s, "-") == 0) {
			n++;
			continue;
		}
		if (!size_of(s, digits, &size) || !flags_of(s + digits, &flags))
			return reader_fail(r,
				"'%s' is no BAR: write a power of two (as 16M), then nothing, :64, :p, :p32 or :io",
				s);
		f->bars[n] = device_place(r, size, flags);
		n += flags == REGION_MEMORY64 || flags == REGION_PREFETCH64 ? 2 : 1;
	}
	return true;
}

/* rom=128K, rom=128K:shadow */
static bool device_rom(struct reader *r, struct function *f, const char *value)
{
	size_t digits = strcspn(value, ":");
	bool shadow = strcmp(value + digits, ":shadow") == 0;
	uint64_t size;

	if (!size_of(value, digits, &size) || (value[digits] && !shadow))
		return reader_fail(r,
			"'%s' is no ROM: write a power of two (as 128K), then nothing or :shadow",
			value);
	f->bars[SPEC_ROM] = device_place(r, size, REGION_MEMORY);
	f->bars[SPEC_ROM].flags = shadow ? REGION_ROM_SHADOW : REGION_ROM;
	return true;
}

static bool device_hex(const char *value, uint64_t max, uint64_t *ret)
{
	return words_number(value, 16, max, ret);
}

/* Options whose value is text. False when the word is none of them. */
static bool option_text(struct reader *r, struct function *f, const char *word)
{
	const struct {
		const char *key;
		char **text;
	} texts[] = {{"reset", &f->reset}, {"override", &f->override}};
	const char *value;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if ((value = words_value(word, texts[i].key))) {
			free(*texts[i].text);
			*texts[i].text = memory_copy(value);
			return true;
		}
	}
	if (!(value = words_value(word, "driver")))
		return false;
	if (!spec_driver_is_safe(value) || !reader_driver(r, value))
		return false;
	f->driverless = strcmp(value, "none") == 0;
	free(f->driver);
	f->driver = f->driverless ? NULL : memory_copy(value);
	return true;
}

static bool option_flag(struct function *f, const char *word)
{
	if (strcmp(word, "boot_vga") == 0)
		f->boot_vga = true;
	else if (strcmp(word, "boot_display") == 0)
		f->boot_display = true;
	else if (strcmp(word, "bootfb") == 0)
		f->bootfb = true;
	else if (strcmp(word, "conventional") == 0)
		f->conventional = true;
	else
		return false;
	return true;
}

/* Options whose value is a number, for which *ret_known says whether the word is one. */
static bool option_number(struct function *f, const char *word, bool *ret_known)
{
	const char *value;
	uint64_t n = 0;
	bool ok = true;

	*ret_known = true;
	if ((value = words_value(word, "class"))) {
		ok = strlen(value) == 6 && device_hex(value, 0xffffff, &n);
		f->class = (uint32_t)n;
	} else if ((value = words_value(word, "revision"))) {
		ok = device_hex(value, 0xff, &n);
		f->revision = (uint8_t)n;
	} else if ((value = words_value(word, "secondary"))) {
		ok = device_hex(value, 0xff, &n);
		f->secondary = (uint8_t)n;
	} else if ((value = words_value(word, "header"))) {
		ok = words_number(value, 10, 2, &n);
		f->header = (uint8_t)n;
	} else if ((value = words_value(word, "irq"))) {
		ok = words_number(value, 10, 1 << 20, &n);
		f->irq = (unsigned)n;
	} else if ((value = words_value(word, "numa"))) {
		bool none = strcmp(value, "none") == 0;
		ok = none || words_number(value, 10, 1023, &n);
		f->numa = none ? SPEC_NO_NODE : (int)n;
	} else if ((value = words_value(word, "group"))) {
		bool none = strcmp(value, "none") == 0;
		ok = none || words_number(value, 10, 1 << 20, &n);
		f->group = none ? SPEC_NO_GROUP : (int)n;
	} else {
		*ret_known = false;
	}
	return ok;
}

static bool option_parent(struct reader *r, struct function *f, const char *value)
{
	struct pci_address address;

	if (!words_address(value, &address))
		return reader_fail(r, "'%s' is no PCI address", value);
	struct function *parent = table_get(&r->functions, pci_address_key(address));
	if (!parent || parent == f)
		return reader_fail(
			r, "there is no device %s to be behind: its line comes first", value);
	f->parent = parent;
	f->depth = parent->depth + 1;
	if (f->depth > SPEC_MAX_DEPTH)
		return reader_fail(r, "bridges are nested more than %d deep", SPEC_MAX_DEPTH);
	/* As behind an Intel VMD. */
	if (!function_is_bridge(f->parent) && f->address.domain == parent->address.domain)
		return reader_fail(r,
			"%s is no bridge (class=060400 or header=1), and what is behind it has no domain of its own",
			value);
	return true;
}

/* link="16.0 GT/s PCIe x16" */
static bool option_link(struct reader *r, struct function *f, const char *value)
{
	const char *width = strrchr(value, 'x');
	uint64_t n;

	if (!width || width == value || !words_number(width + 1, 10, 32, &n))
		return reader_fail(r, "'%s' is no link (as \"16.0 GT/s PCIe x16\")", value);
	free(f->link_speed);
	f->link_speed = memory_copy(value);
	f->link_speed[width - value - 1] = '\0';
	f->link_width = (unsigned)n;
	return true;
}

static bool device_option(struct reader *r, struct function *f, const char *word)
{
	int64_t vendor, device;
	const char *value;
	bool known;

	if ((value = words_value(word, "id")) || (value = words_value(word, "subsystem"))) {
		if (!spec_ids(value, false, &vendor, &device))
			return reader_fail(r, "'%s' is no VENDOR:DEVICE (as 10de:2204)", value);
		bool main = word[0] == 'i';
		*(main ? &f->vendor : &f->subsystem_vendor) = (uint16_t)vendor;
		*(main ? &f->device : &f->subsystem_device) = (uint16_t)device;
		return true;
	}
	if ((value = words_value(word, "parent")))
		return option_parent(r, f, value);
	if ((value = words_value(word, "bars")))
		return device_bars(r, f, value);
	if ((value = words_value(word, "rom")))
		return device_rom(r, f, value);
	if ((value = words_value(word, "link")))
		return option_link(r, f, value);
	if (!option_number(f, word, &known))
		return reader_fail(r, "'%s': the number is out of place or range", word);
	return known || option_text(r, f, word) || option_flag(f, word) ||
	       reader_fail(
		       r, "a device has no option '%s' (docs/simulated-host.md lists them)", word);
}

static struct function *new_function(struct reader *r, struct pci_address address)
{
	struct function *f = memory_new(sizeof(*f));

	f->address = address;
	f->class = (uint32_t)SPEC_NO_CLASS;
	f->header = SPEC_HEADER_OF_CLASS;
	f->numa = SPEC_NODE_OF_BRIDGE;
	f->group = SPEC_OWN_GROUP;
	TAILQ_INSERT_TAIL(&r->spec->functions, f, link);
	table_put(&r->functions, pci_address_key(address), f);
	return f;
}

bool spec_line_device(struct reader *r, const struct words *words)
{
	struct pci_address address;

	if (words->count < 2 || !words_address(words->word[1], &address))
		return reader_fail(
			r, "write: device ADDRESS id=VENDOR:DEVICE class=CCCCCC [OPTION...]");
	if (table_get(&r->functions, pci_address_key(address)))
		return reader_fail(r, "the device %s is there twice", words->word[1]);
	if (!device_count(r, 1))
		return false;
	struct function *f = new_function(r, address);
	for (size_t i = 2; i < words->count; i++) {
		if (!device_option(r, f, words->word[i]))
			return false;
	}
	if (!f->vendor || f->class == (uint32_t)SPEC_NO_CLASS)
		return reader_fail(r, "device %s lacks its id= or class=", words->word[1]);
	if (f->header == SPEC_HEADER_OF_CLASS)
		f->header = header_of_class(f->class);
	if (f->numa == SPEC_NODE_OF_BRIDGE)
		f->numa = f->parent ? f->parent->numa : SPEC_NO_NODE;
	return true;
}

static bool vfs_option(struct reader *r, struct sriov *s, const char *word)
{
	const char *value;
	uint64_t n = 0;

	if ((value = words_value(word, "device")) && device_hex(value, 0xffff, &n))
		s->device = (uint16_t)n;
	else if ((value = words_value(word, "total")) && words_number(value, 10, 65535, &n))
		s->total = (unsigned)n;
	else if ((value = words_value(word, "offset")) && words_number(value, 10, 65535, &n))
		s->offset = (unsigned)n;
	else if ((value = words_value(word, "stride")) && words_number(value, 10, 65535, &n))
		s->stride = (unsigned)n;
	else if ((value = words_value(word, "enabled")) && words_number(value, 10, 65535, &n))
		s->enabled = (unsigned)n;
	else if ((value = words_value(word, "autoprobe")) && words_number(value, 10, 1, &n))
		s->autoprobe = n;
	else if (strcmp(word, "shared_group") == 0)
		s->shared_group = true;
	else
		return reader_fail(r,
			"virtual functions have no option '%s' (total=, device=, offset=, stride=, enabled=, autoprobe=, shared_group)",
			word);
	return true;
}

/* vfs ADDRESS total=N … */
bool spec_line_vfs(struct reader *r, const struct words *words)
{
	struct pci_address address;
	struct function *f = NULL;

	if (words->count >= 3 && words_address(words->word[1], &address))
		f = table_get(&r->functions, pci_address_key(address));
	if (!f)
		return reader_fail(
			r, "write: vfs ADDRESS total=N [OPTION...], after the line of the device");
	f->sriov = (struct sriov){.device = f->device, .offset = 1, .stride = 1, .autoprobe = true};
	for (size_t i = 2; i < words->count; i++) {
		if (!vfs_option(r, &f->sriov, words->word[i]))
			return false;
	}
	const struct sriov *s = &f->sriov;
	if (s->total == 0 || s->enabled > s->total || s->offset == 0 || s->stride == 0)
		return reader_fail(r, "total= is missing, enabled= is more, or a step is 0");
	unsigned own = address.bus << 8 | address.slot << 3 | address.function;
	if (own + s->offset + (s->total - 1) * s->stride > 0xffff)
		return reader_fail(r, "the last virtual function is past the last bus, ff");
	return device_count(r, s->enabled);
}

/* A bridge's buses are those of what is behind it. */
bool reader_finish(struct reader *r)
{
	struct function *f, *up;

	TAILQ_FOREACH (f, &r->spec->functions, link) {
		if (f->parent && !f->parent->secondary)
			f->parent->secondary = f->address.bus;
		for (up = f->parent; up; up = up->parent) {
			if (f->address.bus > up->subordinate)
				up->subordinate = f->address.bus;
		}
	}
	TAILQ_FOREACH (f, &r->spec->functions, link) {
		if (f->subordinate < f->secondary)
			f->subordinate = f->secondary;
	}
	return true;
}
