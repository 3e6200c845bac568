/* SPDX-License-Identifier: MIT */
/* Names from pci.ids. */
#include "core/names.h"
#include "core/util.h"

#include <pci/pci.h>
#include <stdio.h>

/* Local file only: libpci would otherwise ask udev's database, which holds the same names and
 * costs a file mapping, or print numbers for what it does not know. */
enum { LOOKUP = PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB };

struct names {
	struct pci_access *pci;
};

struct names *names_open(void)
{
	struct names *names = calloc(1, sizeof(*names));

	/* pci_alloc alone: pci_init would go and look for devices. */
	if (names && !(names->pci = pci_alloc()))
		free(STEAL(names));
	return names;
}

void names_close(struct names *names)
{
	if (!names)
		return;
	pci_cleanup(names->pci);
	free(names);
}

static void put(char *buf, size_t size, const char *name)
{
	snprintf(buf, size, "%s", name ? name : "");
}

void names_vendor(struct names *names, uint16_t vendor, char *buf, size_t size)
{
	char text[256];

	put(buf, size,
		pci_lookup_name(
			names->pci, text, sizeof(text), LOOKUP | PCI_LOOKUP_VENDOR, vendor));
}

void names_device(struct names *names, uint16_t vendor, uint16_t device, char *buf, size_t size)
{
	char text[256];

	put(buf, size,
		pci_lookup_name(names->pci, text, sizeof(text), LOOKUP | PCI_LOOKUP_DEVICE, vendor,
			device));
}

void names_subsystem(struct names *names, uint16_t vendor, uint16_t device, uint16_t sub_vendor,
	uint16_t sub_device, char *buf, size_t size)
{
	char text[256];

	put(buf, size,
		pci_lookup_name(names->pci, text, sizeof(text),
			LOOKUP | PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE, vendor, device,
			sub_vendor, sub_device));
}

void names_class(struct names *names, uint32_t class, char *buf, size_t size)
{
	char text[256];

	/* pci.ids knows classes by their first two bytes. */
	put(buf, size,
		pci_lookup_name(
			names->pci, text, sizeof(text), LOOKUP | PCI_LOOKUP_CLASS, class >> 8));
}
