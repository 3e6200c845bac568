/* SPDX-License-Identifier: MIT */
/* jansson with every failure fatal. */
#include "tools/protoc-gen-vfiod/doc.h"

#include <err.h>
#include <stdlib.h>

static void *alloc_or_exit(size_t size)
{
	void *block = malloc(size);

	if (!block)
		err(EXIT_FAILURE, "malloc");
	return block;
}

void doc_init(void)
{
	json_set_alloc_funcs(alloc_or_exit, free);
}

void doc_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		errx(EXIT_FAILURE, "member %s of the document cannot be written", key);
}

void doc_put_text(json_t *object, const char *key, const char *text)
{
	if (*text)
		doc_put(object, key, json_string(text));
}

void doc_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		errx(EXIT_FAILURE, "an element of the document cannot be written");
}

json_t *doc_ref(const char *kind, const char *name)
{
	json_t *object = json_object();

	doc_put(object, "$ref", json_sprintf("#/components/%s/%s", kind, name));
	return object;
}

json_t *doc_content(json_t *schema, json_t *example)
{
	json_t *content = json_object();
	json_t *media = json_object();

	doc_put(media, "schema", schema);
	if (example)
		doc_put(media, "example", example);
	doc_put(content, "application/json", media);
	return content;
}
