/* SPDX-License-Identifier: MIT */
/* Where a vfiod that is not root's has its files. */
#include "core/base/user_folder.h"

#include <stdio.h>
#include <stdlib.h>

static const char *folder_in(const char *variable)
{
	const char *path = getenv(variable);

	return path && path[0] == '/' ? path : NULL;
}

static bool user_folder_print(
	const char *variable, const char *below_home, char *buffer, size_t size)
{
	const char *own = folder_in(variable), *home = folder_in("HOME");
	int n = own    ? snprintf(buffer, size, "%s/vfiod", own)
		: home ? snprintf(buffer, size, "%s/%s/vfiod", home, below_home)
		       : -1;

	return n >= 0 && (size_t)n < size;
}

bool user_folder_of_sockets(char *buffer, size_t size)
{
	return user_folder_print("XDG_RUNTIME_DIR", ".cache", buffer, size);
}

bool user_folder_of_state(char *buffer, size_t size)
{
	return user_folder_print("XDG_STATE_HOME", ".local/state", buffer, size);
}
