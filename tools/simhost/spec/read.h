/* SPDX-License-Identifier: MIT */
/* Reading a host file. */
#pragma once

#include "tools/simhost/spec/names.h"
#include "tools/simhost/spec/spec.h"

/* Reads a host file, for a host that has these names already. NULL, and *ret_error a sentence that
 * begins with file and line (the caller frees it), when it cannot be read or does not say what
 * docs/simulated-host.md asks for. */
struct spec *spec_read(const char *path, const struct spec_names *names, char **ret_error);

/* Reads the text of a host file; name is for the errors. */
struct spec *spec_parse(
	const char *text, const char *name, const struct spec_names *names, char **ret_error);
