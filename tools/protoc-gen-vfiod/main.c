/* SPDX-License-Identifier: MIT */
/*
 * protoc-gen-vfiod: makes the tables of methods and routes and the OpenAPI document of .proto
 * files. protoc runs it, as in
 *
 *	protoc --plugin=protoc-gen-vfiod --vfiod_opt=version=1.0 --vfiod_out=DIR -I proto FILE...
 */
#include "tools/protoc-gen-vfiod/check.h"
#include "tools/protoc-gen-vfiod/doc.h"
#include "tools/protoc-gen-vfiod/example.h"
#include "tools/protoc-gen-vfiod/gen.h"
#include "tools/protoc-gen-vfiod/model.h"
#include "tools/protoc-gen-vfiod/output.h"
#include "tools/protoc-gen-vfiod/pool.h"
#include "tools/protoc-gen-vfiod/report.h"

#include <err.h>
#include <stdlib.h>

typedef Google__Protobuf__Compiler__CodeGeneratorResponse CodeGeneratorResponse;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File OutputFile;

enum { OUTPUT_COUNT = 4 };

static CodeGeneratorRequest *read_request(struct pool *pool)
{
	CodeGeneratorRequest *request;
	char buffer[65536];
	char *bytes;
	size_t total;
	size_t size;
	FILE *input = output_open(&bytes, &total);

	while ((size = fread(buffer, 1, sizeof(buffer), stdin)) > 0)
		fwrite(buffer, 1, size, input);
	if (ferror(stdin) || fclose(input))
		err(EXIT_FAILURE, "standard input");
	request = google__protobuf__compiler__code_generator_request__unpack(
		&pool->allocator, total, (const uint8_t *)bytes);
	free(bytes);
	if (!request || request->n_proto_file == 0)
		errx(EXIT_FAILURE, "standard input is no CodeGeneratorRequest: let protoc run me");
	return request;
}

static void write_response(struct pool *pool, const CodeGeneratorResponse *response)
{
	size_t size = protobuf_c_message_get_packed_size(&response->base);
	uint8_t *bytes = pool_alloc(pool, size);

	protobuf_c_message_pack(&response->base, bytes);
	if (fwrite(bytes, 1, size, stdout) != size || fflush(stdout))
		err(EXIT_FAILURE, "standard output");
}

static void write_document(json_t *document, FILE *stream)
{
	if (json_dumpf(document, stream, JSON_INDENT(2)) < 0)
		errx(EXIT_FAILURE, "the OpenAPI document cannot be written");
	fputc('\n', stream);
}

static void write_files(const struct model *model, FILE *const streams[OUTPUT_COUNT])
{
	json_t *document = gen_openapi(model);

	gen_methods(model, streams[0]);
	gen_routes(model, streams[1]);
	gen_openapi_source(document, streams[2]);
	write_document(document, streams[3]);
	json_decref(document);
}

static void respond_files(struct pool *pool, const struct model *model)
{
	static char names[OUTPUT_COUNT][16] = {
		"methods.gen.c", "routes.gen.c", "openapi.gen.c", "openapi.json"};
	CodeGeneratorResponse response = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
	OutputFile files[OUTPUT_COUNT];
	OutputFile *list[OUTPUT_COUNT];
	FILE *streams[OUTPUT_COUNT];
	size_t sizes[OUTPUT_COUNT];

	for (size_t i = 0; i < OUTPUT_COUNT; i++) {
		google__protobuf__compiler__code_generator_response__file__init(&files[i]);
		files[i].name = names[i];
		list[i] = &files[i];
		streams[i] = output_open(&files[i].content, &sizes[i]);
	}
	write_files(model, streams);
	for (size_t i = 0; i < OUTPUT_COUNT; i++)
		if (fclose(streams[i]))
			err(EXIT_FAILURE, "%s", names[i]);
	response.n_file = OUTPUT_COUNT;
	response.file = list;
	write_response(pool, &response);
	for (size_t i = 0; i < OUTPUT_COUNT; i++)
		free(files[i].content);
}

static void respond_error(struct pool *pool, const struct report *report)
{
	CodeGeneratorResponse response = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;

	response.error = report->text;
	write_response(pool, &response);
}

int main(void)
{
	struct pool pool;
	struct report report;
	struct model model;

	doc_init();
	pool_init(&pool);
	report_init(&report);
	model_load(&model, &pool, read_request(&pool), &report);
	if (!report_refused(&report)) {
		check_model(&model, &report);
		example_check(&model, &report);
	}
	if (report_refused(&report))
		respond_error(&pool, &report);
	else
		respond_files(&pool, &model);
	report_free(&report);
	pool_free(&pool);
	return EXIT_SUCCESS;
}
