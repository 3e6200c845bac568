/* SPDX-License-Identifier: MIT */
/* Fills the model's list of messages and enums. */
#include "tools/protoc-gen-vfiod/type.h"
#include "tools/protoc-gen-vfiod/option.h"

#include <string.h>

/* Field numbers in descriptor.proto, as paths of source info name them. */
enum {
	FILE_MESSAGE = 4,
	FILE_ENUM = 5,
	MESSAGE_FIELD = 2,
	MESSAGE_NESTED = 3,
	MESSAGE_ENUM = 4,
	ENUM_VALUE = 2,
};

enum { RPC_RULES = 50001 };

/* Where a type is declared: in a file, perhaps within a message. */
struct scope {
	const FileProto *file;
	const struct type *outer; /* NULL at the top of the file */
	struct source_path path;
};

static struct type *type_add(struct model *model, const struct scope *scope, const char *name)
{
	struct type *type = pool_alloc(model->pool, sizeof(*type));
	const char *package = scope->file->package ? scope->file->package : "";

	if (scope->outer) {
		type->name = pool_printf(model->pool, "%s.%s", scope->outer->name, name);
		type->schema = pool_printf(model->pool, "%s%s", scope->outer->schema, name);
	} else {
		type->name = pool_printf(model->pool, "%s%s%s", package, *package ? "." : "", name);
		type->schema = name;
	}
	type->source = source_find(model->pool, scope->file, &scope->path);
	STAILQ_INSERT_TAIL(&model->types, type, next);
	return type;
}

static void enum_load(struct model *model, const struct scope *scope, const EnumProto *proto)
{
	struct type *type = type_add(model, scope, proto->name);

	type->enumeration = proto;
	type->values = pool_array(model->pool, proto->n_value, sizeof(*type->values));
	for (size_t i = 0; i < proto->n_value; i++) {
		struct source_path path = {&scope->path, ENUM_VALUE, i};

		type->values[i] = source_find(model->pool, scope->file, &path);
	}
}

static void fields_load(
	struct model *model, struct report *report, const struct scope *scope, struct type *type)
{
	static const Rpc__V1__FieldRules no_rules = RPC__V1__FIELD_RULES__INIT;

	type->field_count = type->message->n_field;
	type->fields = pool_array(model->pool, type->field_count, sizeof(*type->fields));
	for (size_t i = 0; i < type->field_count; i++) {
		const FieldProto *proto = type->message->field[i];
		struct source_path path = {&scope->path, MESSAGE_FIELD, i};
		struct field *field = &type->fields[i];

		field->proto = proto;
		field->owner = type;
		field->source = source_find(model->pool, scope->file, &path);
		field->repeated = proto->label ==
				  GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
		field->in_oneof = proto->has_oneof_index;
		field->rules = option_message(model->pool, report, &field->source,
			(const ProtobufCMessage *)proto->options, RPC_RULES,
			&rpc__v1__field_rules__descriptor);
		if (!field->rules)
			field->rules = &no_rules;
	}
}

static void message_load(struct model *model, struct report *report, const struct scope *scope,
	const MessageProto *proto)
{
	struct type *type = type_add(model, scope, proto->name);

	type->message = proto;
	fields_load(model, report, scope, type);
	for (size_t i = 0; i < proto->n_nested_type; i++) {
		struct scope inner = {scope->file, type, {&scope->path, MESSAGE_NESTED, i}};

		message_load(model, report, &inner, proto->nested_type[i]);
	}
	for (size_t i = 0; i < proto->n_enum_type; i++) {
		struct scope inner = {scope->file, type, {&scope->path, MESSAGE_ENUM, i}};

		enum_load(model, &inner, proto->enum_type[i]);
	}
}

static void file_load(struct model *model, struct report *report, const FileProto *file)
{
	for (size_t i = 0; i < file->n_message_type; i++) {
		struct scope scope = {file, NULL, {NULL, FILE_MESSAGE, i}};

		message_load(model, report, &scope, file->message_type[i]);
	}
	for (size_t i = 0; i < file->n_enum_type; i++) {
		struct scope scope = {file, NULL, {NULL, FILE_ENUM, i}};

		enum_load(model, &scope, file->enum_type[i]);
	}
}

static void fields_resolve(
	const struct model *model, struct report *report, const struct type *type)
{
	for (size_t i = 0; i < type->field_count; i++) {
		struct field *field = &type->fields[i];

		if (!field->proto->type_name)
			continue;
		field->type = model_type(model, field->proto->type_name);
		if (!field->type)
			report_at(report, &field->source, "the type of %s.%s is not in the request",
				type->name, field->proto->name);
	}
}

void type_load_all(struct model *model, struct report *report)
{
	struct type *type;

	STAILQ_INIT(&model->types);
	for (size_t i = 0; i < model->request->n_proto_file; i++)
		file_load(model, report, model->request->proto_file[i]);
	STAILQ_FOREACH(type, &model->types, next)
	fields_resolve(model, report, type);
}
