/* SPDX-License-Identifier: MIT */
/* Reading the cases. */
#include "tests/contract/cases.h"

#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static bool add_step(const char *name, json_t *step, const json_t *defaults, struct why *why)
{
	fill_in(step, defaults);
	if (!json_object_get(step, "expect") && !json_object_get(step, "expect_rpc"))
		return why_not(why, "%s expects nothing", name);
	return true;
}

static bool add_case(
	struct cases *cases, const char *stem, const json_t *file, json_t *json, struct why *why)
{
	const json_t *defaults = json_object_get(file, "defaults");
	json_t *steps = json_object_get(json, "steps"), *step;
	struct contract_case c = {.json = json};
	const char *name = json_string_value(json_object_get(json, "name"));
	size_t i;

	if (!name || !json_string_length(json_object_get(json, "spec")))
		return why_not(why, "%s: a case without name or spec", stem);
	snprintf(c.name, sizeof(c.name), "%s: %s", stem, name);
	c.variant = json_string_value(json_object_get(file, "variant"));
	if (c.variant && !json_object_get(cases->variants, c.variant))
		return why_not(why, "%s: there is no variant %s", stem, c.variant);
	if (!steps && !add_step(c.name, json, defaults, why))
		return false;
	json_array_foreach(steps, i, step)
	{
		if (!add_step(c.name, step, defaults, why))
			return false;
	}
	cases->items = reallocarray(cases->items, cases->count + 1, sizeof(c));
	if (!cases->items)
		abort();
	cases->items[cases->count++] = c;
	return true;
}

static bool add_file(struct cases *cases, const char *folder, const char *name, struct why *why)
{
	json_t *file = load_file(folder, name, why), *json;
	char stem[64];
	size_t i;

	if (!file)
		return false;
	json_array_append_new(cases->files, file);
	snprintf(stem, sizeof(stem), "%.*s", (int)strcspn(name, "."), name);
	if (json_array_size(json_object_get(file, "cases")) == 0)
		return why_not(why, "%s has no cases", name);
	json_array_foreach(json_object_get(file, "cases"), i, json)
	{
		if (!add_case(cases, stem, file, json, why))
			return false;
	}
	return true;
}

static int is_case_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0 &&
	       strcmp(entry->d_name, "variants.json") != 0;
}

bool cases_load(const char *folder, struct cases *ret, struct why *why)
{
	struct cases cases = {.files = json_array()};
	struct dirent **names;
	int n = scandir(folder, &names, is_case_file, alphasort);
	bool ok = n > 0 || why_not(why, "no cases in %s: %s", folder, strerror(errno));

	if (ok && !(cases.variants = load_file(folder, "variants.json", why)))
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
	json_decref(cases->files);
	free(cases->items);
	*cases = (struct cases){0};
}
