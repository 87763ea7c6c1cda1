/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and stores of device registers. Layer: AbstractMachine. Locks: the
 * caller holds what protects the device; smmu for an SMMU's.
 */
#include "core/mmio_raw.h"

#include "arch/mmio.h"

/**
 * readl_relaxed() - load a 32-bit register
 * @addr: PA, 4-byte aligned, of a device that EL2 maps
 *
 * Spec: AbstractMachine.readl_relaxed_spec
 */
uint32_t readl_relaxed(uint64_t addr)
{
	return mmio_read32(addr);
}

/**
 * readq_relaxed() - load a 64-bit register
 * @addr: PA, 8-byte aligned, of a device that EL2 maps
 *
 * Spec: AbstractMachine.readq_relaxed_spec
 */
uint64_t readq_relaxed(uint64_t addr)
{
	return mmio_read64(addr);
}

/**
 * writel_relaxed() - store a 32-bit register
 * @value: bits 63:32 do not count
 * @addr:  PA, 4-byte aligned, of a device that EL2 maps
 *
 * Spec: AbstractMachine.writel_relaxed_spec
 */
void writel_relaxed(uint64_t value, uint64_t addr)
{
	mmio_write32(addr, (uint32_t)value);
}

/**
 * writeq_relaxed() - store a 64-bit register
 * @value: what to store
 * @addr:  PA, 8-byte aligned, of a device that EL2 maps
 *
 * Spec: AbstractMachine.writeq_relaxed_spec
 */
void writeq_relaxed(uint64_t value, uint64_t addr)
{
	mmio_write64(addr, value);
}
