/* SPDX-License-Identifier: MIT */
/* One client over one face, whose questions and answers are the same JSON on both. */
#pragma once

#include "tests/sweep/stage.h"

enum asker_face { ASKER_REST, ASKER_RPC, ASKER_FACES };

enum asker_operation {
	ASK_INFO,
	ASK_LIST,
	ASK_GROUPS,
	ASK_VALIDATE,
	ASK_BIND,
	ASK_UNBIND,
	ASK_OPERATIONS,
};

struct asker {
	const struct stage *stage;
	enum asker_face face;
	int fd; /* kept between questions */
	uint32_t id;
};

struct asker_answer {
	int http;     /* HTTP's status; 0 over RPC */
	json_t *body; /* the answer, or the error as REST shows it */
	int64_t sent_ns, took_ns;
};

/* Connects at the first question. One thread's. */
void asker_init(struct asker *asker, const struct stage *stage, enum asker_face face);

/* Asks and waits. With a timeout, the caller's deadline: over RPC alone, REST has the default of
 * each operation. False when there is no answer of the right form. */
bool asker_ask(struct asker *asker, enum asker_operation operation, const char *json,
	uint32_t timeout_ms, struct asker_answer *ret, struct why *why);

/* The error's canonical name; "" for a success. */
const char *asker_status(const struct asker_answer *answer);

/* A string of the body's, or of the i-th element of one of its lists; "" when there is none. */
const char *asker_text(const struct asker_answer *answer, const char *name);
const char *asker_item_text(
	const struct asker_answer *answer, const char *list, size_t i, const char *name);

void asker_answer_clear(struct asker_answer *answer);

/* Hangs up. */
void asker_clear(struct asker *asker);

const char *asker_operation_name(enum asker_operation operation);
const char *asker_face_name(enum asker_face face);
