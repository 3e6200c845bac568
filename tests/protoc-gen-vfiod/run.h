/* SPDX-License-Identifier: MIT */
/* Runs protoc with the plugin under test; and reads documents. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define RUN_DIR_SIZE 64

/* What a run of protoc left. */
struct run {
	int status; /* exit status; 128 and the signal's number when one ended it */
	char dir[RUN_DIR_SIZE];
	char errors[16384]; /* what it said on standard error */
};

/* Runs protoc on a file of a fixture folder, which goes before proto/; outputs go to a new folder.
 * parameter may be "". */
void run_protoc(struct run *run, const char *folder, const char *parameter, const char *file);

/* Runs the plugin itself on those bytes. */
void run_plugin(struct run *run, const char *input);

/* Removes what the run wrote. */
void run_clean(struct run *run);

/* Reads a file the run wrote; the caller frees it. */
char *run_read(const struct run *run, const char *name);

/* The value at a path of keys and indices, "paths|/things|get|tags|0"; fails the test when there
 * is none. Borrowed. */
json_t *run_at(json_t *document, const char *path);

/* Fails the test unless the value at path is that text. */
void run_assert_text(json_t *document, const char *path, const char *expected);

/* Fails the test unless the value at path equals the JSON text. */
void run_assert_json(json_t *document, const char *path, const char *expected);
