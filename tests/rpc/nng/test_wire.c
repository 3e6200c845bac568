/* SPDX-License-Identifier: MIT */
/* What is refused before it is unpacked. */
#include "tests/rpc/test.h"

#include "google/protobuf/descriptor.pb-c.h"
#include "rpc/nng/wire.h"
#include "rpc/v1/rpc.pb-c.h"
#include "vfio/v1/device.pb-c.h"
#include "vfio/v1/device_service.pb-c.h"

#include <errno.h>
#include <string.h>

#define BIND (&vfio__v1__bind_devices_request__descriptor)

/* The check's verdict; a copy of the bytes of exactly their size lets ASan see an overrun. */
static void expect(const ProtobufCMessageDescriptor *descriptor, const void *bytes, size_t len,
	const char *problem)
{
	struct fault fault = {""};
	uint8_t *copy = test_malloc(len + !len);
	int r;

	memcpy(copy, bytes, len);
	r = rpc_wire_check(descriptor, copy, len, &fault);
	test_free(copy);
	assert_string_equal(fault.text, problem);
	assert_int_equal(r, problem[0] ? -EBADMSG : 0);
}

#define EXPECT(descriptor, literal, problem)                                                       \
	expect(descriptor, literal, sizeof(literal) - 1, problem)

static void test_good_messages_pass(void **state)
{
	(void)state;
	EXPECT(BIND, "", "");
	EXPECT(BIND,
		"\x0a\x04"
		"0000\x0a\x00\x10\x01",
		"");
	EXPECT(BIND, "\x0a\x06\xe2\x82\xac\xf0\x9f\x98",
		"pci_addresses[0]: a string must be valid "
		"UTF-8");
	EXPECT(BIND, "\x0a\x07\xe2\x82\xac\xf0\x9f\x98\x80", "");
}

static void test_truncation_is_seen(void **state)
{
	(void)state;
	EXPECT(BIND, "\x0a", "pci_addresses[0]: the message ends within a number");
	EXPECT(BIND,
		"\x0a\x05"
		"0000",
		"pci_addresses[0]: the message ends within a value");
	EXPECT(BIND, "\x8a", "the message ends within a number");
	EXPECT(BIND, "\x10", "whole_group: the message ends within a number");
	EXPECT(BIND, "\x91\x3e\x01\x02", "field 994: the message ends within a value");
	EXPECT(BIND, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"pci_addresses[0]: the message ends within a value");
}

static void test_numbers_have_bounds(void **state)
{
	(void)state;
	EXPECT(BIND, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"whole_group: a number has more than 10 bytes");
	EXPECT(BIND, "\xff\xff\xff\xff\xff\x01", "a number has more than 5 bytes");
	EXPECT(BIND, "\x00\x01", "0 is not a field number");
}

static void test_strings_are_text(void **state)
{
	(void)state;
	EXPECT(BIND,
		"\x0a\x01x\x0a\x03"
		"a\0b",
		"pci_addresses[1]: a string must not contain NUL");
	EXPECT(BIND, "\x0a\x02\xc0\x80", "pci_addresses[0]: a string must be valid UTF-8");
	EXPECT(BIND, "\x0a\x03\xed\xa0\x80", "pci_addresses[0]: a string must be valid UTF-8");
	EXPECT(BIND, "\x0a\x04\xf4\x90\x80\x80", "pci_addresses[0]: a string must be valid UTF-8");
	EXPECT(BIND, "\x0a\x01\xff", "pci_addresses[0]: a string must be valid UTF-8");
}

static void test_wire_types_fit(void **state)
{
	(void)state;
	EXPECT(BIND, "\x08\x01", "pci_addresses[0]: wire type 0 is not that of the field");
	EXPECT(BIND, "\x12\x01x", "whole_group: wire type 2 is not that of the field");
	EXPECT(BIND, "\x13\x14", "whole_group: wire type 3 is not that of the field");
	EXPECT(BIND, "\x17", "whole_group: wire type 7 is not that of the field");
}

static void test_unknown_fields_are_skipped(void **state)
{
	(void)state;
	EXPECT(BIND, "\xf8\x07\x01\xfa\x07\x03\xff\0\xff\xfd\x07zzzz\xf9\x07zzzzzzzz", "");
	EXPECT(BIND, "\xfb\x07\xfc\x07", "field 127: groups are not supported");
	EXPECT(BIND, "\xfe\x07", "field 127: 6 is not a wire type");
}

static void test_nested_fields_are_named(void **state)
{
	(void)state;
	EXPECT(&rpc__v1__request__descriptor, "\x2a\x00\x2a\x05\x0a\x01k\x12\xff",
		"metadata[1].value: the message ends within a number");
	EXPECT(&vfio__v1__device__descriptor, "\x92\x01\x00\x92\x01\x00",
		"sriov: given more than once");
}

static void test_packed_numbers(void **state)
{
	const ProtobufCMessageDescriptor *info =
		&google__protobuf__source_code_info__location__descriptor;

	(void)state;
	EXPECT(info, "\x0a\x03\x01\x80\x01", "");
	EXPECT(info, "\x0a\x02\x01\x80", "path[0]: the message ends within a number");
}

/* DescriptorProto nests in itself as field 3. */
static size_t nest(uint8_t *bytes, size_t size, unsigned levels)
{
	size_t at = size, len = 0;

	for (unsigned i = 1; i < levels; i++) {
		if (len >= 0x80)
			bytes[--at] = (uint8_t)(len >> 7);
		bytes[--at] = (uint8_t)(len & 0x7f) | (len >= 0x80 ? 0x80 : 0);
		bytes[--at] = 3 << 3 | 2;
		len = size - at;
	}
	return len;
}

static void test_depth_is_bounded(void **state)
{
	const ProtobufCMessageDescriptor *type = &google__protobuf__descriptor_proto__descriptor;
	uint8_t bytes[2048];
	size_t len;

	(void)state;
	len = nest(bytes, sizeof(bytes), 32);
	expect(type, bytes + sizeof(bytes) - len, len, "");
	len = nest(bytes, sizeof(bytes), 33);
	expect(type, bytes + sizeof(bytes) - len, len,
		"messages are nested more than 32 levels deep");
	len = nest(bytes, sizeof(bytes), 500);
	expect(type, bytes + sizeof(bytes) - len, len,
		"messages are nested more than 32 levels deep");
}

static void test_unpack_gives_the_message(void **state)
{
	ProtobufCMessage *message;
	struct fault fault;

	(void)state;
	assert_int_equal(
		rpc_wire_unpack(BIND, (const uint8_t *)"\x0a\x01x\x10\x01", 5, &message, &fault),
		0);
	assert_string_equal(((Vfio__V1__BindDevicesRequest *)message)->pci_addresses[0], "x");
	assert_true(((Vfio__V1__BindDevicesRequest *)message)->whole_group);
	protobuf_c_message_free_unpacked(message, NULL);
	assert_int_equal(rpc_wire_unpack(BIND, NULL, 0, &message, &fault), 0);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void test_unpack_has_a_budget(void **state)
{
	static uint8_t bytes[128 * 1024];
	ProtobufCMessage *untouched = NULL, **ret = &untouched;
	struct fault fault = {""};

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i += 2)
		bytes[i] = 4 << 3 | 2; /* FileDescriptorProto.message_type, empty */
	assert_int_equal(rpc_wire_unpack(&google__protobuf__file_descriptor_proto__descriptor,
				 bytes, sizeof(bytes), ret, &fault),
		-ENOMEM);
	assert_null(untouched);
	assert_non_null(strstr(fault.text, "64 times"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_messages_pass),
		cmocka_unit_test(test_truncation_is_seen),
		cmocka_unit_test(test_numbers_have_bounds),
		cmocka_unit_test(test_strings_are_text),
		cmocka_unit_test(test_wire_types_fit),
		cmocka_unit_test(test_unknown_fields_are_skipped),
		cmocka_unit_test(test_nested_fields_are_named),
		cmocka_unit_test(test_packed_numbers),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_unpack_gives_the_message),
		cmocka_unit_test(test_unpack_has_a_budget),
	};

	return cmocka_run_group_tests_name("rpc wire", tests, NULL, NULL);
}
