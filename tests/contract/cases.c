/* SPDX-License-Identifier: MIT */
/* Reading the cases. */
#include "tests/contract/cases.h"
#include "tests/contract/host_step.h"

#include "core/base/util.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A file of cases, and what is merged into each of them. */
struct source {
	const struct cases *cases;
	const json_t *file;
	char stem[64];
};

static json_t *load_file(const char *folder, const char *name, struct why *why)
{
	char path[512];
	json_error_t error;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!json)
		why_not(why, "%s:%d:%d: %s", path, error.line, error.column, error.text);
	return json;
}

/* Sets what the object lacks; objects in it are treated in the same way. False stands for "not in
 * this case". */
static void fill_in(json_t *object, const json_t *defaults)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)defaults, name, value)
	{
		json_t *own = json_object_get(object, name);

		if (!own)
			json_object_set_new(object, name, json_deep_copy(value));
		else if (json_is_object(own) && json_is_object(value))
			fill_in(own, value);
	}
}

/* {"call": NAME, "body": X} is the request of that operation over both faces. */
static bool fill_in_call(
	const struct source *source, const char *name, json_t *step, struct why *why)
{
	const char *call = json_string_value(json_object_get(step, "call"));
	json_t *body = json_object_get(step, "body");
	const json_t *operation = json_object_get(source->cases->operations, call);

	if (!operation)
		return why_not(why, "%s: there is no operation %s", name, call);
	json_t *both = json_pack("{sO sO}", "request", json_object_get(operation, "request"), "rpc",
		json_object_get(operation, "rpc"));
	fill_in(step, both);
	json_decref(both);
	if (body && json_is_object(json_object_get(step, "request")))
		json_object_set(json_object_get(step, "request"), "body", body);
	if (body && json_is_object(json_object_get(step, "rpc")))
		json_object_set(json_object_get(step, "rpc"), "message", body);
	return true;
}

static bool add_steps(
	const struct source *source, const char *name, json_t *steps, struct why *why);

static bool add_step(const struct source *source, const char *name, json_t *step, struct why *why)
{
	json_t *meanwhile = json_object_get(step, "meanwhile");

	if (host_step_is(step))
		return true;
	if (json_object_get(step, "call") && !fill_in_call(source, name, step, why))
		return false;
	if (!json_object_get(step, "call"))
		fill_in(step, json_object_get(source->file, "defaults"));
	if (!json_object_get(step, "expect") && !json_object_get(step, "expect_rpc"))
		return why_not(why, "%s expects nothing", name);
	return add_steps(source, name, meanwhile, why);
}

static bool add_steps(const struct source *source, const char *name, json_t *steps, struct why *why)
{
	json_t *step;
	size_t i;

	json_array_foreach(steps, i, step)
	{
		if (!add_step(source, name, step, why))
			return false;
	}
	return true;
}

static void append(struct cases *cases, const struct contract_case *c)
{
	cases->items = reallocarray(cases->items, cases->count + 1, sizeof(*c));
	if (!cases->items)
		abort();
	cases->items[cases->count++] = *c;
}

/* The same case over one face, when it has anything to ask there. */
static void append_face(
	struct cases *cases, const struct contract_case *c, unsigned face, const char *what)
{
	struct contract_case over = *c;

	over.faces = face;
	snprintf(over.name, sizeof(over.name), "%.180s (%s)", c->name, what);
	if (case_can_run(&over, CASE_BOTH, true))
		append(cases, &over);
}

static bool add_case(
	struct cases *cases, const struct source *source, json_t *json, struct why *why)
{
	const char *host = json_string_value(json_object_get(source->file, "host"));
	const char *name = json_string_value(json_object_get(json, "name"));
	json_t *steps = json_object_get(json, "steps");
	struct contract_case c = {.json = json, .faces = CASE_BOTH, .own_host = host != NULL};
	size_t before = cases->count;

	if (!name || !json_string_length(json_object_get(json, "spec")))
		return why_not(why, "%s: a case without name or spec", source->stem);
	snprintf(c.name, sizeof(c.name), "%s: %s", source->stem, name);
	c.variant = json_string_value(json_object_get(source->file, "variant"));
	if (c.variant && !json_object_get(cases->variants, c.variant))
		return why_not(why, "%s: there is no variant %s", source->stem, c.variant);
	if (host && strcmp(host, "own") != 0)
		return why_not(why, "%s: \"host\" can only be \"own\"", source->stem);
	if (steps ? !add_steps(source, c.name, steps, why) : !add_step(source, c.name, json, why))
		return false;
	if (!host) {
		append(cases, &c);
		return true;
	}
	append_face(cases, &c, CASE_REST, "REST");
	append_face(cases, &c, CASE_RPC, "RPC");
	return cases->count > before || why_not(why, "%s asks for nothing", c.name);
}

static bool add_file(struct cases *cases, const char *folder, const char *name, struct why *why)
{
	json_t *file = load_file(folder, name, why), *json;
	struct source source = {.cases = cases, .file = file};
	size_t i;

	if (!file)
		return false;
	json_array_append_new(cases->files, file);
	snprintf(source.stem, sizeof(source.stem), "%.*s", (int)strcspn(name, "."), name);
	if (json_array_size(json_object_get(file, "cases")) == 0)
		return why_not(why, "%s has no cases", name);
	json_array_foreach(json_object_get(file, "cases"), i, json)
	{
		if (!add_case(cases, &source, json, why))
			return false;
	}
	return true;
}

static int is_case_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0 &&
	       strcmp(entry->d_name, "variants.json") != 0 &&
	       strcmp(entry->d_name, "operations.json") != 0;
}

bool cases_load(const char *folder, struct cases *ret, struct why *why)
{
	struct cases cases = {.files = json_array()};
	struct dirent **names;
	int n = scandir(folder, &names, is_case_file, alphasort);
	bool ok = n > 0 || why_not(why, "no cases in %s: %s", folder, strerror(errno));

	if (ok && (!(cases.variants = load_file(folder, "variants.json", why)) ||
			  !(cases.operations = load_file(folder, "operations.json", why))))
		ok = false;
	for (int i = 0; i < n; i++) {
		ok = ok && add_file(&cases, folder, names[i]->d_name, why);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	*ret = cases;
	return ok;
}

void cases_clear(struct cases *cases)
{
	json_decref(cases->variants);
	json_decref(cases->operations);
	json_decref(cases->files);
	free(cases->items);
	*cases = (struct cases){0};
}
