/* SPDX-License-Identifier: MIT */
/* Runs protoc with the plugin under test; and reads documents. */
#include "tests/protoc-gen-vfiod/run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while (len < size - 1 && (got = read(fd, text + len, size - 1 - len)) > 0)
		len += got;
	text[len] = '\0';
}

/* Runs argv with input as its standard input, keeping what it says on standard error. */
static void run_command(struct run *run, const char *input, const char *const *argv)
{
	FILE *in = tmpfile();
	int errors[2];
	int status;
	pid_t pid;

	assert_non_null(in);
	assert_int_equal(fputs(input, in) < 0, 0);
	rewind(in);
	assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		dup2(fileno(in), STDIN_FILENO);
		dup2(errors[1], STDERR_FILENO);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(errors[1]);
	fclose(in);
	read_all(errors[0], run->errors, sizeof(run->errors));
	close(errors[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	run->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void run_protoc(struct run *run, const char *folder, const char *parameter, const char *file)
{
	char fixtures[512];
	char options[512];
	char outputs[512];
	const char *argv[] = {PROTOC, "--plugin=protoc-gen-vfiod=" PLUGIN, fixtures, "-I" PROTO_DIR,
		"-I" PROTOBUF_INCLUDE_DIR, options, outputs, file, NULL};

	snprintf(run->dir, sizeof(run->dir), "/tmp/vfiod-plugin-XXXXXX");
	assert_non_null(mkdtemp(run->dir));
	snprintf(fixtures, sizeof(fixtures), "-I" FIXTURE_DIR "/%s", folder);
	snprintf(options, sizeof(options), "--vfiod_opt=%s", parameter);
	snprintf(outputs, sizeof(outputs), "--vfiod_out=%s", run->dir);
	run_command(run, "", argv);
}

void run_plugin(struct run *run, const char *input)
{
	const char *argv[] = {PLUGIN, NULL};

	run->dir[0] = '\0';
	run_command(run, input, argv);
}

void run_clean(struct run *run)
{
	static const char *const names[] = {
		"methods.gen.c", "routes.gen.c", "openapi.gen.c", "openapi.json"};
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", run->dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(run->dir), 0);
}

char *run_read(const struct run *run, const char *name)
{
	char path[256];
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", run->dir, name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(getdelim(&text, &size, '\0', file) > 0);
	fclose(file);
	return text;
}

json_t *run_at(json_t *document, const char *path)
{
	char *copy = strdup(path);
	char *rest = copy;
	char *key;

	while ((key = strsep(&rest, "|"))) {
		document = json_is_array(document)
				   ? json_array_get(document, strtoul(key, NULL, 10))
				   : json_object_get(document, key);
		if (!document)
			fail_msg("nothing at %s of %s", key, path);
	}
	free(copy);
	return document;
}

void run_assert_text(json_t *document, const char *path, const char *expected)
{
	assert_string_equal(json_string_value(run_at(document, path)), expected);
}

void run_assert_json(json_t *document, const char *path, const char *expected)
{
	json_t *value = json_loads(expected, JSON_DECODE_ANY, NULL);
	char *text;

	assert_non_null(value);
	if (!json_equal(run_at(document, path), value)) {
		text = json_dumps(run_at(document, path), JSON_ENCODE_ANY);
		fail_msg("%s is %s, not %s", path, text, expected);
	}
	json_decref(value);
}
