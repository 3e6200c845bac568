/* SPDX-License-Identifier: MIT */
/* Members of groups that are no PCI devices. */
#include "tools/simhost/model/member.h"
#include "tools/simhost/base/memory.h"

#include <errno.h>
#include <string.h>

void members_new(struct model *m)
{
	size_t n = m->spec->n_members;

	m->members = n ? memory_new(n * sizeof(*m->members)) : NULL;
	for (size_t i = 0; i < n; i++) {
		m->members[i] = (struct member){
			.spec = &m->spec->members[i], .driven = m->spec->members[i].driver};
		object_add(m, &m->members[i].object, OBJECT_MEMBER);
	}
}

struct member *model_member(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->spec->n_members; i++) {
		if (strcmp(m->members[i].spec->name, name) == 0)
			return &m->members[i];
	}
	return NULL;
}

static int member_move(struct model *m, uint32_t id, const struct write *w, bool driven)
{
	int error = -ENODEV;

	model_lock(m);
	const struct member *like = model_object(m, id, OBJECT_MEMBER);
	for (size_t i = 0; like && i < m->spec->n_members; i++) {
		struct member *member = &m->members[i];
		size_t n = strlen(member->spec->name);

		if (!member->spec->driver ||
			strcmp(member->spec->driver, like->spec->driver) != 0 ||
			strncmp(member->spec->name, w->text, n) != 0 ||
			strcmp(w->text + n, w->text[n] ? "\n" : "") != 0 ||
			member->driven == driven)
			continue;
		member->driven = driven;
		error = 0;
	}
	model_unlock(m);
	return error;
}

int write_member_bind(struct model *m, uint32_t driver, const struct write *w)
{
	return member_move(m, driver, w, true);
}

int write_member_unbind(struct model *m, uint32_t driver, const struct write *w)
{
	return member_move(m, driver, w, false);
}
