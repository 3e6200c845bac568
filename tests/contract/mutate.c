/* SPDX-License-Identifier: MIT */
/* Expectations made wrong. */
#include "tests/contract/mutate.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct walk {
	size_t left; /* values to pass over */
	char *path;
	size_t size;
};

static json_t *walk_value(struct walk *walk, const json_t *json);

/* A value of the same kind that is not the same; it differs for a regular expression too. */
static json_t *altered(const json_t *json)
{
	char text[4096];

	switch (json_typeof(json)) {
	case JSON_STRING:
		snprintf(text, sizeof(text), "%s~", json_string_value(json));
		return json_string(text);
	case JSON_INTEGER:
		return json_integer(json_integer_value(json) + 1);
	case JSON_TRUE:
		return json_false();
	case JSON_FALSE:
		return json_true();
	case JSON_ARRAY:
		return json_pack("[s]", "~");
	default:
		return json_string("~");
	}
}

static bool is_value(const json_t *json)
{
	return !json_is_object(json) && (!json_is_array(json) || json_array_size(json) == 0);
}

/* Adds a name (or, without one, an index) to the path; returns what to cut it to afterwards. */
static size_t step_into(struct walk *walk, const char *name, size_t index)
{
	size_t len = strlen(walk->path);

	if (name)
		snprintf(walk->path + len, walk->size - len, ".%s", name);
	else
		snprintf(walk->path + len, walk->size - len, "[%zu]", index);
	return len;
}

/* Each walk answers the altered copy of what it is given, or NULL when the value to alter is not
 * in it; the path then is as it was. */
static json_t *walk_object(struct walk *walk, const json_t *json)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)json, name, value)
	{
		size_t len = step_into(walk, name, 0);
		json_t *changed = walk_value(walk, value);
		if (changed) {
			json_t *copy = json_copy((json_t *)json);
			json_object_set_new(copy, name, changed);
			return copy;
		}
		walk->path[len] = '\0';
	}
	return NULL;
}

static json_t *walk_array(struct walk *walk, const json_t *json)
{
	json_t *value;
	size_t i;

	json_array_foreach(json, i, value)
	{
		size_t len = step_into(walk, NULL, i);
		json_t *changed = walk_value(walk, value);
		if (changed) {
			json_t *copy = json_copy((json_t *)json);
			json_array_set_new(copy, i, changed);
			return copy;
		}
		walk->path[len] = '\0';
	}
	return NULL;
}

static json_t *walk_value(struct walk *walk, const json_t *json)
{
	if (!is_value(json))
		return json_is_object(json) ? walk_object(walk, json) : walk_array(walk, json);
	return walk->left-- == 0 ? altered(json) : NULL;
}

json_t *mutate(const json_t *expect, size_t n, char *ret_path, size_t size)
{
	struct walk walk = {.left = n, .path = ret_path, .size = size};

	ret_path[0] = '\0';
	return walk_value(&walk, expect);
}
