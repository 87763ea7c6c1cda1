/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of devices that EL2 maps, by PA. Same interface in arch/native.
 * Each access is one single-copy atomic access of its size; the architecture
 * orders those to one device (Device-nGnRE) and no others.
 */
#ifndef COREVISOR_ARCH_MMIO_H
#define COREVISOR_ARCH_MMIO_H

#include "arch/layout.h"
#include "core/types.h"

static inline uint32_t mmio_read32(paddr_t pa)
{
	return *(const volatile uint32_t *)(pa + LINEAR_BASE);
}

static inline uint64_t mmio_read64(paddr_t pa)
{
	return *(const volatile uint64_t *)(pa + LINEAR_BASE);
}

static inline void mmio_write32(paddr_t pa, uint32_t value)
{
	*(volatile uint32_t *)(pa + LINEAR_BASE) = value;
}

static inline void mmio_write64(paddr_t pa, uint64_t value)
{
	*(volatile uint64_t *)(pa + LINEAR_BASE) = value;
}

#endif /* COREVISOR_ARCH_MMIO_H */
