/* SPDX-License-Identifier: MIT */
/*
 * What the .proto files say, resolved: types by pointer, options decoded, comments at hand.
 *
 * Everything points into the request or into the pool, and lives as long as the pool.
 */
#pragma once

#include "tools/protoc-gen-vfiod/pool.h"
#include "tools/protoc-gen-vfiod/report.h"
#include "tools/protoc-gen-vfiod/source.h"

#include <google/api/http.pb-c.h>
#include <google/protobuf/descriptor.pb-c.h>
#include <plugin.pb-c.h>
#include <rpc/v1/options.pb-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

typedef Google__Protobuf__Compiler__CodeGeneratorRequest CodeGeneratorRequest;
typedef Google__Protobuf__FileDescriptorProto FileProto;
typedef Google__Protobuf__DescriptorProto MessageProto;
typedef Google__Protobuf__EnumDescriptorProto EnumProto;
typedef Google__Protobuf__FieldDescriptorProto FieldProto;
typedef Google__Protobuf__ServiceDescriptorProto ServiceProto;
typedef Google__Protobuf__MethodDescriptorProto MethodProto;

struct field {
	const FieldProto *proto;
	struct source source;
	struct type *owner;
	struct type *type;		  /* of a message or enum field; otherwise NULL */
	const Rpc__V1__FieldRules *rules; /* all zero when the field has none */
	bool repeated;
	bool in_oneof;
};

/* A message or an enum. */
struct type {
	STAILQ_ENTRY(type) next;
	const char *name;   /* "vfio.v1.HostCheck.Verdict" */
	const char *schema; /* "HostCheckVerdict" */
	struct source source;
	const MessageProto *message; /* NULL for an enum */
	struct field *fields;
	size_t field_count;
	const EnumProto *enumeration; /* NULL for a message */
	struct source *values;
	bool in_request;				   /* part of the body of an HTTP request */
	bool in_answer;					   /* part of an HTTP answer */
	enum { VISIT_NONE, VISIT_OPEN, VISIT_DONE } visit; /* for the search for recursion */
};

struct service {
	STAILQ_ENTRY(service) next;
	const ServiceProto *proto;
	struct source source;
	const char *name;	/* "vfio.v1.DeviceService" */
	const char *header;	/* "vfio/v1/device_service.pb-c.h" */
	const char *descriptor; /* "vfio__v1__device_service__descriptor" */
};

struct method {
	const char *name; /* "vfio.v1.DeviceService/BindDevices" */
	const MethodProto *proto;
	struct source source;
	const struct service *service;
	unsigned index; /* its place in the service */
	struct type *input;
	struct type *output;
	bool changes;
	const Google__Api__HttpRule *http;   /* NULL: not reached over HTTP */
	const Rpc__V1__Operation *operation; /* NULL: no such option */
	const char *verb;		     /* with http: "GET"; NULL when the rule names none */
	const char *path;
};

struct model {
	struct pool *pool;
	const CodeGeneratorRequest *request;
	STAILQ_HEAD(, type) types;
	STAILQ_HEAD(, service) services; /* of the files to generate */
	struct method *methods;		 /* of the files to generate, sorted by name */
	size_t method_count;
	const char *version;
	struct type *detail; /* what details of an error are; may be NULL */
};

/* Resolves the request; what does not resolve is reported. */
void model_load(struct model *model, struct pool *pool, const CodeGeneratorRequest *request,
	struct report *report);

/* The type of that full name (a leading dot is skipped), or NULL. */
struct type *model_type(const struct model *model, const char *name);

/* The method at that place of a service. */
const struct method *model_method(
	const struct model *model, const struct service *service, unsigned index);

/* The field of that name, or NULL. */
const struct field *model_field(const struct type *type, const char *name);

/* The field named by the method's response_body; NULL when there is none. */
const struct field *model_response_body(const struct method *method);

/* Whether the request comes as a body; otherwise the query string sets its fields. */
bool model_has_body(const struct method *method);
