/* SPDX-License-Identifier: MIT */
/* One line of a host file: what is not a device. */
#include "tools/simhost/spec/line.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/spec/child.h"
#include "tools/simhost/spec/device.h"

#include "core/base/util.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool line_kernel(struct reader *r, const struct words *w)
{
	unsigned major, minor;

	if (w->count != 2 || sscanf(w->word[1], "%3u.%3u", &major, &minor) != 2 ||
		!spec_name_is_safe(w->word[1]))
		return reader_fail(r, "write: kernel RELEASE (as 6.1.0-28-amd64)");
	memory_replace(&r->spec->kernel, w->word[1]);
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

static bool line_console(struct reader *r, const struct words *w)
{
	return on_off(r, w, &r->spec->console);
}

static bool line_boot_id(struct reader *r, const struct words *w)
{
	const char *id = w->count == 2 ? w->word[1] : "";

	if (strlen(id) != 36 || id[strspn(id, "0123456789abcdef-")])
		return reader_fail(r, "write: boot_id UUID (36 characters, in lower case)");
	memory_replace(&r->spec->boot_id, id);
	return true;
}

static bool line_param(struct reader *r, const struct words *w)
{
	if (w->count != 4 || !spec_name_is_safe(w->word[1]) || !spec_name_is_safe(w->word[2]))
		return reader_fail(r, "write: param MODULE NAME VALUE");
	struct spec *s = r->spec;
	if (s->n_parameters == SPEC_MAX_PARAMETERS)
		return reader_fail(r, "the host has more than %d parameters", SPEC_MAX_PARAMETERS);
	s->parameters = memory_room(s->parameters, s->n_parameters, sizeof(*s->parameters));
	s->parameters[s->n_parameters++] =
		(struct spec_parameter){.module = memory_copy(w->word[1]),
			.name = memory_copy(w->word[2]),
			.value = memory_copy(w->word[3])};
	return true;
}

/* A list of ids. Dynamic ones are as if written to new_id: of a VFIO driver, they count without an
 * override. */
static bool driver_matches(struct reader *r, struct spec_driver *d, const char *value, bool dynamic)
{
	CLEANUP(free_cleanup) char *ids = memory_copy(value);
	char *save = NULL;

	for (char *s = strtok_r(ids, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		struct match m = {.subsystem_vendor = SPEC_ANY,
			.subsystem_device = SPEC_ANY,
			.dynamic = dynamic};

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
		{"passive", &d->passive}, {"leaves_enabled", &d->leaves_enabled},
		{"waits", &d->waits}, {"builtin", &d->builtin}, {"unloaded", &d->unloaded}};
	const char *value;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(word, flags[i].name) == 0) {
			*flags[i].flag = true;
			return true;
		}
	}
	if ((value = words_value(word, "ids")))
		return driver_matches(r, d, value, false);
	if ((value = words_value(word, "new_id")))
		return driver_matches(r, d, value, true);
	if ((value = words_value(word, "module")) && spec_name_is_safe(value)) {
		memory_replace(&d->module, value);
		return true;
	}
	return reader_fail(r,
		"a driver has no option '%s' (ids=, new_id=, module=, vfio, managed_dma, sriov, passive, leaves_enabled, waits, builtin, unloaded)",
		word);
}

static bool line_driver(struct reader *r, const struct words *w)
{
	struct spec *s = r->spec;

	if (w->count < 2 || !spec_driver_is_safe(w->word[1]))
		return reader_fail(r, "write: driver NAME [OPTION...]");
	for (size_t i = 0; i < s->n_drivers; i++) {
		if (strcmp(s->drivers[i].name, w->word[1]) == 0)
			return reader_fail(r, "the driver %s is there twice", w->word[1]);
	}
	if (!reader_driver(r, w->word[1]))
		return false;
	s->drivers = memory_room(s->drivers, s->n_drivers, sizeof(*s->drivers));
	struct spec_driver *d = &s->drivers[s->n_drivers++];
	*d = (struct spec_driver){
		.name = memory_copy(w->word[1]), .module = memory_copy(w->word[1])};
	for (char *c = d->module; *c; c++)
		*c = isalnum((unsigned char)*c) ? *c : '_';
	for (size_t i = 2; i < w->count; i++) {
		if (!driver_option(r, d, w->word[i]))
			return false;
	}
	if (d->builtin && d->unloaded)
		return reader_fail(r, "a driver is builtin or unloaded, not both");
	return true;
}

/* reserved GROUP START-END TYPE */
static bool line_reserved(struct reader *r, const struct words *w)
{
	struct spec *s = r->spec;
	uint64_t group, start = 0, end = 0;
	char *dash = w->count == 4 ? strchr(w->word[2], '-') : NULL;

	if (!dash || !words_number(w->word[1], 10, 1 << 20, &group))
		return reader_fail(
			r, "write: reserved GROUP START-END TYPE (as e8000-e8fff direct)");
	*dash = '\0';
	if (!words_number(w->word[2], 16, UINT64_MAX, &start) ||
		!words_number(dash + 1, 16, UINT64_MAX, &end) || end < start ||
		!spec_name_is_safe(w->word[3]))
		return reader_fail(
			r, "write: reserved GROUP START-END TYPE (as e8000-e8fff direct)");
	if (s->n_regions == SPEC_MAX_REGIONS)
		return reader_fail(r, "the host has more than %d regions", SPEC_MAX_REGIONS);
	s->regions = memory_room(s->regions, s->n_regions, sizeof(*s->regions));
	s->regions[s->n_regions++] = (struct spec_region){
		.group = (int)group, .start = start, .end = end, .type = memory_copy(w->word[3])};
	return true;
}

/* member GROUP NAME [driver=NAME] */
static bool line_member(struct reader *r, const struct words *w)
{
	struct spec *s = r->spec;
	const char *driver = w->count == 4 ? words_value(w->word[3], "driver") : NULL;
	struct pci_address address;
	uint64_t group;

	if (w->count < 3 || w->count > 4 || (w->count == 4 && !driver) ||
		!words_number(w->word[1], 10, 1 << 20, &group) || !spec_name_is_safe(w->word[2]) ||
		pci_address_parse(w->word[2], &address) || (driver && !spec_name_is_safe(driver)))
		return reader_fail(r, "write: member GROUP NAME [driver=NAME]");
	for (size_t i = 0; i < s->n_members; i++) {
		if (strcmp(s->members[i].name, w->word[2]) == 0)
			return reader_fail(r, "the member %s is there twice", w->word[2]);
	}
	if (s->n_members == SPEC_MAX_MEMBERS)
		return reader_fail(r, "the host has more than %d members", SPEC_MAX_MEMBERS);
	s->members = memory_room(s->members, s->n_members, sizeof(*s->members));
	s->members[s->n_members++] = (struct spec_member){.group = (int)group,
		.name = memory_copy(w->word[2]),
		.driver = driver ? memory_copy(driver) : NULL};
	return true;
}

static bool line_command(struct reader *r, const char *line)
{
	struct spec *s = r->spec;

	if (s->n_commands == SPEC_MAX_COMMANDS)
		return reader_fail(r, "the host has more than %d commands", SPEC_MAX_COMMANDS);
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
		{"boot_id", line_boot_id}, {"console", line_console}, {"driver", line_driver},
		{"param", line_param}, {"reserved", line_reserved}, {"member", line_member},
		{"device", spec_line_device}, {"vfs", spec_line_vfs}, {"net", spec_line_child},
		{"disk", spec_line_child}, {"chardev", spec_line_child},
		{"object", spec_line_child}};
	const char *word = words->word[0];

	if (strcmp(word, "cmdline") == 0) {
		/* The word may have been written with quotes in it: then it is not in the line. */
		line = strstr(line, "cmdline");
		if (!line)
			return reader_fail(r, "'cmdline' is written without quotes");
		line += strlen("cmdline");
		memory_replace(&r->spec->cmdline, line + strspn(line, " \t"));
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(directives); i++) {
		if (strcmp(word, directives[i].word) == 0)
			return directives[i].take(r, words);
	}
	if (r->names->is_command(word))
		return line_command(r, line);
	return reader_fail(r, "'%s' is no directive of a host file", word);
}
