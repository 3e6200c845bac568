/* SPDX-License-Identifier: MIT */
/* Answers a call, and tells when its work has to give up waiting. */
#include "rpc/device/answer.h"

#include "core/base/clock.h"
#include "rpc/device/convert.h"

/* After the wait there is work left: one more look at the blocked device, giving back the others of
 * a batch, the journal. It takes its time however short the deadline is. */
int64_t device_work_deadline(const struct rpc_call *call)
{
	const int64_t LEAST_NS = 400 * NS_PER_MS, MOST_NS = 2 * NS_PER_S;
	int64_t left = call->deadline_ns - now_ns(), margin = left / 10;

	if (margin < LEAST_NS)
		margin = LEAST_NS < left / 2 ? LEAST_NS : left / 2;
	return call->deadline_ns - (margin < MOST_NS ? margin : MOST_NS);
}

void device_answer(struct rpc_call *call, ProtobufCClosure done, const struct core_error *err,
	const struct arena *arena, const ProtobufCMessage *message)
{
	if (err->code == CORE_OK && !arena->failed) {
		done(message, call);
		return;
	}
	if (err->code != CORE_OK)
		device_convert_error(call, err);
	else
		rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "out of memory for the answer");
	done(NULL, call);
}
