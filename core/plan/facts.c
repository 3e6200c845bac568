/* SPDX-License-Identifier: MIT */
/* What a plan needs to know of the host. */
#include "core/plan/facts.h"

#include <stdlib.h>

void facts_clear(struct facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		core_problems_clear(&facts->devices[i].use.problems);
	free(facts->devices);
	*facts = (struct facts){0};
}
