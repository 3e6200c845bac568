/* SPDX-License-Identifier: MIT */
/* One line of a host file: what is not a device. */
#include "tools/simhost/spec_line.h"
#include "tools/simhost/control.h"
#include "tools/simhost/memory.h"

#include "core/util.h"

#include <stdio.h>
#include <string.h>

static bool name_is_safe(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < 64 && name[0] != '.' && !strpbrk(name, "/ \t\n=");
}

static bool id(const char *text, size_t n, bool wild, int64_t *ret)
{
	char digits[5] = "";
	uint64_t value;

	if (wild && n == 1 && *text == '*') {
		*ret = SPEC_ANY;
		return true;
	}
	if (n != 4)
		return false;
	memcpy(digits, text, 4);
	bool ok = words_number(digits, 16, 0xffff, &value);
	if (ok)
		*ret = (int64_t)value;
	return ok;
}

bool spec_ids(const char *text, bool wild, int64_t *ret_vendor, int64_t *ret_device)
{
	const char *colon = strchr(text, ':');

	return colon && id(text, (size_t)(colon - text), wild, ret_vendor) &&
	       id(colon + 1, strlen(colon + 1), wild, ret_device);
}

static void replace(char **place, const char *text)
{
	free(*place);
	*place = memory_copy(text);
}

static bool line_kernel(struct reader *r, const struct words *w)
{
	unsigned major, minor;

	if (w->count != 2 || sscanf(w->word[1], "%3u.%3u", &major, &minor) != 2)
		return reader_fail(r, "write: kernel RELEASE (as 6.1.0-28-amd64)");
	replace(&r->spec->kernel, w->word[1]);
	r->spec->version = major * 1000 + minor;
	return true;
}

static bool line_cpu(struct reader *r, const struct words *w)
{
	uint64_t n;
	bool amd = w->count == 3 && strcmp(w->word[1], "amd") == 0;

	if (w->count != 3 || (!amd && strcmp(w->word[1], "intel") != 0) ||
		!words_number(w->word[2], 10, 4096, &n) || n == 0)
		return reader_fail(r, "write: cpu intel|amd COUNT");
	r->spec->amd_cpu = amd;
	r->spec->cpus = (unsigned)n;
	return true;
}

static bool line_node(struct reader *r, const struct words *w)
{
	uint64_t n;

	if (w->count != 3 || !words_number(w->word[1], 10, 1023, &n) ||
		w->word[2][strspn(w->word[2], "0123456789,-")])
		return reader_fail(r, "write: node NUMBER CPUS (as 0-15,32-47)");
	struct spec *s = r->spec;
	s->nodes = memory_room(s->nodes, s->n_nodes, sizeof(*s->nodes));
	s->nodes[s->n_nodes++] =
		(struct spec_node){.number = (int)n, .cpus = memory_copy(w->word[2])};
	return true;
}

static bool line_iommu(struct reader *r, const struct words *w)
{
	static const char *const names[] = {"intel", "amd", "none"};

	for (size_t i = 0; w->count == 2 && i < ARRAY_SIZE(names); i++) {
		if (strcmp(w->word[1], names[i]) == 0) {
			r->spec->iommu = (enum spec_iommu)i;
			return true;
		}
	}
	return reader_fail(r, "write: iommu intel|amd|none");
}

static bool on_off(struct reader *r, const struct words *w, bool *ret)
{
	if (w->count != 2 || (strcmp(w->word[1], "on") != 0 && strcmp(w->word[1], "off") != 0))
		return reader_fail(r, "write: %s on|off", w->word[0]);
	*ret = strcmp(w->word[1], "on") == 0;
	return true;
}

static bool line_remapping(struct reader *r, const struct words *w)
{
	bool on = true;

	if (!on_off(r, w, &on))
		return false;
	r->spec->no_interrupt_remapping = !on;
	return true;
}

static bool line_cdev(struct reader *r, const struct words *w)
{
	return on_off(r, w, &r->spec->cdev);
}

static bool line_param(struct reader *r, const struct words *w)
{
	if (w->count != 4 || !name_is_safe(w->word[1]) || !name_is_safe(w->word[2]))
		return reader_fail(r, "write: param MODULE NAME VALUE");
	struct spec *s = r->spec;
	s->parameters = memory_room(s->parameters, s->n_parameters, sizeof(*s->parameters));
	s->parameters[s->n_parameters++] =
		(struct spec_parameter){.module = memory_copy(w->word[1]),
			.name = memory_copy(w->word[2]),
			.value = memory_copy(w->word[3])};
	return true;
}

static bool driver_matches(struct reader *r, struct spec_driver *d, const char *value)
{
	CLEANUP(free_cleanup) char *ids = memory_copy(value);
	char *save = NULL;

	for (char *s = strtok_r(ids, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		struct match m = {.subsystem_vendor = SPEC_ANY, .subsystem_device = SPEC_ANY};

		if (!spec_ids(s, true, &m.vendor, &m.device))
			return reader_fail(
				r, "'%s' is no VENDOR:DEVICE (as 10de:2204 or 8086:*)", s);
		d->matches = memory_room(d->matches, d->n_matches, sizeof(*d->matches));
		d->matches[d->n_matches++] = m;
	}
	return true;
}

static bool driver_option(struct reader *r, struct spec_driver *d, const char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {{"vfio", &d->vfio}, {"managed_dma", &d->managed_dma}, {"sriov", &d->sriov},
		{"passive", &d->passive}, {"builtin", &d->builtin}, {"unloaded", &d->unloaded}};
	const char *value;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(word, flags[i].name) == 0) {
			*flags[i].flag = true;
			return true;
		}
	}
	if ((value = words_value(word, "ids")))
		return driver_matches(r, d, value);
	if ((value = words_value(word, "module")) && name_is_safe(value)) {
		replace(&d->module, value);
		return true;
	}
	return reader_fail(r,
		"a driver has no option '%s' (ids=, module=, vfio, managed_dma, sriov, passive, "
		"builtin, unloaded)",
		word);
}

static bool line_driver(struct reader *r, const struct words *w)
{
	struct spec *s = r->spec;

	if (w->count < 2 || !name_is_safe(w->word[1]))
		return reader_fail(r, "write: driver NAME [OPTION...]");
	for (size_t i = 0; i < s->n_drivers; i++) {
		if (strcmp(s->drivers[i].name, w->word[1]) == 0)
			return reader_fail(r, "the driver %s is there twice", w->word[1]);
	}
	s->drivers = memory_room(s->drivers, s->n_drivers, sizeof(*s->drivers));
	struct spec_driver *d = &s->drivers[s->n_drivers++];
	*d = (struct spec_driver){
		.name = memory_copy(w->word[1]), .module = memory_copy(w->word[1])};
	for (char *c = d->module; *c; c++)
		*c = *c == '-' ? '_' : *c;
	for (size_t i = 2; i < w->count; i++) {
		if (!driver_option(r, d, w->word[i]))
			return false;
	}
	if (d->builtin && d->unloaded)
		return reader_fail(r, "a driver is builtin or unloaded, not both");
	return true;
}

static bool child_device(struct reader *r, struct spec_child *c, const char *value)
{
	struct pci_address address;

	if (!words_address(value, &address))
		return reader_fail(r, "'%s' is no PCI address", value);
	c->function = table_get(&r->functions, pci_address_key(address));
	return c->function || reader_fail(r, "there is no device %s: its line comes first", value);
}

static bool child_flag(struct spec_child *c, const char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {{"up", &c->up}, {"address", &c->address}, {"address6", &c->address6},
		{"route", &c->route}};

	for (size_t i = 0; !c->is_disk && i < ARRAY_SIZE(flags); i++) {
		if (strcmp(word, flags[i].name) == 0) {
			*flags[i].flag = true;
			return true;
		}
	}
	return false;
}

static bool child_option(struct reader *r, struct spec_child *c, const char *word)
{
	const struct {
		const char *key;
		char **text;
		bool disk, net;
	} texts[] = {{"path", &c->path, true, true}, {"on", &c->on, true, false},
		{"holders", &c->holders, true, false}, {"number", &c->number, true, false},
		{"master", &c->master, false, true}};
	const char *value = words_value(word, "device");

	if (value)
		return child_device(r, c, value);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		value = words_value(word, texts[i].key);
		if (value && (c->is_disk ? texts[i].disk : texts[i].net)) {
			replace(texts[i].text, value);
			return true;
		}
	}
	value = words_value(word, "size");
	if (c->is_disk && value && words_number(value, 10, UINT64_MAX / 2, &c->size))
		return true;
	return child_flag(c, word) || reader_fail(r, "a %s has no option '%s'",
					      c->is_disk ? "disk" : "network interface", word);
}

/* net NAME …, disk NAME … */
static bool line_child(struct reader *r, const struct words *w)
{
	struct spec *s = r->spec;
	bool is_disk = strcmp(w->word[0], "disk") == 0;

	if (w->count < 2 || !name_is_safe(w->word[1]))
		return reader_fail(r, "write: %s NAME [OPTION...]", w->word[0]);
	s->children = memory_room(s->children, s->n_children, sizeof(*s->children));
	struct spec_child *c = &s->children[s->n_children++];
	*c = (struct spec_child){
		.name = memory_copy(w->word[1]), .is_disk = is_disk, .size = 32768};
	for (size_t i = 2; i < w->count; i++) {
		if (!child_option(r, c, w->word[i]))
			return false;
	}
	if (c->path && (*c->path == '/' || strstr(c->path, "..") || strstr(c->path, "//")))
		return reader_fail(r, "the path '%s' is not one below the device", c->path);
	return true;
}

static bool line_command(struct reader *r, const char *line)
{
	struct spec *s = r->spec;

	s->commands = memory_room(s->commands, s->n_commands, sizeof(*s->commands));
	s->commands[s->n_commands++] =
		(struct spec_command){.text = memory_copy(line), .line = r->line};
	return true;
}

bool spec_line(struct reader *r, const struct words *words, const char *line)
{
	static const struct {
		const char *word;
		bool (*take)(struct reader *r, const struct words *words);
	} directives[] = {{"kernel", line_kernel}, {"cpu", line_cpu}, {"node", line_node},
		{"iommu", line_iommu}, {"interrupt_remapping", line_remapping}, {"cdev", line_cdev},
		{"driver", line_driver}, {"param", line_param}, {"device", spec_line_device},
		{"vfs", spec_line_vfs}, {"net", line_child}, {"disk", line_child}};
	const char *word = words->word[0];

	if (strcmp(word, "cmdline") == 0) {
		line = strstr(line, "cmdline") + strlen("cmdline");
		replace(&r->spec->cmdline, line + strspn(line, " \t"));
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(directives); i++) {
		if (strcmp(word, directives[i].word) == 0)
			return directives[i].take(r, words);
	}
	if (control_has(word))
		return line_command(r, line);
	return reader_fail(r, "'%s' is no directive of a host file", word);
}
