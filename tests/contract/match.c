/* SPDX-License-Identifier: MIT */
/* Whether an answer is what a case expects. */
#include "tests/contract/match.h"

#include "core/base/util.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

enum { PATH = 256 };

static bool differ(struct why *why, const char *path, const json_t *want, const json_t *got)
{
	CLEANUP(free_cleanup) char *wanted = json_dumps(want, JSON_ENCODE_ANY | JSON_COMPACT);
	CLEANUP(free_cleanup)
	char *had = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	return why_not(why, "%s: expected %.800s, got %.800s", path, wanted, had ? had : "nothing");
}

static bool match_regex(const char *path, const json_t *want, const json_t *got, struct why *why)
{
	regex_t regex;

	if (!json_is_string(got))
		return differ(why, path, want, got);
	if (regcomp(&regex, json_string_value(want), REG_EXTENDED | REG_NOSUB) != 0)
		return why_not(
			why, "%s: %s is no regular expression", path, json_string_value(want));
	bool found = regexec(&regex, json_string_value(got), 0, NULL, 0) == 0;
	regfree(&regex);
	return found || differ(why, path, want, got);
}

static bool match_contains(const char *path, const json_t *want, const json_t *got, struct why *why)
{
	json_t *text;
	size_t i;

	json_array_foreach(want, i, text)
	{
		if (!json_is_string(got) ||
			!strstr(json_string_value(got), json_string_value(text)))
			return differ(why, path, want, got);
	}
	return true;
}

static const char *type_name(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	case JSON_ARRAY:
		return "array";
	case JSON_OBJECT:
		return "object";
	default:
		return "another";
	}
}

static json_int_t length_of(const json_t *json)
{
	if (json_is_string(json))
		return (json_int_t)json_string_length(json);
	return (json_int_t)(json_is_object(json) ? json_object_size(json) : json_array_size(json));
}

static bool match_keys(const char *path, const json_t *want, json_t *got, struct why *why)
{
	void *member = json_object_iter(got);
	size_t i;
	json_t *name;

	json_array_foreach(want, i, name)
	{
		const char *key = member ? json_object_iter_key(member) : "nothing";

		if (strcmp(json_string_value(name), key) != 0)
			return why_not(why, "%s: expected member %zu to be %s, got %s", path, i,
				json_string_value(name), key);
		member = json_object_iter_next(got, member);
	}
	return true;
}

static bool match_elements(
	const char *path, const json_t *want, const json_t *got, bool each, struct why *why)
{
	char place[PATH];
	size_t i;
	json_t *element;

	json_array_foreach(got, i, element)
	{
		snprintf(place, sizeof(place), "%s[%zu]", path, i);
		if (match(want, element, place, why) != each)
			return !each;
	}
	if (each && json_array_size(got) > 0)
		return true;
	return differ(why, path, want, got);
}

static bool match_condition(
	const char *name, const char *path, const json_t *want, json_t *got, struct why *why)
{
	bool ok;

	if (strcmp(name, "$absent") == 0)
		ok = json_is_true(want) == !got;
	else if (!got)
		ok = false;
	else if (strcmp(name, "$matches") == 0)
		return match_regex(path, want, got, why);
	else if (strcmp(name, "$contains") == 0)
		return match_contains(path, want, got, why);
	else if (strcmp(name, "$type") == 0)
		ok = strcmp(json_string_value(want), type_name(got)) == 0;
	else if (strcmp(name, "$length") == 0)
		ok = json_integer_value(want) == length_of(got);
	else if (strcmp(name, "$keys") == 0)
		return match_keys(path, want, got, why);
	else if (strcmp(name, "$exact") == 0)
		ok = json_equal(want, got);
	else if (strcmp(name, "$has") == 0)
		return match(want, got, path, why);
	else if (strcmp(name, "$each") == 0 || strcmp(name, "$some") == 0)
		return match_elements(path, want, got, name[1] == 'e', why);
	else
		return why_not(why, "%s: the case has an unknown condition %s", path, name);
	return ok || differ(why, path, want, got);
}

static bool match_member(
	const char *path, const char *name, const json_t *want, const json_t *got, struct why *why)
{
	char place[PATH];

	if (name[0] == '$')
		return match_condition(name, path, want, (json_t *)got, why);
	snprintf(place, sizeof(place), "%.*s.%s", PATH / 2, path, name);
	return match(want, json_object_get(got, name), place, why);
}

static bool match_object(const json_t *want, const json_t *got, const char *path, struct why *why)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)want, name, value)
	{
		if (name[0] != '$' && !json_is_object(got))
			return differ(why, path, want, got);
		if (!match_member(path, name, value, got, why))
			return false;
	}
	return true;
}

static bool match_array(const json_t *want, const json_t *got, const char *path, struct why *why)
{
	char place[PATH];
	size_t i;
	json_t *element;

	if (!json_is_array(got) || json_array_size(got) != json_array_size(want))
		return differ(why, path, want, got);
	json_array_foreach(want, i, element)
	{
		snprintf(place, sizeof(place), "%.*s[%zu]", PATH / 2, path, i);
		if (!match(element, json_array_get(got, i), place, why))
			return false;
	}
	return true;
}

bool match(const json_t *want, const json_t *got, const char *path, struct why *why)
{
	if (json_is_object(want))
		return match_object(want, got, path, why);
	if (json_is_array(want))
		return match_array(want, got, path, why);
	return (got && json_equal(want, got)) || differ(why, path, want, got);
}
