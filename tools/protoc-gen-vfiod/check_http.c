/* SPDX-License-Identifier: MIT */
/* What the plugin refuses: HTTP rules and how the document would show them. */
#include "tools/protoc-gen-vfiod/check_http.h"
#include "tools/protoc-gen-vfiod/builtin.h"

#include <jansson.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* Whether text is made of letters, digits and the other characters given. */
static bool check_only(const char *text, const char *others)
{
	for (; *text; text++)
		if (!strchr(letters, *text) && !strchr(others, *text))
			return false;
	return true;
}

static void check_path(const struct method *method, struct report *report)
{
	if (strpbrk(method->path, "{}*"))
		report_at(report, &method->source, "path %s of %s has variables; a path is literal",
			method->path, method->name);
	else if (*method->path != '/' || !check_only(method->path, "/-._~"))
		report_at(report, &method->source,
			"path \"%s\" of %s must begin with / and consist of letters, digits, and / - . _ ~",
			method->path, method->name);
}

static void check_body(const struct method *method, struct report *report)
{
	const char *body = method->http->body;

	if (*body && strcmp(body, "*") != 0)
		report_at(report, &method->source, "body \"%s\" of %s is neither \"*\" nor empty",
			body, method->name);
	if (*body && strcmp(method->verb, "GET") == 0)
		report_at(report, &method->source, "%s is a GET with a body", method->name);
}

static void check_rule(const struct method *method, struct report *report)
{
	const Google__Api__HttpRule *http = method->http;

	for (unsigned i = 0; i < http->base.n_unknown_fields; i++)
		report_at(report, &method->source,
			"the http rule of %s sets field %u of google.api.HttpRule, which is not supported",
			method->name, http->base.unknown_fields[i].tag);
	if (!method->verb) {
		report_at(report, &method->source, "the http rule of %s names no verb and path",
			method->name);
		return;
	}
	check_path(method, report);
	check_body(method, report);
	if (*http->response_body && !model_response_body(method))
		report_at(report, &method->source, "response_body \"%s\" of %s is no field of %s",
			http->response_body, method->name, method->output->name);
}

static void check_operation(const struct method *method, struct report *report)
{
	const Rpc__V1__Operation *operation = method->operation;

	if (!operation || !*operation->id || !*operation->tag)
		report_at(report, &method->source,
			"%s has HTTP but no rpc.v1.operation with id and tag", method->name);
	else if (!check_only(operation->id, "_") || !check_only(operation->tag, "-_"))
		report_at(report, &method->source,
			"id and tag of %s must consist of letters, digits and _ (a tag also of -)",
			method->name);
}

/* The first line of a comment is the operation's summary. */
static void check_summary(const struct method *method, struct report *report)
{
	const char *end = strchr(method->source.comment, '\n');

	if (!*method->source.comment)
		report_at(report, &method->source, "%s has HTTP but no comment to describe it",
			method->name);
	else if (end && end[1] != '\n')
		report_at(report, &method->source,
			"the comment of %s must begin with a summary of one line and a blank line",
			method->name);
}

static size_t length_without_slash(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

static bool same_path(const char *a, const char *b)
{
	size_t len = length_without_slash(a);

	return len == length_without_slash(b) && !memcmp(a, b, len);
}

static void check_two(const struct method *a, const struct method *b, struct report *report)
{
	if (a->verb && b->verb && !strcmp(a->verb, b->verb) && same_path(a->path, b->path))
		report_at(report, &b->source, "%s %s is also the route of %s (%s:%d)", b->verb,
			b->path, a->name, a->source.file, a->source.line);
	if (a->operation && b->operation && *b->operation->id &&
		!strcmp(a->operation->id, b->operation->id))
		report_at(report, &b->source, "operation id %s is also that of %s (%s:%d)",
			b->operation->id, a->name, a->source.file, a->source.line);
}

static void check_builtin(const struct method *method, struct report *report)
{
	for (size_t i = 0; i < builtin_count; i++) {
		if (method->verb && same_path(method->path, builtins[i].path))
			report_at(report, &method->source,
				"path %s of %s is one that the daemon serves itself", method->path,
				method->name);
		if (method->operation && builtins[i].id &&
			!strcmp(method->operation->id, builtins[i].id))
			report_at(report, &method->source,
				"operation id %s of %s is one of the daemon's own",
				method->operation->id, method->name);
	}
}

/* protoc does not insist on UTF-8 in comments and options; JSON does. */
static void check_utf8(const struct source *source, const char *text, struct report *report)
{
	json_t *string = json_string(text);

	if (!string)
		report_at(report, source, "the comment or an option here is not UTF-8");
	json_decref(string);
}

static void check_type_texts(const struct type *type, struct report *report)
{
	check_utf8(&type->source, type->source.comment, report);
	for (size_t i = 0; i < type->field_count; i++) {
		check_utf8(&type->fields[i].source, type->fields[i].source.comment, report);
		check_utf8(&type->fields[i].source, type->fields[i].rules->pattern, report);
	}
	for (size_t i = 0; type->enumeration && i < type->enumeration->n_value; i++)
		check_utf8(&type->values[i], type->values[i].comment, report);
}

static void check_texts(const struct model *model, struct report *report)
{
	struct type *type;

	STAILQ_FOREACH(type, &model->types, next)
	check_type_texts(type, report);
	for (size_t i = 0; i < model->method_count; i++) {
		const struct method *method = &model->methods[i];

		check_utf8(&method->source, method->source.comment, report);
		check_utf8(&method->service->source, method->service->source.comment, report);
	}
}

void check_http(const struct model *model, struct report *report)
{
	for (size_t i = 0; i < model->method_count; i++) {
		const struct method *method = &model->methods[i];

		if (!method->http)
			continue;
		check_rule(method, report);
		check_operation(method, report);
		check_summary(method, report);
		check_builtin(method, report);
		for (size_t j = 0; j < i; j++)
			if (model->methods[j].http)
				check_two(&model->methods[j], method, report);
	}
	check_texts(model, report);
}
