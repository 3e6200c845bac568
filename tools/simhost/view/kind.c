/* SPDX-License-Identifier: MIT */
/* Which table has a kind. */
#include "tools/simhost/view/kind.h"

#include "core/base/util.h"

const struct kind *view_kind_of(struct node node)
{
	static const struct kind *const tables[] = {kinds_fixed, kinds_bus, kinds_group,
		kinds_child, kinds_net, kinds_disk, kinds_module, kinds_proc, kinds_process,
		kinds_dev, kinds_platform, kinds_object};

	for (size_t i = 0; node.kind < V_COUNT && i < ARRAY_SIZE(tables); i++) {
		if (tables[i][node.kind].self.mode)
			return &tables[i][node.kind];
	}
	return NULL;
}
