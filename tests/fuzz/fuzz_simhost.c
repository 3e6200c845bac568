/* SPDX-License-Identifier: MIT */
/*
 * Host files, and what is done to the host that they describe. An input is a host file; a line of
 * %% ends it, and the lines behind it are commands of the control file, or ">PATH TEXT" for a
 * write. Then all files of the host are looked at: whatever was done, a folder's names are there,
 * once, of the type that it tells, and what a link names is found.
 */
#include "tests/simhost/sim.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/control.h"
#include "tools/simhost/spec/read.h"
#include "tools/simhost/view/names.h"

#include "core/base/util.h"

#include <stdlib.h>
#include <string.h>

/* Larger hosts are read and not built: that takes long and shows nothing more. */
enum { MAX_FUNCTIONS = 300, MAX_CHILDREN = 300, MAX_DEPTH = 48, MAX_NODES = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void look_at(struct model *m, struct node node, unsigned depth, size_t *budget);

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct listing_entry *)a)->name, ((const struct listing_entry *)b)->name);
}

/* No folder has a name twice. */
static void look_for_twins(struct listing *listing)
{
	if (listing->count > 1)
		qsort(listing->entries, listing->count, sizeof(*listing->entries), by_name);
	for (size_t i = 1; i < listing->count; i++) {
		if (by_name(&listing->entries[i - 1], &listing->entries[i]) == 0)
			abort();
	}
}

static void look_at_names(struct model *m, struct node node, unsigned depth, size_t *budget)
{
	struct listing listing = {0};
	struct view_attributes a;
	struct node found;

	if (view_list(m, node, &listing) != 0)
		abort();
	look_for_twins(&listing);
	for (size_t i = 0; i<listing.count && * budget> 0; i++) {
		const struct listing_entry *e = &listing.entries[i];

		if (!e->name[0] || strchr(e->name, '/') ||
			view_lookup(m, node, e->name, &found) != 0)
			abort();
		view_stat(m, found, &a);
		if ((a.mode & S_IFMT) != e->type)
			abort();
		look_at(m, found, depth + 1, budget);
	}
	listing_clear(&listing);
}

static void look_at(struct model *m, struct node node, unsigned depth, size_t *budget)
{
	const struct node again = node_from_number(node_number(node));
	CLEANUP(free_cleanup) char *text = NULL;
	struct view_attributes a;
	size_t len;

	(*budget)--;
	if (node_number(again) != node_number(node) || depth > MAX_DEPTH)
		abort();
	view_stat(m, node, &a);
	if (S_ISDIR(a.mode))
		look_at_names(m, node, depth, budget);
	else if (S_ISLNK(a.mode) && view_link(m, node, &text) != 0)
		abort();
	else if (S_ISREG(a.mode))
		(void)view_read(m, node, &text, &len);
}

static void do_line(struct model *m, const char *line)
{
	CLEANUP(free_cleanup) char *why = NULL;
	struct node node;

	if (line[0] != '>') {
		int error = control_run(m, line, &why);
		if ((error != 0) != (why != NULL))
			abort();
		return;
	}
	size_t n = strcspn(line + 1, " ");
	CLEANUP(free_cleanup) char *path = memory_print("%.*s", (int)n, line + 1);
	const char *text = line[n + 1] ? line + n + 2 : "";
	if (*text && sim_walk(m, path, &node) == 0)
		(void)view_write(m, node, text, strlen(text));
}

static void build(struct spec *spec, char *script)
{
	size_t budget = MAX_NODES;
	char *error = NULL, *save = NULL;
	struct model *m = model_new(spec, "fuzz", &error);

	free(error);
	if (!m)
		return;
	model_stop(m); /* nobody is there to end what would wait */
	for (char *s = strtok_r(script, "\n", &save); s; s = strtok_r(NULL, "\n", &save))
		do_line(m, s);
	look_at(m, view_root, 0, &budget);
	model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(free_cleanup) char *text = memory_new(len + 1);
	char *error = NULL, nothing[] = "";

	memcpy(text, bytes, len);
	char *script = strstr(text, "%%\n");
	if (script)
		*script = '\0';
	struct spec *spec = spec_parse(text, "fuzz", &view_names, &error);
	if ((spec == NULL) != (error != NULL))
		abort();
	free(error);
	if (spec && spec->n_functions <= MAX_FUNCTIONS && spec->n_children <= MAX_CHILDREN)
		build(spec, script ? script + 3 : nothing);
	else
		spec_free(spec);
	return 0;
}
