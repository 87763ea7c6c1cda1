/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of the host build: what native_set_bus() was told. */
#ifndef COREVISOR_ARCH_MMIO_H
#define COREVISOR_ARCH_MMIO_H

#include "arch/native.h"
#include "core/types.h"

static inline uint32_t mmio_read32(paddr_t pa)
{
	return (uint32_t)native_bus_read(pa, 4);
}

static inline uint64_t mmio_read64(paddr_t pa)
{
	return native_bus_read(pa, 8);
}

static inline void mmio_write32(paddr_t pa, uint32_t value)
{
	native_bus_write(pa, 4, value);
}

static inline void mmio_write64(paddr_t pa, uint64_t value)
{
	native_bus_write(pa, 8, value);
}

#endif /* COREVISOR_ARCH_MMIO_H */
