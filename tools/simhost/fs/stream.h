/* SPDX-License-Identifier: MIT */
/*
 * dev/uevent: every open file has the events that came since it was opened, one for each read, as a
 * netlink socket has.
 *
 * Safe from any thread. Lock order: the model's lock, under which events come, before the stream's.
 */
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <stdbool.h>

struct stream;
struct stream_reader;

struct stream *stream_new(void);
void stream_free(struct stream *stream);

/* Gives an event to all readers: a model_event_fn. */
void stream_event(void *stream, const char *event, size_t size);

struct stream_reader *stream_open(struct stream *stream);

/* Drops the reader; a read that still waits is answered with EINTR. */
void stream_close(struct stream *stream, struct stream_reader *reader);

/* Answers the request: with the next event, cut to size; with ENOBUFS once when events were lost;
 * and where there is none, EAGAIN, or later. */
void stream_read(struct stream *stream, struct stream_reader *reader, fuse_req_t req, size_t size,
	bool nonblocking);

/* Answers the poll request and keeps the handle (may be NULL) until there is something to read. */
void stream_poll(struct stream *stream, struct stream_reader *reader, fuse_req_t req,
	struct fuse_pollhandle *handle);
