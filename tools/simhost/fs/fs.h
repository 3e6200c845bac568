/* SPDX-License-Identifier: MIT */
/*
 * The view as a FUSE file system.
 *
 * This folder includes view/, model/ and base/, and alone knows libfuse. session.c mounts and ends;
 * fs.c has the operations, and stream.c the one file that is read as events come.
 */
#pragma once

#include "tools/simhost/view/view.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <sys/queue.h>

/* What a session's requests work on; its userdata. */
struct fs {
	struct model *model;
	struct stream *stream;
	uid_t uid; /* owner of every file, and the time of all */
	gid_t gid;
	struct timespec time;
	pthread_mutex_t mutex; /* of the lists */
	LIST_HEAD(handle_list, handle) handles;
	LIST_HEAD(owned_list, owned) owned;
};

/* Both before and after the session that works on it. fs_clear also lets go of the files that were
 * open at its end, of which libfuse does not tell; their readers end with the stream. */
void fs_init(struct fs *fs, struct model *model, struct stream *stream);
void fs_clear(struct fs *fs);

extern const struct fuse_lowlevel_ops fs_operations;
