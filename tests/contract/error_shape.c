/* SPDX-License-Identifier: MIT */
/* The one shape of every error. */
#include "tests/contract/error_shape.h"

#include "core/base/util.h"
#include "tests/contract/match.h"

#include <string.h>

/* As docs/operations.md, "Errors", and google/rpc/code.proto have them. */
static const struct {
	const char *name;
	int code, http;
} codes[] = {
	{"INVALID_ARGUMENT", 3, 400},
	{"DEADLINE_EXCEEDED", 4, 504},
	{"NOT_FOUND", 5, 404},
	{"ALREADY_EXISTS", 6, 409},
	{"PERMISSION_DENIED", 7, 403},
	{"RESOURCE_EXHAUSTED", 8, 429},
	{"FAILED_PRECONDITION", 9, 400},
	{"ABORTED", 10, 409},
	{"UNIMPLEMENTED", 12, 501},
	{"INTERNAL", 13, 500},
	{"UNAVAILABLE", 14, 503},
	{"UNAUTHENTICATED", 16, 401},
};

int error_shape_code(const char *name, int *ret_http)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (strcmp(codes[i].name, name) == 0) {
			*ret_http = codes[i].http;
			return codes[i].code;
		}
	}
	return -1;
}

static bool check_keys(const json_t *body, struct why *why)
{
	static const char *const keys[] = {"error", "code", "status", "message", "details"};
	size_t i = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)body, key, value)
	{
		if (i == ARRAY_SIZE(keys) || strcmp(keys[i++], key) != 0)
			return why_not(why, "an error has no member %s in that place", key);
	}
	return i == ARRAY_SIZE(keys) || why_not(why, "the error has only %zu members", i);
}

/* The text says no more of the program than its user needs. */
static bool check_text(const json_t *body, struct why *why)
{
	const char *text = json_string_value(json_object_get(body, "error"));

	if (!text || !*text ||
		!json_equal(json_object_get(body, "message"), json_object_get(body, "error")))
		return why_not(why, "error and message are not the same sentence");
	if (strstr(text, ".c:") || strstr(text, "__") || strstr(text, "0x7f"))
		return why_not(why, "the sentence shows the inside of the program: %s", text);
	return true;
}

static bool check_details(const json_t *details, struct why *why)
{
	static const char upper_snake[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t i;
	json_t *detail;

	if (!json_is_array(details))
		return why_not(why, "details is no array");
	json_array_foreach(details, i, detail)
	{
		const char *reason = json_string_value(json_object_get(detail, "reason"));

		if (!json_is_string(json_object_get(detail, "pci_address")) || !reason ||
			!*reason || reason[strspn(reason, upper_snake)])
			return why_not(why, "details[%zu] names no device or no reason", i);
		if (json_object_get(detail, "@type"))
			return why_not(why, "details[%zu] has @type", i);
	}
	return true;
}

bool error_shape_check(const json_t *body, const json_t *want, struct why *why)
{
	const char *name = json_string_value(json_object_get(want, "code"));
	const json_t *text = json_object_get(want, "text"), *says = json_object_get(want, "says");
	const json_t *details = json_object_get(want, "details");
	int http, code = name ? error_shape_code(name, &http) : -1;

	if (code < 0)
		return why_not(why, "the case expects no known code");
	if (!json_is_object(body))
		return why_not(why, "the error is no object");
	if (!check_keys(body, why) || !check_text(body, why) ||
		!check_details(json_object_get(body, "details"), why))
		return false;
	if (json_integer_value(json_object_get(body, "code")) != code ||
		strcmp(json_string_value(json_object_get(body, "status")), name) != 0)
		return why_not(why, "expected code %s, got %s: %s", name,
			json_string_value(json_object_get(body, "status")),
			json_string_value(json_object_get(body, "error")));
	if ((text && !match(text, json_object_get(body, "error"), "error", why)) ||
		(says && !match(says, json_object_get(body, "error"), "error", why)))
		return false;
	return !details || match(details, json_object_get(body, "details"), "details", why);
}
