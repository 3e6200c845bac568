/* SPDX-License-Identifier: MIT */
/* PCI addresses. */
#include "core/base/util.h"
#include "core/pci/address.h"
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>

static void valid_addresses_have_one_canonical_form(void **state)
{
	static const char *const pairs[][2] = {
		{"0000:01:00.0", "0000:01:00.0"},
		{"01:00.0", "0000:01:00.0"},
		{"00:1f.7", "0000:00:1f.7"},
		{"0000:FF:1F.7", "0000:ff:1f.7"},
		{"aBcD:eF:0a.3", "abcd:ef:0a.3"},
		{"10000:e1:00.0", "10000:e1:00.0"},
		{"00010000:e1:00.0", "10000:e1:00.0"},
		{"00000:01:00.0", "0000:01:00.0"},
		{"00000001:02:03.4", "0001:02:03.4"},
		{"ffffffff:ff:1f.7", "ffffffff:ff:1f.7"},
		{"DEADBEEF:00:00.0", "deadbeef:00:00.0"},
	};
	char text[PCI_ADDRESS_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct pci_address address;

		assert_true(pci_address_parse(pairs[i][0], &address));
		pci_address_format(address, text);
		assert_string_equal(text, pairs[i][1]);
	}
}

static void anything_else_is_refused_and_leaves_the_result_alone(void **state)
{
	static const char *const texts[] = {"", " ", ".", ":", "0000", "0000:", "0000:01",
		"0000:01:", "0000:01:00", "0000:01:00.", "0000:01:00.8", "0000:01:00.f",
		"0000:01:20.0", "0000:01:ff.0", "0000:1:00.0", "0000:01:0.0", "0000:001:00.0",
		"0000:01:000.0", "0000:01:00.00", "0000:01:00.0 ", " 0000:01:00.0",
		"0000:01:00.0\n", "000:01:00.0", "00:01:00.0", "0:01:00.0", "000000000:01:00.0",
		"123456789:01:00.0", ":01:00.0", "1:00.0", "001:00.0", "0000.01.00.0",
		"0000:01:00:0", "0000-01-00.0", "0x00:01:00.0", "0x0000:01:00.0", "+000:01:00.0",
		"-000:01:00.0", "0000:+1:00.0", "0000:01:-0.0", "0000:01:00.-", "g000:01:00.0",
		"0000:0g:00.0", "../0000:01:00.0", "0000:01:00.0/..", "0000:01:00.0/driver", "..",
		"/", "../../../etc/passwd", "0000:01:00.0,0000:01:00.1", "0000:01:00.*",
		"\xef\xbc\x90\x30\x30\x30:01:00.0", "0000:01:00.0\x80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct pci_address address = {1, 2, 3, 4};

		if (pci_address_parse(texts[i], &address))
			fail_msg("accepted '%s'", texts[i]);
		assert_true(pci_address_equal(address, (struct pci_address){1, 2, 3, 4}));
	}
}

static void every_address_survives_the_way_to_text_and_back(void **state)
{
	static const uint32_t domains[] = {0, 1, 0xffff, 0x10000, 0x123456, 0xffffffff};
	char text[PCI_ADDRESS_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(domains); i++) {
		for (unsigned n = 0; n < 0x10000; n++) {
			struct pci_address address = {domains[i], (uint8_t)(n >> 8),
				(uint8_t)(n >> 3 & 0x1f), (uint8_t)(n & 7)};
			struct pci_address back;

			pci_address_format(address, text);
			assert_true(pci_address_parse(text, &back));
			assert_true(pci_address_equal(address, back));
			assert_true(pci_address_equal(
				address, pci_address_from_key(pci_address_key(address))));
		}
	}
}

/* The grammar of docs/operations.md, "PCI address", written a second time and another way. */
static bool is_address(const char *s)
{
	unsigned domain, bus, slot, function;
	int end = -1;
	size_t colons = 0;

	if (s[strspn(s, "0123456789abcdefABCDEF:.")])
		return false;
	for (const char *c = s; *c; c++)
		colons += *c == ':';
	size_t prefix = colons == 2 ? strcspn(s, ":") : 4;
	if (prefix < 4 || prefix > 8 || strcspn(s, ".") < prefix)
		return false;
	const char *rest = colons == 2 ? s + prefix + 1 : s;
	if (strlen(rest) != 7 || rest[2] != ':' || rest[5] != '.')
		return false;
	if (colons == 2 && sscanf(s, "%8x:", &domain) != 1)
		return false;
	return sscanf(rest, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) == 3 && end == 7 &&
	       slot < 32 && function < 8;
}

static void mutations_are_judged_as_the_grammar_says(void **state)
{
	static const char *const seeds[] = {
		"0000:01:00.0", "01:1f.7", "10000:e1:00.0", "ffffffff:ff:1f.7"};
	static const char alphabet[] = "0127f8gF:./- x\n\x80";
	size_t accepted = 0;
	unsigned seed = 1;

	(void)state;
	for (unsigned i = 0; i < 300000; i++) {
		char text[40];
		size_t len = (size_t)snprintf(text, sizeof(text), "%s", seeds[i % 4]);

		for (int edits = 1 + rand_r(&seed) % 3; edits > 0; edits--) {
			size_t at = (size_t)rand_r(&seed) % (len + 1);
			char c = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
			int how = rand_r(&seed) % 3;

			if (how == 0 && at < len) {
				text[at] = c;
			} else if (how == 1 && len + 1 < sizeof(text)) {
				memmove(text + at + 1, text + at, len - at + 1);
				text[at] = c;
				len++;
			} else if (how == 2 && at < len) {
				memmove(text + at, text + at + 1, len - at);
				len--;
			}
		}
		struct pci_address address;
		bool ok = pci_address_parse(text, &address);
		if (ok != is_address(text))
			fail_msg("'%s' judged %d", text, ok);
		accepted += ok;
	}
	assert_true(accepted > 1000); /* the sweep reaches both sides */
}

static void addresses_sort_by_domain_bus_slot_function(void **state)
{
	static const char *const sorted[] = {"0000:00:00.1", "0000:00:01.0", "0000:01:00.0",
		"0001:00:00.0", "ffff:00:00.0", "10000:00:00.0"};
	struct pci_address addresses[ARRAY_SIZE(sorted)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		assert_true(pci_address_parse(sorted[ARRAY_SIZE(sorted) - 1 - i], &addresses[i]));
	qsort(addresses, ARRAY_SIZE(sorted), sizeof(addresses[0]), pci_address_compare);
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
		char text[PCI_ADDRESS_SIZE];

		pci_address_format(addresses[i], text);
		assert_string_equal(text, sorted[i]);
	}
	assert_int_equal(pci_address_compare(&addresses[2], &addresses[2]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_addresses_have_one_canonical_form),
		cmocka_unit_test(anything_else_is_refused_and_leaves_the_result_alone),
		cmocka_unit_test(every_address_survives_the_way_to_text_and_back),
		cmocka_unit_test(mutations_are_judged_as_the_grammar_says),
		cmocka_unit_test(addresses_sort_by_domain_bus_slot_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
