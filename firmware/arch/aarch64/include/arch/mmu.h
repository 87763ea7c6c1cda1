/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EL2's own translation tables. */
#ifndef COREVISOR_ARCH_MMU_H
#define COREVISOR_ARCH_MMU_H

#include "arch/layout.h"
#include "hypsec/boot_block.h"

/* Pages at DEVICE_WINDOW_OFFSET of the image window. */
#define DEVICE_UART1	0
#define DEVICE_PVPANIC	1

/* First PA that the linear map has no room for. */
#define EL2_LINEAR_END	(IMAGE_VA - LINEAR_BASE)

/* VA of a device page. */
#define DEVICE_VA(page) \
	(IMAGE_VA + DEVICE_WINDOW_OFFSET + (uintptr_t)(page) * 0x1000)

/**
 * el2_tables_init() - build EL2's tables, MMU off
 * @block: PA of the boot block, which is the first byte of the carve-out
 *
 * Returns: 0, or -1 if the carve-out is not 2 MiB aligned RAM below
 * EL2_LINEAR_END, or an SMMU is not below MAX_MMIO_ADDR and aligned to its
 * size of at most 2 MiB
 */
int el2_tables_init(const struct hypsec_boot_block *block);

#endif /* COREVISOR_ARCH_MMU_H */
