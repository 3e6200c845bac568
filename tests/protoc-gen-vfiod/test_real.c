/* SPDX-License-Identifier: MIT */
/* What the plugin made of proto/: the tables as linked, and the document as clients know it. */
#include "rest/route.h"
#include "rpc/service/method.h"
#include "rpc/service/status.h"
#include "tests/protoc-gen-vfiod/run.h"

#include <google/protobuf/descriptor.pb-c.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* docs/operations.md has them, and clients are generated from them. */
static const struct {
	const char *path;
	const char *verb;
	const char *method;
	const char *id;
	bool changes;
} operations[] = {
	{"/api/v1/vfio/devices", "GET", "ListDevices", "listVFIODevices", false},
	{"/api/v1/vfio/devices/bind", "POST", "BindDevices", "bindVFIODevices", true},
	{"/api/v1/vfio/devices/group-paths", "POST", "GetGroupPaths", "getVFIOGroupPaths", false},
	{"/api/v1/vfio/devices/info", "POST", "GetDeviceInfo", "getVFIODeviceInfo", false},
	{"/api/v1/vfio/devices/iommu-groups", "POST", "CheckIommuGroups", "checkVFIOIOMMUGroups",
		false},
	{"/api/v1/vfio/devices/unbind", "POST", "UnbindDevices", "unbindVFIODevices", true},
	{"/api/v1/vfio/devices/validate", "POST", "ValidateDevices", "validateVFIODevices", false},
	{"/api/v1/vfio/host", "GET", "GetHost", "getVFIOHost", false},
};

static const size_t operation_count = sizeof(operations) / sizeof(operations[0]);

static int group_setup(void **state)
{
	*state = json_loadb(rest_openapi, rest_openapi_size, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(*state);
	return 0;
}

static int group_teardown(void **state)
{
	json_decref(*state);
	return 0;
}

static const struct rest_route *route_find(const char *verb, const char *path)
{
	for (size_t i = 0; i < rest_route_count; i++)
		if (!strcmp(rest_routes[i].verb, verb) && !strcmp(rest_routes[i].path, path))
			return &rest_routes[i];
	fail_msg("no route %s %s", verb, path);
	return NULL;
}

static void methods_are_sorted_and_tied(void **state)
{
	(void)state;
	assert_true(rpc_method_count > 0);
	for (size_t i = 0; i < rpc_method_count; i++) {
		const struct rpc_method *method = &rpc_methods[i];
		char name[256];

		assert_true(method->index < method->service->n_methods);
		snprintf(name, sizeof(name), "%s/%s", method->service->name,
			method->service->methods[method->index].name);
		assert_string_equal(method->name, name);
		if (i > 0)
			assert_true(strcmp(rpc_methods[i - 1].name, method->name) < 0);
	}
}

static void routes_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < rest_route_count; i++) {
		int order = strcmp(rest_routes[i - 1].path, rest_routes[i].path);

		assert_true(order < 0 || (order == 0 && strcmp(rest_routes[i - 1].verb,
								rest_routes[i].verb) < 0));
	}
}

static void routes_lead_to_methods(void **state)
{
	(void)state;
	for (size_t i = 0; i < operation_count; i++) {
		const struct rest_route *route = route_find(operations[i].verb, operations[i].path);
		char name[128];

		snprintf(name, sizeof(name), "vfio.v1.DeviceService/%s", operations[i].method);
		assert_string_equal(route->method->name, name);
		assert_int_equal(route->method->changes, operations[i].changes);
		assert_int_equal(route->has_body, !strcmp(operations[i].verb, "POST"));
		if (!strcmp(operations[i].method, "CheckIommuGroups"))
			assert_string_equal(route->response_body, "groups");
		else
			assert_null(route->response_body);
	}
}

static void operations_have_their_ids(void **state)
{
	for (size_t i = 0; i < operation_count; i++) {
		const char *verb = strcmp(operations[i].verb, "GET") ? "post" : "get";
		char path[128];
		json_t *operation;

		snprintf(path, sizeof(path), "paths|%s|%s", operations[i].path, verb);
		operation = run_at(*state, path);
		run_assert_text(operation, "operationId", operations[i].id);
		run_assert_json(operation, "tags", "[\"vfio\"]");
	}
	run_assert_text(*state, "paths|/healthz|get|operationId", "getHealth");
	run_assert_json(*state, "paths|/healthz|get|security", "[]");
}

static void assert_failures(json_t *responses, const char *const *codes)
{
	size_t count = 1;

	run_at(responses, "200");
	for (; *codes; codes++, count++)
		run_at(responses, *codes);
	assert_int_equal(json_object_size(responses), count);
}

static void operations_tell_their_failures(void **state)
{
	static const char *const list[] = {"400", "401", "403", "429", "500", "503", "504", NULL};
	static const char *const info[] = {
		"400", "401", "403", "404", "413", "415", "429", "500", "503", "504", NULL};
	static const char *const bind[] = {
		"400", "401", "403", "404", "409", "413", "415", "429", "500", "503", "504", NULL};

	assert_failures(run_at(*state, "paths|/api/v1/vfio/devices|get|responses"), list);
	assert_failures(run_at(*state, "paths|/api/v1/vfio/devices/info|post|responses"), info);
	assert_failures(run_at(*state, "paths|/api/v1/vfio/devices/bind|post|responses"), bind);
	assert_failures(run_at(*state, "paths|/api/v1/vfio/devices/unbind|post|responses"), bind);
}

static void failures_have_one_shape(void **state)
{
	json_t *responses = run_at(*state, "components|responses");
	const char *name;
	json_t *response;

	json_object_foreach(responses, name, response)
	{
		run_assert_text(response, "content|application/json|schema|$ref",
			"#/components/schemas/Error");
	}
	run_assert_json(*state, "components|schemas|Error|required",
		"[\"error\",\"code\",\"status\",\"message\",\"details\"]");
	run_assert_text(*state, "components|schemas|Error|properties|details|items|$ref",
		"#/components/schemas/DeviceProblem");
}

/* Clients know an error by its name: all that the daemon can send are there, in the order of their
 * numbers. */
static void failures_have_the_codes_names(void **state)
{
	json_t *error = run_at(*state, "components|schemas|Error|properties");
	json_t *names = run_at(error, "status|enum");
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		assert_string_equal(json_string_value(name), rpc_code_name((int)i + 1));
	}
	assert_int_equal(i, RPC_UNAUTHENTICATED);
	assert_int_equal(json_integer_value(run_at(error, "code|maximum")), i);
}

/* A message can be absent from an answer; this one never is. */
static void device_always_tells_of_sriov(void **state)
{
	json_t *required = run_at(*state, "components|schemas|Device|required");
	json_t *name;
	size_t i;
	bool found = false;

	json_array_foreach(required, i, name)
	{
		found |= !strcmp(json_string_value(name), "sriov");
	}
	assert_true(found);
}

/* Every $ref leads somewhere, whatever is added to proto/. */
static void assert_refs_resolve(json_t *document, json_t *value)
{
	const char *ref = json_string_value(json_object_get(value, "$ref"));
	const char *key;
	json_t *item;
	size_t i;

	if (ref) {
		char path[256];

		assert_int_equal(strncmp(ref, "#/", 2), 0);
		snprintf(path, sizeof(path), "%s", ref + 2);
		for (char *slash = path; (slash = strchr(slash, '/'));)
			*slash = '|';
		run_at(document, path);
	}
	json_object_foreach(value, key, item)
	{
		assert_refs_resolve(document, item);
	}
	json_array_foreach(value, i, item)
	{
		assert_refs_resolve(document, item);
	}
}

static void references_resolve(void **state)
{
	assert_refs_resolve(*state, *state);
}

static void info_has_version_and_license(void **state)
{
	run_assert_text(*state, "openapi", "3.1.0");
	run_assert_text(*state, "info|version", PROJECT_VERSION);
	run_assert_json(*state, "info|license", "{\"name\":\"MIT\",\"identifier\":\"MIT\"}");
	run_assert_json(*state, "security",
		"[{\"apiKeyHeader\":[]},{\"bearer\":[]},{\"apiKeyQuery\":[]},{}]");
}

static void iommu_groups_answers_a_bare_array(void **state)
{
	run_assert_json(*state,
		"paths|/api/v1/vfio/devices/iommu-groups|post|responses|200|content|application/json|schema",
		"{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/IommuGroup\"}}");
}

static void file_is_the_same_document(void **state)
{
	json_t *file = json_load_file(OPENAPI_JSON, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(file);
	assert_true(json_equal(file, *state));
	json_decref(file);
}

static bool is_before(const Google__Protobuf__FileDescriptorSet *set, const char *name, size_t end)
{
	for (size_t i = 0; i < end; i++)
		if (!strcmp(set->file[i]->name, name))
			return true;
	return false;
}

static void descriptor_set_is_ordered_and_bare(void **state)
{
	Google__Protobuf__FileDescriptorSet *set = google__protobuf__file_descriptor_set__unpack(
		NULL, rpc_descriptor_set_size, rpc_descriptor_set);

	(void)state;
	assert_non_null(set);
	for (size_t i = 0; i < set->n_file; i++) {
		const Google__Protobuf__FileDescriptorProto *file = set->file[i];

		assert_null(file->source_code_info);
		for (size_t j = 0; j < file->n_dependency; j++)
			assert_true(is_before(set, file->dependency[j], i));
	}
	assert_true(is_before(set, "vfio/v1/device_service.proto", set->n_file));
	assert_true(is_before(set, "rpc/v1/rpc.proto", set->n_file));
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_are_sorted_and_tied),
		cmocka_unit_test(routes_are_sorted),
		cmocka_unit_test(routes_lead_to_methods),
		cmocka_unit_test(operations_have_their_ids),
		cmocka_unit_test(operations_tell_their_failures),
		cmocka_unit_test(failures_have_one_shape),
		cmocka_unit_test(failures_have_the_codes_names),
		cmocka_unit_test(device_always_tells_of_sriov),
		cmocka_unit_test(references_resolve),
		cmocka_unit_test(info_has_version_and_license),
		cmocka_unit_test(iommu_groups_answers_a_bare_array),
		cmocka_unit_test(file_is_the_same_document),
		cmocka_unit_test(descriptor_set_is_ordered_and_bare),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
