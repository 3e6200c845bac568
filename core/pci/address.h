/* SPDX-License-Identifier: MIT */
/* PCI addresses: parsed once, so that no text from outside ever becomes part of a path. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One PCI function. The domain has 32 bits: Intel VMD numbers from 10000, Hyper-V higher. */
struct pci_address {
	uint32_t domain;
	uint8_t bus;
	uint8_t slot;	  /* "device" in docs/operations.md, "PCI address": 0 to 31 */
	uint8_t function; /* 0 to 7 */
};

/* Room for the longest canonical text, "ffffffff:ff:1f.7", and its NUL. */
enum { PCI_ADDRESS_SIZE = 17 };

/* Parses `[domain:]bus:device.function` (docs/operations.md, "PCI address"). False, with *ret
 * untouched, for anything else. */
bool pci_address_parse(const char *text, struct pci_address *ret);

/* Writes the canonical form, lower case, domain of at least four digits as the kernel prints it. */
void pci_address_format(struct pci_address address, char out[static PCI_ADDRESS_SIZE]);

/* A number that orders addresses and tells them apart: domain, bus, slot, function. */
static inline uint64_t pci_address_key(struct pci_address a)
{
	return (uint64_t)a.domain << 16 | (uint64_t)a.bus << 8 | (uint64_t)a.slot << 3 | a.function;
}

static inline struct pci_address pci_address_from_key(uint64_t key)
{
	return (struct pci_address){.domain = (uint32_t)(key >> 16),
		.bus = (uint8_t)(key >> 8),
		.slot = (uint8_t)(key >> 3 & 0x1f),
		.function = (uint8_t)(key & 7)};
}

static inline bool pci_address_equal(struct pci_address a, struct pci_address b)
{
	return pci_address_key(a) == pci_address_key(b);
}

/* Orders two struct pci_address, for qsort. */
int pci_address_compare(const void *a, const void *b);
