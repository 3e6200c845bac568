/* SPDX-License-Identifier: MIT */
/* Scope-bound ownership and a few things C lacks. */
#pragma once

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

/* Runs fn(&variable) when the variable's scope ends. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void free_cleanup(void *p)
{
	free(*(void **)p);
}

static inline void dir_cleanup(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Takes the value out of an owned pointer, so that its cleanup finds nothing. */
#define STEAL(p)                                                                                   \
	__extension__({                                                                            \
		__typeof__(p) stolen_ = (p);                                                       \
		(p) = NULL;                                                                        \
		stolen_;                                                                           \
	})
