/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL2's virtual address space (39 bits, three levels, 4 KiB granule) and the
 * layout of the carve-out. Used by C, assembly and the linker script.
 *
 *   0x20_0000_0000 + PA	RAM, RW and never executable, without the image; below
 *				RAM the SMMUs and DMA masters
 *   0x40_0000_0000		the image (2 MiB window, 4 KiB pages)
 *   0x40_001f_0000		the devices that EL2 uses, at the window's end
 *   PA of .idmap		one executable page where the MMU is turned on
 *
 *   carve-out + 0		boot block, then inspect.h's page
 *   carve-out + 2 MiB		the image
 *   carve-out + 4 MiB		page records, the host's tables, the VMs' tables
 */
#ifndef COREVISOR_ARCH_LAYOUT_H
#define COREVISOR_ARCH_LAYOUT_H

#define LINEAR_BASE		0x2000000000
#define IMAGE_VA		0x4000000000
#define IMAGE_WINDOW_BYTES	0x200000
#define DEVICE_WINDOW_OFFSET	0x1f0000

#define CARVEOUT_IMAGE_OFFSET	0x200000
#define CARVEOUT_POOL_OFFSET	0x400000

#define STACK_BYTES		0x2000
/* One unmapped page below each stack. */
#define STACK_GUARD_BYTES	0x1000
#define STACK_STRIDE		(STACK_BYTES + STACK_GUARD_BYTES)

/* SCTLR_EL2: RES1 bits, then M, C, SA, I, WXN. */
#define SCTLR_EL2_RES1		0x30c50830
#define SCTLR_EL2_MMU_ON	(SCTLR_EL2_RES1 | 0x8100d)

/* MAIR_EL2: 0 Device-nGnRE, 1 Normal write-back. */
#define MAIR_EL2_VALUE		0xff04

/* TCR_EL2: T0SZ 25, inner and outer write-back, inner shareable, PS 40 bits. */
#define TCR_EL2_VALUE		0x80823519

/* SCTLR_EL1 as a boot loader leaves it: RES1 bits, MMU and caches off. */
#define SCTLR_EL1_RESET		0x30d00800

#endif /* COREVISOR_ARCH_LAYOUT_H */
