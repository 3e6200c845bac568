/* SPDX-License-Identifier: MIT */
/*
 * The host that the cases speak of: tree_new_standard and
 *   0000:09:00.0, .1  8086:1572 on vfio-pci, native i40e, group 13 together
 *   0000:0a:00.0      15b3:101e on the variant driver mlx5_vfio_pci, group 14
 *   0000:0b:00.0      144d:a80a on vfio-pci, group 15, its use count 1 and nobody to be found
 *   0000:0c:00.0      10de:2204 on vfio-pci, group 16, whose node qemu-system-x86 (4242) has open
 */
#pragma once

#include "tests/support/tree.h"

/* The folder can be entered by any user, as a daemon that gives up root needs. */
struct tree *host_new(void);
