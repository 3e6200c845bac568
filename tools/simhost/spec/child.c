/* SPDX-License-Identifier: MIT */
/* One line of a host file: what a driver makes of a device. */
#include "tools/simhost/spec/child.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/spec/place.h"

#include "core/base/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {[CHILD_NET] = "net",
	[CHILD_DISK] = "disk",
	[CHILD_NODE] = "chardev",
	[CHILD_OBJECT] = "object"};

static bool option_device(struct reader *r, struct spec_child *c, const char *value)
{
	struct pci_address address;

	if (!words_address(value, &address))
		return reader_fail(r, "'%s' is no PCI address", value);
	c->function = table_get(&r->functions, pci_address_key(address));
	return c->function || reader_fail(r, "there is no device %s: its line comes first", value);
}

static bool option_on(struct reader *r, struct spec_child *c, const char *value)
{
	const struct spec_child *disk = table_get(&r->children, table_key(value));

	if (!disk || disk->kind != CHILD_DISK || disk == c)
		return reader_fail(r, "there is no disk %s: its line comes first", value);
	c->on = disk;
	c->function = disk->function;
	return true;
}

static bool option_flag(struct spec_child *c, const char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {{"up", &c->up}, {"address", &c->address}, {"address6", &c->address6},
		{"route", &c->route}, {"pppoe", &c->pppoe}, {"packet", &c->packet}};

	for (size_t i = 0; c->kind == CHILD_NET && i < ARRAY_SIZE(flags); i++) {
		if (strcmp(word, flags[i].name) == 0) {
			*flags[i].flag = true;
			return true;
		}
	}
	return false;
}

/* Options whose value is text; each is for some kinds only. */
static bool option_text(struct spec_child *c, const char *word)
{
	enum {
		NET = 1 << CHILD_NET,
		DISK = 1 << CHILD_DISK,
		NODE = 1 << CHILD_NODE,
		OBJECT = 1 << CHILD_OBJECT
	};
	const struct {
		const char *key;
		char **text;
		unsigned kinds;
	} texts[] = {{"path", &c->path, NET | DISK | NODE | OBJECT}, {"bus", &c->bus, OBJECT},
		{"group", &c->vfio_group, OBJECT}, {"master", &c->master, NET},
		{"lower", &c->lower, NET}, {"holders", &c->holders, DISK},
		{"below", &c->below, DISK}, {"fs", &c->file_system, DISK},
		{"number", &c->number, DISK | NODE}, {"class", &c->class, NODE | OBJECT},
		{"dev", &c->dev, DISK | NODE}};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *value = words_value(word, texts[i].key);
		if (!value || !(texts[i].kinds & 1u << c->kind))
			continue;
		memory_replace(texts[i].text, value);
		return true;
	}
	return false;
}

/* attribute=NAME=TEXT */
static bool option_attribute(struct reader *r, struct spec_child *c, const char *value)
{
	CLEANUP(free_cleanup) char *name = memory_print("%.*s", (int)strcspn(value, "="), value);

	if (!strchr(value, '=') || !spec_name_is_safe(name))
		return reader_fail(r, "'%s' is no NAME=TEXT", value);
	if (c->n_attributes == SPEC_MAX_ATTRIBUTES)
		return reader_fail(
			r, "%s has more than %d attributes", c->name, SPEC_MAX_ATTRIBUTES);
	c->attributes = memory_room(c->attributes, c->n_attributes, sizeof(char *));
	c->attributes[c->n_attributes++] = memory_copy(value);
	return true;
}

static bool child_option(struct reader *r, struct spec_child *c, const char *word)
{
	const char *value;

	if ((value = words_value(word, "device")))
		return option_device(r, c, value);
	if (c->kind == CHILD_DISK && (value = words_value(word, "on")))
		return option_on(r, c, value);
	if (c->kind == CHILD_DISK && (value = words_value(word, "size")) &&
		words_number(value, 10, UINT64_MAX / 2, &c->size))
		return true;
	if (c->kind == CHILD_OBJECT && (value = words_value(word, "attribute")))
		return option_attribute(r, c, value);
	return option_text(c, word) || option_flag(c, word) ||
	       reader_fail(r, "a %s has no option '%s' (docs/simulated-host.md lists them)",
		       kind_names[c->kind], word);
}

/* A path that leads below where it begins: of a few names alone. */
static bool path_is_safe(const char *path)
{
	CLEANUP(free_cleanup) char *copy = memory_copy(path);
	char *save = NULL;
	size_t len = 0, depth = 0;

	for (char *s = strtok_r(copy, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
		if (!spec_name_is_safe(s) || ++depth > SPEC_MAX_PATH)
			return false;
		len += strlen(s) + 1;
	}
	return len > 0 && len - 1 == strlen(path); /* no slash too many */
}

/* Names with commas between, each once: they become links beside each other. */
static bool list_is_safe(const char *list)
{
	CLEANUP(free_cleanup) char *copy = memory_copy(list);
	CLEANUP(table_clear) struct table names = {0};
	char *rest = copy;

	for (char *s; (s = strsep(&rest, ","));) {
		if (!spec_name_is_safe(s) || table_get(&names, table_key(s)))
			return false;
		table_put(&names, table_key(s), s);
	}
	return true;
}

/* Where the kernel puts it. */
static char *default_path(const struct spec_child *c)
{
	unsigned controller;

	if (c->on)
		return memory_print("%s/%s", c->on->path, c->name);
	if (c->kind == CHILD_NET)
		return memory_print("net/%s", c->name);
	if (c->kind == CHILD_NODE || (c->kind == CHILD_OBJECT && c->class))
		return memory_print("%s/%s", c->class, c->name);
	if (c->kind == CHILD_OBJECT)
		return memory_copy(c->name);
	if (sscanf(c->name, "nvme%5un", &controller) == 1)
		return memory_print("nvme/nvme%u/%s", controller, c->name);
	return memory_print("block/%s", c->name);
}

/* MAJOR:MINOR, as the kernel writes it. */
static bool number_is_good(const char *number)
{
	char canonical[32];
	unsigned major, minor;

	if (sscanf(number, "%4u:%7u", &major, &minor) != 2 || major > 4095 || minor > 1 << 20)
		return false;
	snprintf(canonical, sizeof(canonical), "%u:%u", major, minor);
	return strcmp(canonical, number) == 0;
}

static char *next_number(struct reader *r)
{
	for (;;) {
		char *number = memory_print("259:%u", r->next_number++);
		if (!table_get(&r->numbers, spec_number_key(number, true)))
			return number;
		free(number);
	}
}

/* What was not said. */
static void fill_in(struct reader *r, struct spec_child *c)
{
	if (c->kind == CHILD_NET || c->kind == CHILD_DISK)
		memory_replace(&c->class, c->kind == CHILD_NET ? "net" : "block");
	if (c->kind == CHILD_DISK && !c->number)
		c->number = next_number(r);
	if ((c->kind == CHILD_DISK || c->kind == CHILD_NODE) && !c->dev)
		c->dev = memory_copy(c->name);
	if (!c->path && (c->class || c->kind == CHILD_OBJECT))
		c->path = default_path(c);
}

/* Whether names are names and paths lead down, so that they can be files. */
static bool is_safe(struct reader *r, const struct spec_child *c)
{
	if (c->class && !spec_name_is_safe(c->class))
		return reader_fail(r, "'%s' is no name of a class", c->class);
	if (c->bus && !spec_name_is_safe(c->bus))
		return reader_fail(r, "'%s' is no name of a bus", c->bus);
	if (c->bus && strcmp(c->bus, "pci") == 0)
		return reader_fail(r, "the host makes the bus 'pci' itself");
	if (c->vfio_group && c->vfio_group[strspn(c->vfio_group, "0123456789")])
		return reader_fail(r, "'%s' is no number of a group", c->vfio_group);
	if (c->number && !number_is_good(c->number))
		return reader_fail(r, "'%s' is no number of a node (as 259:1)", c->number);
	if (c->path && !path_is_safe(c->path))
		return reader_fail(r, "the path '%s' is not one below the device", c->path);
	if (c->below && !path_is_safe(c->below))
		return reader_fail(r, "'%s' is not a disk's node below /dev", c->below);
	if (c->dev && !path_is_safe(c->dev))
		return reader_fail(r, "'%s' is not a path below /dev", c->dev);
	return true;
}

/* The same for names of other things. */
static bool relations_are_safe(struct reader *r, const struct spec_child *c)
{
	if (c->holders && !list_is_safe(c->holders))
		return reader_fail(r, "holders='%s' is no list of names", c->holders);
	if (c->lower && !list_is_safe(c->lower))
		return reader_fail(r, "lower='%s' is no list of names", c->lower);
	if (c->master && !spec_name_is_safe(c->master))
		return reader_fail(r, "'%s' is no name of an interface", c->master);
	return true;
}

static bool child_complete(struct reader *r, struct spec_child *c)
{
	if (c->kind == CHILD_NODE && !c->number)
		return reader_fail(r, "chardev %s lacks its number=MAJOR:MINOR", c->name);
	if (c->kind == CHILD_NODE && c->path && !c->class)
		return reader_fail(r, "chardev %s has a path= and no class=", c->name);
	fill_in(r, c);
	return is_safe(r, c) && relations_are_safe(r, c) && spec_take_places(r, c);
}

/* net NAME …, disk NAME …, chardev NAME …, object NAME … */
bool spec_line_child(struct reader *r, const struct words *w)
{
	enum child_kind kind = CHILD_NET;

	while (kind < CHILD_OBJECT && strcmp(w->word[0], kind_names[kind]) != 0)
		kind++;
	if (w->count < 2 || !spec_name_is_safe(w->word[1]))
		return reader_fail(r, "write: %s NAME [OPTION...]", w->word[0]);
	if (table_get(&r->children, table_key(w->word[1])) || strcmp(w->word[1], "lo") == 0)
		return reader_fail(r, "%s is there twice", w->word[1]);
	struct spec *s = r->spec;
	s->children = memory_room(s->children, s->n_children, sizeof(struct spec_child *));
	struct spec_child *c = memory_new(sizeof(*c));
	s->children[s->n_children++] = c;
	*c = (struct spec_child){.kind = kind, .name = memory_copy(w->word[1]), .size = 32768};
	table_put(&r->children, table_key(c->name), c);
	for (size_t i = 2; i < w->count; i++) {
		if (!child_option(r, c, w->word[i]))
			return false;
	}
	return child_complete(r, c);
}
