/* SPDX-License-Identifier: MIT */
/* One who listens to vfiod's events. */
#include "tests/sweep/ear.h"

#include "core/base/clock.h"

#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ear {
	nng_socket socket;
};

static void must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, nng_strerror(rc));
	abort();
}

struct ear *ear_open(const char *url)
{
	struct ear *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	must(nng_sub0_open(&e->socket), "sub0");
	must(nng_socket_set(e->socket, NNG_OPT_SUB_SUBSCRIBE, "", 0), "subscribe");
	must(nng_dial(e->socket, url, NULL, NNG_FLAG_NONBLOCK), url);
	return e;
}

/* The event of a message: behind its topic and a NUL. */
static Vfio__V1__Event *decode(nng_msg *message)
{
	const uint8_t *body = nng_msg_body(message);
	size_t len = nng_msg_len(message);
	const uint8_t *nul = memchr(body, '\0', len);

	if (!nul)
		return NULL;
	return vfio__v1__event__unpack(NULL, len - (size_t)(nul + 1 - body), nul + 1);
}

Vfio__V1__Event *ear_wait(struct ear *e, const char *type, const char *address, int ms)
{
	int64_t until = now_ns() + ms * NS_PER_MS, left;

	while ((left = (until - now_ns()) / NS_PER_MS) > 0) {
		Vfio__V1__Event *event;
		nng_msg *message;

		must(nng_socket_set_ms(e->socket, NNG_OPT_RECVTIMEO, (nng_duration)left),
			"timeout");
		if (nng_recvmsg(e->socket, &message, 0) != 0)
			return NULL;
		event = decode(message);
		nng_msg_free(message);
		if (event && strcmp(event->type, type) == 0 &&
			strcmp(event->pci_address, address) == 0)
			return event;
		if (event)
			vfio__v1__event__free_unpacked(event, NULL);
	}
	return NULL;
}

void ear_close(struct ear *e)
{
	if (!e)
		return;
	nng_close(e->socket);
	free(e);
}
