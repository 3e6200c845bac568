/* SPDX-License-Identifier: MIT */
/* Finds a method by its name. */
#include "rpc/service/method.h"

#include <string.h>

/* strcmp's order, for a name that need not end in a NUL. */
static int name_compare(const char *name, size_t len, const char *other)
{
	size_t other_len = strlen(other);
	int order = memcmp(name, other, len < other_len ? len : other_len);

	return order != 0 ? order : (len > other_len) - (len < other_len);
}

const struct rpc_method *rpc_method_find(const char *name, size_t len)
{
	size_t low = 0, high = rpc_method_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = name_compare(name, len, rpc_methods[middle].name);

		if (order == 0)
			return &rpc_methods[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const ProtobufCMessageDescriptor *rpc_method_input(const struct rpc_method *method)
{
	return method->service->methods[method->index].input;
}

const ProtobufCMessageDescriptor *rpc_method_output(const struct rpc_method *method)
{
	return method->service->methods[method->index].output;
}
