/* SPDX-License-Identifier: MIT */
/* dev/uevent */
#include "tools/simhost/fs/stream.h"
#include "tools/simhost/base/memory.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* As many as a socket's receive buffer holds; a reader that falls further behind loses some. */
enum { MAX_EVENTS = 8192 };

struct event {
	STAILQ_ENTRY(event) link;
	size_t size;
	char text[];
};

struct waiting {
	TAILQ_ENTRY(waiting) link;
	fuse_req_t req;
	size_t size;
};

struct stream_reader {
	TAILQ_ENTRY(stream_reader) link;
	STAILQ_HEAD(event_queue, event) events;
	size_t n_events;
	bool lost;
	TAILQ_HEAD(waiting_list, waiting) waiting;
	struct fuse_pollhandle *poll;
};

struct stream {
	pthread_mutex_t mutex;
	TAILQ_HEAD(reader_list, stream_reader) readers;
};

struct stream *stream_new(void)
{
	struct stream *s = memory_new(sizeof(*s));

	pthread_mutex_init(&s->mutex, NULL);
	TAILQ_INIT(&s->readers);
	return s;
}

static void drop_first(struct stream_reader *r)
{
	struct event *e = STAILQ_FIRST(&r->events);

	STAILQ_REMOVE_HEAD(&r->events, link);
	r->n_events--;
	free(e);
}

static void set_poll(struct stream_reader *r, struct fuse_pollhandle *handle)
{
	if (r->poll)
		fuse_pollhandle_destroy(r->poll);
	r->poll = handle;
}

static void reader_free(struct stream *stream, struct stream_reader *r)
{
	struct waiting *w;

	TAILQ_REMOVE(&stream->readers, r, link);
	while (r->n_events > 0)
		drop_first(r);
	while ((w = TAILQ_FIRST(&r->waiting))) {
		TAILQ_REMOVE(&r->waiting, w, link);
		fuse_reply_err(w->req, EINTR);
		free(w);
	}
	set_poll(r, NULL);
	free(r);
}

void stream_free(struct stream *stream)
{
	struct stream_reader *r;

	if (!stream)
		return;
	while ((r = TAILQ_FIRST(&stream->readers)))
		reader_free(stream, r);
	pthread_mutex_destroy(&stream->mutex);
	free(stream);
}

static void stream_answer(fuse_req_t req, const char *text, size_t have, size_t want)
{
	fuse_reply_buf(req, text, have < want ? have : want);
}

static void stream_deliver(struct stream_reader *r, const char *text, size_t size)
{
	struct waiting *w = TAILQ_FIRST(&r->waiting);

	if (w) {
		TAILQ_REMOVE(&r->waiting, w, link);
		stream_answer(w->req, text, size, w->size);
		free(w);
		return;
	}
	if (r->n_events == MAX_EVENTS) {
		r->lost = true;
		return;
	}
	struct event *e = memory_new(sizeof(*e) + size);
	e->size = size;
	memcpy(e->text, text, size);
	STAILQ_INSERT_TAIL(&r->events, e, link);
	r->n_events++;
	if (r->poll)
		fuse_lowlevel_notify_poll(r->poll);
	set_poll(r, NULL);
}

void stream_event(void *stream, const char *event, size_t size)
{
	struct stream *s = stream;
	struct stream_reader *r;

	pthread_mutex_lock(&s->mutex);
	TAILQ_FOREACH (r, &s->readers, link)
		stream_deliver(r, event, size);
	pthread_mutex_unlock(&s->mutex);
}

struct stream_reader *stream_open(struct stream *stream)
{
	struct stream_reader *r = memory_new(sizeof(*r));

	STAILQ_INIT(&r->events);
	TAILQ_INIT(&r->waiting);
	pthread_mutex_lock(&stream->mutex);
	TAILQ_INSERT_TAIL(&stream->readers, r, link);
	pthread_mutex_unlock(&stream->mutex);
	return r;
}

void stream_close(struct stream *stream, struct stream_reader *reader)
{
	pthread_mutex_lock(&stream->mutex);
	reader_free(stream, reader);
	pthread_mutex_unlock(&stream->mutex);
}

/* Answers the request if it waits with the reader. */
static bool interrupt_reader(struct stream_reader *r, fuse_req_t req)
{
	struct waiting *w;

	TAILQ_FOREACH (w, &r->waiting, link) {
		if (w->req != req)
			continue;
		TAILQ_REMOVE(&r->waiting, w, link);
		fuse_reply_err(req, EINTR);
		free(w);
		return true;
	}
	return false;
}

/* The reader of a request got a signal. Called with the request's own lock held: that one comes
 * before the stream's. */
static void on_interrupt(fuse_req_t req, void *data)
{
	struct stream *s = data;
	struct stream_reader *r;

	pthread_mutex_lock(&s->mutex);
	TAILQ_FOREACH (r, &s->readers, link) {
		if (interrupt_reader(r, req))
			break;
	}
	pthread_mutex_unlock(&s->mutex);
}

/* A signal that came before the request was in the list found nothing: it is looked for again. */
static void wait_for_event(struct stream_reader *r, fuse_req_t req, size_t size)
{
	struct waiting *w = memory_new(sizeof(*w));

	*w = (struct waiting){.req = req, .size = size};
	TAILQ_INSERT_TAIL(&r->waiting, w, link);
	if (fuse_req_interrupted(req))
		(void)interrupt_reader(r, req);
}

void stream_read(struct stream *stream, struct stream_reader *reader, fuse_req_t req, size_t size,
	bool nonblocking)
{
	struct event *e;

	if (!nonblocking)
		fuse_req_interrupt_func(req, on_interrupt, stream);
	pthread_mutex_lock(&stream->mutex);
	e = STAILQ_FIRST(&reader->events);
	if (reader->lost) {
		reader->lost = false;
		fuse_reply_err(req, ENOBUFS);
	} else if (e) {
		stream_answer(req, e->text, e->size, size);
		drop_first(reader);
	} else if (nonblocking) {
		fuse_reply_err(req, EAGAIN);
	} else {
		wait_for_event(reader, req, size);
	}
	pthread_mutex_unlock(&stream->mutex);
}

void stream_poll(struct stream *stream, struct stream_reader *reader, fuse_req_t req,
	struct fuse_pollhandle *handle)
{
	pthread_mutex_lock(&stream->mutex);
	bool ready = reader->n_events > 0 || reader->lost;
	if (handle)
		set_poll(reader, handle);
	fuse_reply_poll(req, ready ? POLLIN | POLLRDNORM : 0);
	pthread_mutex_unlock(&stream->mutex);
}
