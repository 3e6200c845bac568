/* SPDX-License-Identifier: MIT */
/* The problems that several operations find (docs/operations.md, "Fixed texts"). */
#pragma once

#include "core/error.h"

void problem_invalid_address(struct core_problems *problems, const char *text);
void problem_absent(struct core_problems *problems, struct pci_address address);
void problem_no_group(struct core_problems *problems, struct pci_address address);
