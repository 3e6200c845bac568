/* SPDX-License-Identifier: MIT */
/* The steps of a case that are the host's. */
#include "tests/contract/host_step.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "tests/contract/match.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 512, TEXT = 65536 };

static const int64_t WAIT_NS = 15 * NS_PER_S;

static const char *text_of(const json_t *step, const char *name)
{
	return json_string_value(json_object_get(step, name));
}

/* The path that the step looks at; NULL: it does not look. */
static const char *path_of(const json_t *step)
{
	static const char *const kinds[] = {"file", "link", "exists"};
	const char *path = NULL;

	for (size_t i = 0; !path && i < ARRAY_SIZE(kinds); i++)
		path = text_of(step, kinds[i]);
	return path;
}

bool host_step_is(const json_t *step)
{
	return json_object_get(step, "control") || text_of(step, "write") || path_of(step);
}

static bool write_file(const char *root, const char *path, const char *text, struct why *why)
{
	char full[PATH];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	CLEANUP(fd_cleanup) int fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return why_not(
			why, "writing \"%s\" to the host's %s: %s", text, path, strerror(errno));
	return true;
}

static bool run_control(const char *root, const json_t *control, struct why *why)
{
	json_t *line;
	size_t i;

	if (json_is_string(control))
		return write_file(root, "control", json_string_value(control), why);
	json_array_foreach(control, i, line)
	{
		if (!write_file(root, "control", json_string_value(line), why))
			return false;
	}
	return json_is_array(control) || why_not(why, "control wants a line or an array of such");
}

/* Both answer whether it is there. */
static bool read_file(const char *root, const char *path, struct bytes *ret)
{
	CLEANUP(free_cleanup) char *text = malloc(TEXT);
	char full[PATH];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	CLEANUP(fd_cleanup) int fd = open(full, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 || !text ? -1 : read(fd, text, TEXT);
	if (n < 0)
		return false;
	bytes_add(ret, text, (size_t)n - (n > 0 && text[n - 1] == '\n'));
	return true;
}

static bool read_link(const char *root, const char *path, struct bytes *ret)
{
	char full[PATH], target[PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	ssize_t n = readlink(full, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	const char *slash = strrchr(target, '/');
	const char *name = slash ? slash + 1 : target;
	bytes_add(ret, name, strlen(name));
	return true;
}

static bool exists(const char *root, const char *path)
{
	char full[PATH];
	struct stat st;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	return lstat(full, &st) == 0;
}

/* What is there: a string, for "exists" a boolean, or NULL. */
static json_t *look(const char *root, struct tape *tape, const json_t *step)
{
	const char *file = text_of(step, "file"), *link = text_of(step, "link");
	CLEANUP(bytes_clear) struct bytes text = {0};
	bool there;

	if (tape_is_replaying(tape)) {
		const struct tape_item *item = tape_play(tape);
		there = item->number;
		bytes_add(&text, item->texts[0].data, item->texts[0].len);
	} else if (file) {
		there = read_file(root, file, &text);
	} else if (link) {
		there = read_link(root, link, &text);
	} else {
		there = exists(root, text_of(step, "exists"));
	}
	if (!file && !link)
		return json_boolean(there);
	return there ? json_stringn(text.data, text.len) : NULL;
}

/* What a file of the host becomes, nothing tells: look until it is so, or time is over. */
static json_t *wait_for(const char *root, const json_t *step, const json_t *want)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	int64_t until = now_ns() + WAIT_NS;
	struct why ignored;

	for (;;) {
		json_t *got = look(root, NULL, step);
		if (match(want, got, "", &ignored) || now_ns() > until)
			return got;
		json_decref(got);
		nanosleep(&pause, NULL);
	}
}

static bool check(const char *root, struct tape *tape, const json_t *step, const json_t *want,
	struct why *why)
{
	const char *path = path_of(step);
	bool wait = json_is_true(json_object_get(step, "wait")) && !tape_is_replaying(tape);

	if (!want)
		return why_not(why, "the case expects nothing of the host's %s", path);
	json_t *got = wait ? wait_for(root, step, want) : look(root, tape, step);
	if (!tape_is_replaying(tape)) {
		CLEANUP(bytes_clear) struct bytes text = {0};
		bytes_add(&text, json_string_value(got), json_string_length(got));
		tape_record(tape, got && !json_is_false(got), &text, NULL);
	}
	bool ok = match(want, got, path, why);
	json_decref(got);
	return ok;
}

bool host_step_run(const char *root, struct tape *tape, const json_t *step, const json_t *want,
	struct why *why)
{
	const json_t *control = json_object_get(step, "control");
	const char *path = text_of(step, "write"), *text = text_of(step, "text");

	if (!control && !path)
		return check(root, tape, step, want, why);
	if (tape_is_replaying(tape))
		return true;
	if (control)
		return run_control(root, control, why);
	return text ? write_file(root, path, text, why)
		    : why_not(why, "the case writes no text to %s", path);
}
