/* SPDX-License-Identifier: MIT */
/*
 * A host as a host file of the simulated host (docs/simulated-host.md).
 *
 * This folder includes core/ and nothing else of the tool. capture.c has every part read and then
 * printed; the parts share the structs of parts.h and the helpers of text.h and child.h.
 */
#pragma once

#include "core/base/fault.h"

#include <stdio.h>

/* Reads the host below root ("/": this machine) and writes its host file to out. Nothing below root
 * is written, no device node is opened, and what can block in the kernel is read by a child that is
 * left behind when it does. Forks: the caller has one thread. 0, or a negative errno with a
 * sentence in fault;
 * out then holds part of a host. */
int capture_write(const char *root, FILE *out, struct fault *fault);
