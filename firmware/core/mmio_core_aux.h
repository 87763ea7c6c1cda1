/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the host's accesses to an SMMU's registers go to the hardware.
 * Layer: MmioCoreAux, with the decoding of MmioRaw.
 */
#ifndef COREVISOR_CORE_MMIO_CORE_AUX_H
#define COREVISOR_CORE_MMIO_CORE_AUX_H

#include "core/types.h"

/**
 * enum smmu_rule - what an access does
 * @SMMU_DENY:	  reads 0, a write is refused
 * @SMMU_ALLOW:	  hardware's register
 * @SMMU_REPLACE: the shadow; hardware has EL2's own value
 * @SMMU_REFUSE:  refused: not the width of a register
 * @SMMU_READ:	  hardware's register, a write is ignored
 * @SMMU_WRITE:	  reads 0, a write goes to hardware
 * @SMMU_IGNORE:  reads 0, a write is ignored
 * @SMMU_IDENT:	  what hardware says of itself, less what the host has not
 * @SMMU_TLBI:	  reads 0, a write empties the TLBs of the host's banks
 * @SMMU_TLBI_IPA: reads 0, a write invalidates a page in the bank
 * @SMMU_IDLE:	  SCTLR of a bank that is not the host's: reads 0, a write is
 *		  ignored if it leaves the bank off and refused if not
 *
 * The specification's answers are the first three, by its numbers.
 */
enum smmu_rule {
	SMMU_DENY = 0,
	SMMU_ALLOW = 1,
	SMMU_REPLACE = 2,
	SMMU_REFUSE,
	SMMU_READ,
	SMMU_WRITE,
	SMMU_IGNORE,
	SMMU_IDENT,
	SMMU_TLBI,
	SMMU_TLBI_IPA,
	SMMU_IDLE,
};

uint64_t smmu_init_pte(uint64_t prot, uint64_t addr);
uint32_t smmu_get_cbndx(uint64_t offset, uint32_t index);
enum smmu_rule handle_smmu_global_access(uint64_t offset, uint32_t len,
					 uint32_t index);
enum smmu_rule handle_smmu_cb_access(uint64_t offset, uint32_t len,
				     uint32_t index);
void __handle_smmu_write(uint64_t fault_ipa, uint32_t len, uint64_t val);
uint64_t __handle_smmu_read(uint64_t fault_ipa, uint32_t len);

#endif /* COREVISOR_CORE_MMIO_CORE_AUX_H */
