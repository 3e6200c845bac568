/* SPDX-License-Identifier: MIT */
/* Limits how often a caller's refusals are logged: a bucket of tokens for each. */
#include "tools/vfiod/log/limit.h"

#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>

/* "127.0.0.1:40312 uid 7" becomes "127.0.0.1 uid 7", and "uid 7 pid 42" becomes "uid 7": who
 * connects anew, or starts another program, is the same caller. */
static void limit_name(const char *caller, char *ret, size_t size)
{
	const char *pid = strstr(caller, " pid "), *port = strrchr(caller, ':');
	size_t port_len = port ? 1 + strspn(port + 1, "0123456789") : 0;

	if (pid)
		snprintf(ret, size, "%.*s", (int)(pid - caller), caller);
	else if (port)
		snprintf(ret, size, "%.*s%s", (int)(port - caller), caller, port + port_len);
	else
		snprintf(ret, size, "%s", caller);
}

/* The caller's place, or the one of who was refused longest ago. */
static struct limit_caller *limit_place(struct limit *limit, const char *name, int64_t now_ns)
{
	struct limit_caller *oldest = &limit->callers[0];

	for (size_t i = 0; i < LIMIT_CALLERS; i++) {
		struct limit_caller *c = &limit->callers[i];

		if (c->at_ns && strcmp(c->name, name) == 0)
			return c;
		if (c->at_ns < oldest->at_ns)
			oldest = c;
	}
	snprintf(oldest->name, sizeof(oldest->name), "%s", name);
	oldest->tokens = LIMIT_BURST;
	oldest->at_ns = now_ns;
	return oldest;
}

bool limit_take(struct limit *limit, const char *caller, int64_t now_ns, unsigned *ret_left_out)
{
	const int64_t EACH_NS = LIMIT_SECONDS * NS_PER_S;
	struct limit_caller *c;
	char name[80];
	int64_t more;

	limit_name(caller, name, sizeof(name));
	c = limit_place(limit, name, now_ns);
	more = (now_ns - c->at_ns) / EACH_NS;
	c->at_ns += more * EACH_NS;
	more += c->tokens;
	c->tokens = more < LIMIT_BURST ? (unsigned)more : LIMIT_BURST;
	if (c->tokens == 0) {
		c->left_out++;
		return false;
	}
	c->tokens--;
	*ret_left_out = c->left_out;
	c->left_out = 0;
	return true;
}
