/* SPDX-License-Identifier: MIT */
/* A simulated host without a mount. */
#include "tests/simhost/sim.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/control.h"
#include "tools/simhost/spec/read.h"
#include "tools/simhost/view/names.h"

#include "core/base/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_LINKS = 16 };

static _Thread_local char answer[1 << 16];

struct model *sim_new(const char *text)
{
	char *error = NULL;
	struct spec *spec = spec_parse(text, "test.host", &view_names, &error);
	struct model *m = spec ? model_new(spec, "test.host", &error) : NULL;

	if (!m)
		fail_msg("%s", error);
	return m;
}

struct walk {
	struct model *m;
	struct node stack[MAX_DEPTH];
	size_t depth;
	unsigned links;
};

static int walk_path(struct walk *w, const char *path);

static int step(struct walk *w, const char *name)
{
	struct view_attributes a;
	struct node next;

	if (strcmp(name, "..") == 0) {
		w->depth -= w->depth > 1;
		return 0;
	}
	int error = view_lookup(w->m, w->stack[w->depth - 1], name, &next);
	if (error)
		return error;
	view_stat(w->m, next, &a);
	if (S_ISLNK(a.mode)) {
		CLEANUP(free_cleanup) char *target = NULL;
		error = view_link(w->m, next, &target);
		if (error || ++w->links > MAX_LINKS)
			return error ? error : -ELOOP;
		return walk_path(w, target);
	}
	w->stack[w->depth++] = next;
	return 0;
}

static int walk_path(struct walk *w, const char *path)
{
	CLEANUP(free_cleanup) char *copy = memory_copy(path);
	char *save = NULL;
	int error = 0;

	for (char *s = strtok_r(copy, "/", &save); s && !error; s = strtok_r(NULL, "/", &save))
		error = step(w, s);
	return error;
}

int sim_walk(struct model *m, const char *path, struct node *ret)
{
	struct walk w = {.m = m, .stack = {view_root}, .depth = 1};
	int error = walk_path(&w, path);

	if (!error)
		*ret = w.stack[w.depth - 1];
	return error;
}

int sim_write_bytes(struct model *m, const char *path, const char *text, size_t len)
{
	struct node node;
	int error = sim_walk(m, path, &node);

	if (error)
		return -error;
	ssize_t n = view_write(m, node, text, len);
	if (n >= 0)
		assert_int_equal(n, len < PAGE ? len : PAGE);
	return n < 0 ? (int)-n : 0;
}

int sim_write(struct model *m, const char *path, const char *text)
{
	return sim_write_bytes(m, path, text, strlen(text));
}

const char *sim_read(struct model *m, const char *path)
{
	CLEANUP(free_cleanup) char *text = NULL;
	struct node node;
	size_t len = 0;
	int error = sim_walk(m, path, &node);

	if (!error)
		error = view_read(m, node, &text, &len);
	if (error)
		return strerrorname_np(-error);
	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
	snprintf(answer, sizeof(answer), "%s", text);
	return answer;
}

const char *sim_readlink(struct model *m, const char *path)
{
	CLEANUP(free_cleanup) char *folder = memory_copy(path), *target = NULL;
	char *slash = strrchr(folder, '/');
	struct node parent, node;

	*slash = '\0';
	if (sim_walk(m, folder, &parent) || view_lookup(m, parent, slash + 1, &node) ||
		view_link(m, node, &target))
		return "";
	snprintf(answer, sizeof(answer), "%s", target);
	return answer;
}

const char *sim_link(struct model *m, const char *path)
{
	const char *target = sim_readlink(m, path);
	const char *slash = strrchr(target, '/');

	return slash ? slash + 1 : target;
}

bool sim_exists(struct model *m, const char *path)
{
	struct node node;

	return sim_walk(m, path, &node) == 0;
}

static int compare(const void *a, const void *b)
{
	const struct listing_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

const char *sim_list(struct model *m, const char *path)
{
	struct listing listing = {0};
	struct node node;
	size_t at = 0;

	answer[0] = '\0';
	if (sim_walk(m, path, &node) || view_list(m, node, &listing))
		return "ENOENT";
	if (listing.count > 0)
		qsort(listing.entries, listing.count, sizeof(*listing.entries), compare);
	for (size_t i = 0; i < listing.count && at < sizeof(answer) - 64; i++)
		at += (size_t)snprintf(answer + at, sizeof(answer) - at, "%s%s", i ? " " : "",
			listing.entries[i].name);
	listing_clear(&listing);
	return answer;
}

int sim_control(struct model *m, const char *line)
{
	CLEANUP(free_cleanup) char *why = NULL;
	int error = control_run(m, line, &why);

	assert_true((why != NULL) == (error != 0));
	return -error;
}

int sim_bind_vfio(struct model *m, const char *address)
{
	CLEANUP(free_cleanup) char *path = memory_print(DEVICE "%s/driver_override", address);
	CLEANUP(free_cleanup) char *unbind = memory_print(DEVICE "%s/driver/unbind", address);
	int error = sim_write(m, path, "vfio-pci");

	if (!error)
		error = sim_write(m, unbind, address);
	return error && error != ENOENT ? error : sim_write(m, DRIVER "vfio-pci/bind", address);
}
