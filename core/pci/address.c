/* SPDX-License-Identifier: MIT */
/* PCI addresses. */
#include "core/pci/address.h"

#include <stdio.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads hex digits, at most max; returns how many there were. strtoul would take blanks, signs
 * and 0x. */
static int take_hex(const char *text, int max, uint32_t *ret)
{
	uint32_t value = 0;
	int n = 0;

	while (n < max && hex_value(text[n]) >= 0)
		value = value << 4 | (uint32_t)hex_value(text[n++]);
	*ret = value;
	return n;
}

bool pci_address_parse(const char *text, struct pci_address *ret)
{
	uint32_t domain = 0, bus, slot, function;
	int n = take_hex(text, 8, &bus);

	if (n >= 4) {
		domain = bus;
		if (text[n] != ':')
			return false;
		text += n + 1;
		n = take_hex(text, 3, &bus);
	}
	if (n != 2 || text[2] != ':')
		return false;
	text += 3;
	if (take_hex(text, 3, &slot) != 2 || slot > 0x1f || text[2] != '.')
		return false;
	text += 3;
	if (take_hex(text, 2, &function) != 1 || function > 7 || text[1] != '\0')
		return false;
	*ret = (struct pci_address){domain, (uint8_t)bus, (uint8_t)slot, (uint8_t)function};
	return true;
}

void pci_address_format(struct pci_address a, char out[static PCI_ADDRESS_SIZE])
{
	snprintf(out, PCI_ADDRESS_SIZE, "%04x:%02x:%02x.%x", a.domain, a.bus, a.slot & 0x1fu,
		a.function & 7u);
}

int pci_address_compare(const void *a, const void *b)
{
	uint64_t x = pci_address_key(*(const struct pci_address *)a);
	uint64_t y = pci_address_key(*(const struct pci_address *)b);

	return (x > y) - (x < y);
}
