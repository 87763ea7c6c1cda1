/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's SMMUs, and who owns each context bank. Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_SMMU_CFG_H
#define COREVISOR_CORE_SMMU_CFG_H

#include "core/spec_constants.h"
#include "core/types.h"

/* The bank of the identity table; COREVISOR's for ever. */
#define SMMU_IDENTITY_BANK 0u

/**
 * smmu_cfg_add() - register an SMMU at boot
 * @base:  PA of its registers
 * @bytes: their size
 * @banks: context banks that it has
 *
 * Bank SMMU_IDENTITY_BANK is COREVISOR's, all others are free.
 * Returns: HV_ENOMEM with SMMU_NUM of them; HV_EINVAL for a size or number
 * that does not fit
 * Locks:   none; boot CPU only
 */
enum hv_status WARN_UNUSED smmu_cfg_add(paddr_t base, uint64_t bytes,
					uint32_t banks);

uint32_t get_smmu_num(void);
uint64_t get_smmu_base(uint32_t index);
uint64_t get_smmu_size(uint32_t index);
uint32_t get_smmu_num_context_banks(uint32_t index);
uint32_t get_smmu_cfg_vmid(uint32_t cbndx, uint32_t index);
void set_smmu_cfg_vmid(uint32_t cbndx, uint32_t index, uint32_t vmid);
uint64_t get_smmu_cfg_hw_ttbr(uint32_t cbndx, uint32_t index);
void set_smmu_cfg_hw_ttbr(uint32_t cbndx, uint32_t index, uint64_t hw_ttbr);

/**
 * smmu_cfg_array() - where all of it is, for tools
 * @stride:	  bytes from one SMMU's entry to the next, filled in
 * @owner_offset: where in an entry the banks' owners are, filled in
 *
 * Returns: the first entry; each begins with the registers' PA and size and
 * the number of banks
 */
const void *smmu_cfg_array(uint64_t *stride, uint64_t *owner_offset);

/* Forgets all SMMUs (tests). */
void smmu_cfg_reset(void);

#endif /* COREVISOR_CORE_SMMU_CFG_H */
