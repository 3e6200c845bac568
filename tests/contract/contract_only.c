/* SPDX-License-Identifier: MIT */
/* What of a case's expectations is the contract. */
#include "tests/contract/contract_only.h"

#include <string.h>

/* An operation's "answer" is a shape: true is anything, an object names the members, an array has
 * the shape of each element. */
static json_t *cut(const json_t *want, const json_t *shape);

static json_t *cut_elements(const json_t *want, const json_t *shape)
{
	json_t *list = json_array(), *element;
	size_t i;

	json_array_foreach(want, i, element)
	{
		json_array_append_new(list, cut(element, json_array_get(shape, 0)));
	}
	return list;
}

/* "$exact" becomes "$has": an answer may have more than the contract names. */
static void cut_condition(json_t *to, const char *name, const json_t *want, const json_t *shape)
{
	if (strcmp(name, "$each") == 0 || strcmp(name, "$some") == 0)
		json_object_set_new(to, name, cut(want, json_array_get(shape, 0)));
	else if (strcmp(name, "$exact") == 0 || strcmp(name, "$has") == 0)
		json_object_set_new(to, "$has", cut(want, shape));
	else
		json_object_set_new(to, name, json_deep_copy(want));
}

static json_t *cut_members(const json_t *want, const json_t *shape)
{
	json_t *object = json_object(), *value;
	const char *name;

	json_object_foreach((json_t *)want, name, value)
	{
		const json_t *inner = json_object_get(shape, name);

		if (name[0] == '$')
			cut_condition(object, name, value, shape);
		else if (inner)
			json_object_set_new(object, name, cut(value, inner));
	}
	return object;
}

static json_t *cut(const json_t *want, const json_t *shape)
{
	if (json_is_array(want) && json_is_array(shape))
		return cut_elements(want, shape);
	if (json_is_object(want) && !json_is_true(shape))
		return cut_members(want, shape);
	return json_deep_copy(want);
}

static bool is_call(const json_t *operation, const json_t *step)
{
	const char *path =
		json_string_value(json_object_get(json_object_get(operation, "request"), "path"));
	const char *method =
		json_string_value(json_object_get(json_object_get(operation, "rpc"), "method"));
	const char *asked =
		json_string_value(json_object_get(json_object_get(step, "request"), "path"));
	const char *called =
		json_string_value(json_object_get(json_object_get(step, "rpc"), "method"));

	if (asked)
		return strcspn(asked, "?") == strlen(path) &&
		       strncmp(asked, path, strlen(path)) == 0;
	return called && strcmp(called, method) == 0;
}

/* The shape of what the step is answered; NULL: it calls no operation. */
static const json_t *shape_of(const json_t *operations, const json_t *step)
{
	const char *name;
	json_t *operation;

	json_object_foreach((json_t *)operations, name, operation)
	{
		if (is_call(operation, step))
			return json_object_get(operation, "answer");
	}
	return NULL;
}

static void cut_expectation(json_t *expect, const json_t *shape)
{
	json_t *error = json_object_get(expect, "error"), *body = json_object_get(expect, "body");
	json_t *details = json_object_get(error, "details");
	json_t *problem = json_pack("[{sb sb}]", "pci_address", 1, "reason", 1);

	json_object_del(error, "says");
	json_object_del(expect, "adds");
	if (details)
		json_object_set_new(error, "details", cut(details, problem));
	if (body && shape)
		json_object_set_new(expect, "body", cut(body, shape));
	json_decref(problem);
}

static void cut_steps(const json_t *operations, const json_t *steps, json_t *expectations)
{
	json_t *step;
	size_t i;

	json_array_foreach(steps, i, step)
	{
		json_t *expectation = json_array_get(expectations, i);
		const json_t *shape = shape_of(operations, step);

		cut_expectation(json_object_get(expectation, "rest"), shape);
		cut_expectation(json_object_get(expectation, "rpc"), shape);
		cut_steps(operations, json_object_get(step, "meanwhile"),
			json_object_get(expectation, "meanwhile"));
	}
}

void contract_only(const json_t *operations, const struct contract_case *c, json_t *expectations)
{
	json_t *steps = json_object_get(c->json, "steps");
	json_t *all = steps ? json_incref(steps) : json_pack("[O]", c->json);

	cut_steps(operations, all, expectations);
	json_decref(all);
}
