/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of the hypsec-virt board that the firmware knows; the board's
 * documentation has the whole map. Also read by assembly.
 */
#ifndef COREVISOR_PLAT_MEMMAP_H
#define COREVISOR_PLAT_MEMMAP_H

#define UART1_BASE		0x09040000
#define PVPANIC_BASE		0x0b000000
#define DMA_BASE		0x0b010000
#define RAM_BASE		0x40000000

/* pvpanic: the guest has panicked. */
#define PVPANIC_PANICKED	1

#endif /* COREVISOR_PLAT_MEMMAP_H */
