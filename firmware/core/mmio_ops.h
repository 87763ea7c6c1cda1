/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SMMUs as the host sees them. Layer: MmioOps and MmioOpsAux, with the
 * decoding of the host's loads and stores from AbstractMachine and MmioRaw.
 */
#ifndef COREVISOR_CORE_MMIO_OPS_H
#define COREVISOR_CORE_MMIO_OPS_H

#include "core/types.h"

uint32_t host_dabt_get_as(uint32_t esr);
uint32_t host_dabt_is_write(uint32_t esr);
uint32_t host_dabt_get_rd(uint32_t esr);
uint64_t host_get_fault_ipa(uint64_t addr);
void host_skip_instr(void);

uint32_t is_smmu_range(uint64_t addr);
enum hv_status WARN_UNUSED handle_host_mmio(uint64_t addr, uint32_t index,
					    uint32_t esr);
enum hv_status WARN_UNUSED emulate_mmio(uint64_t addr, uint32_t esr);

#endif /* COREVISOR_CORE_MMIO_OPS_H */
