/* SPDX-License-Identifier: MIT */
/* Why something was refused or failed, for people and for programs. */
#include "tools/vfioctl/session/problem.h"

#include "rest/answer.h"
#include "rpc/nng/wire.h"
#include "tools/vfioctl/print/paint.h"
#include "tools/vfioctl/print/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put_text(FILE *out, bool colour, enum paint paint, const char *text)
{
	char *printable = text_printable(text);

	paint_put(out, colour, paint, printable ? printable : "(out of memory)");
	free(printable);
}

static void put_holder(FILE *out, const Vfio__V1__Holder *holder)
{
	fprintf(out, "    held by: pid %d (", holder->pid);
	text_put(out, holder->command);
	fputs(")", out);
	if (holder->what[0]) {
		fputs(", which has ", out);
		text_put(out, holder->what);
	}
	fputc('\n', out);
}

void problem_print(FILE *out, bool colour, const Vfio__V1__DeviceProblem *problem, const char *said)
{
	fputs("  ", out);
	put_text(out, colour, PAINT_HEAD, problem->pci_address);
	fputs(": ", out);
	put_text(out, colour, PAINT_BAD, problem->reason);
	if (problem->message[0] && (!said || strcmp(problem->message, said) != 0)) {
		fputs(": ", out);
		text_put(out, problem->message);
	}
	fputc('\n', out);
	if (problem->action[0]) {
		fputs("    what to do: ", out);
		text_put(out, problem->action);
		fputc('\n', out);
	}
	for (size_t i = 0; i < problem->n_holders; i++)
		put_holder(out, problem->holders[i]);
}

/* The problem in an Any, which the caller frees; NULL when it holds something else. */
static ProtobufCMessage *problem_unpack(const Google__Protobuf__Any *any)
{
	const ProtobufCMessageDescriptor *type = &vfio__v1__device_problem__descriptor;
	const char *slash = strrchr(any->type_url, '/');
	struct fault fault;
	ProtobufCMessage *message;

	if (!slash || strcmp(slash + 1, type->name) != 0 ||
		rpc_wire_unpack(type, any->value.data, any->value.len, &message, &fault) < 0)
		return NULL;
	return message;
}

void problem_print_status(FILE *out, bool colour, const char *name, const Rpc__V1__Status *status)
{
	const char *message = status ? status->message : "out of memory";

	fprintf(out, "%s: ", name);
	put_text(out, colour, PAINT_BAD, message[0] ? message : rpc_code_name(status->code));
	fputc('\n', out);
	for (size_t i = 0; status && i < status->n_details; i++) {
		ProtobufCMessage *problem = problem_unpack(status->details[i]);

		if (!problem)
			continue;
		problem_print(out, colour, (const Vfio__V1__DeviceProblem *)problem, message);
		protobuf_c_message_free_unpacked(problem, NULL);
	}
}

int problem_print_json(FILE *out, const Rpc__V1__Status *status)
{
	static const ProtobufCMessageDescriptor *const types[] = {
		&vfio__v1__device_problem__descriptor, NULL};
	struct rest_json json = {0};
	bool failed;

	rest_answer_error(&json, status ? status->code : RPC_RESOURCE_EXHAUSTED,
		status ? status->message : "out of memory", status, types);
	rest_json_literal(&json, "\n");
	failed = json.failed;
	if (!failed)
		fwrite(json.data, 1, json.len, out);
	rest_json_clear(&json);
	return failed ? -ENOMEM : 0;
}
