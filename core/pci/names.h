/* SPDX-License-Identifier: MIT */
/* Names of vendors, devices and classes, from pci.ids by way of libpci. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct names;

/* Reads pci.ids, which takes some milliseconds and megabytes. No look-up opens a file. Without
 * pci.ids no name is known. NULL when memory is short. */
struct names *names_open(void);

/* Each writes the name, or "" when it is unknown. Not thread-safe: libpci keeps one cache. */
void names_vendor(struct names *names, uint16_t vendor, char *buf, size_t size);
void names_device(struct names *names, uint16_t vendor, uint16_t device, char *buf, size_t size);
void names_subsystem(struct names *names, uint16_t vendor, uint16_t device, uint16_t sub_vendor,
	uint16_t sub_device, char *buf, size_t size);
void names_class(struct names *names, uint32_t class, char *buf, size_t size);

void names_close(struct names *names);
