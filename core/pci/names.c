/* SPDX-License-Identifier: MIT */
/* Names from pci.ids. */
#include "core/pci/names.h"
#include "core/base/util.h"

#include <pci/pci.h>
#include <setjmp.h>
#include <stdio.h>

/* Local file only: libpci would otherwise ask udev's database, which holds the same names and
 * costs a file mapping, or print numbers for what it does not know. */
enum { LOOKUP = PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB };

struct names {
	struct pci_access *pci;
	jmp_buf failed; /* libpci's way out of a pci.ids it cannot read */
};

/* The look-up in progress; libpci's hooks carry no argument. Look-ups are made under one lock. */
static _Thread_local struct names *current;

static void names_ignore(char *msg, ...)
{
	(void)msg;
}

/* libpci ends the process here unless we leave by a jump: it must not come back. */
__attribute__((noreturn)) static void names_leave(char *msg, ...)
{
	(void)msg;
	longjmp(current->failed, 1);
}

/* libpci would read the file at the first look-up: with other threads about, and in a process that
 * may no longer be allowed to. Without the file nothing has a name. */
static void names_load(struct names *names)
{
	current = names;
	if (setjmp(names->failed) == 0)
		pci_load_name_list(names->pci);
}

struct names *names_open(void)
{
	struct names *names = calloc(1, sizeof(*names));

	/* pci_alloc alone: pci_init would go and look for devices. The hooks it would set are
	 * called all the same. */
	if (names && !(names->pci = pci_alloc())) {
		free(names);
		return NULL;
	}
	if (names) {
		names->pci->error = names_leave;
		names->pci->warning = names_ignore;
		names->pci->debug = names_ignore;
		names_load(names);
	}
	return names;
}

void names_close(struct names *names)
{
	if (!names)
		return;
	pci_cleanup(names->pci);
	free(names);
}

/* One look-up; ids are as the flags say. */
static void names_lookup(
	struct names *names, char *buf, size_t size, int flags, int a, int b, int c, int d)
{
	const char *volatile found = NULL;
	char text[256];

	current = names;
	if (setjmp(names->failed) == 0)
		found = pci_lookup_name(names->pci, text, sizeof(text), LOOKUP | flags, a, b, c, d);
	snprintf(buf, size, "%s", found ? found : "");
}

void names_vendor(struct names *names, uint16_t vendor, char *buf, size_t size)
{
	names_lookup(names, buf, size, PCI_LOOKUP_VENDOR, vendor, 0, 0, 0);
}

void names_device(struct names *names, uint16_t vendor, uint16_t device, char *buf, size_t size)
{
	names_lookup(names, buf, size, PCI_LOOKUP_DEVICE, vendor, device, 0, 0);
}

void names_subsystem(struct names *names, uint16_t vendor, uint16_t device, uint16_t sub_vendor,
	uint16_t sub_device, char *buf, size_t size)
{
	names_lookup(names, buf, size, PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE, vendor, device,
		sub_vendor, sub_device);
}

void names_class(struct names *names, uint32_t class, char *buf, size_t size)
{
	/* pci.ids knows classes by their first two bytes. */
	names_lookup(names, buf, size, PCI_LOOKUP_CLASS, (int)(class >> 8), 0, 0, 0);
}
