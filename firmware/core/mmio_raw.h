/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and stores of device registers. Layer: AbstractMachine.
 *
 * The address is a PA inside a device that EL2 maps; each access is one
 * single-copy atomic access of its size, ordered with no other.
 * Panics: a device that EL2 does not map - nobody
 */
#ifndef COREVISOR_CORE_MMIO_RAW_H
#define COREVISOR_CORE_MMIO_RAW_H

#include "core/types.h"

uint32_t readl_relaxed(uint64_t addr);
uint64_t readq_relaxed(uint64_t addr);
void writel_relaxed(uint64_t value, uint64_t addr);
void writeq_relaxed(uint64_t value, uint64_t addr);

#endif /* COREVISOR_CORE_MMIO_RAW_H */
