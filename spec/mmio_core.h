/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MmioRaw.v, MmioCoreAux.v and MmioCore.v. Source: facts B.10, F.9;
 * docs/dma.rst, "Registers".
 */
#ifndef HYPSEC_SPEC_MMIO_CORE_H
#define HYPSEC_SPEC_MMIO_CORE_H

#include "spec/rdata.h"

/**
 * enum smmu_rule - what becomes of an access to a register
 * @SMMU_DENY:   refused; the Coq's 0
 * @SMMU_ALLOW:  passes; the Coq's 1
 * @SMMU_TTBR:   the hardware has EL2's root, the host reads what it wrote; the
 *		 Coq's 2, which has the hardware take EL2's root then
 * @SMMU_ZERO:   reads as 0, and takes nothing. This and the rest is not in the
 *		 Coq
 * @SMMU_SHADOW: kept for the host; what the hardware holds is EL2's choice
 * @SMMU_ID:	 as the hardware, but for what the host cannot have; read only
 * @SMMU_READ:	 as the hardware; read only
 * @SMMU_POKE:	 passes; reads as 0
 * @SMMU_TAGS:	 passes as an invalidation of each of the host's banks
 */
enum smmu_rule {
	SMMU_DENY = 0,
	SMMU_ALLOW = 1,
	SMMU_TTBR = 2,
	SMMU_ZERO,
	SMMU_SHADOW,
	SMMU_ID,
	SMMU_READ,
	SMMU_POKE,
	SMMU_TAGS,
};

/* MmioRaw */
enum option host_get_mmio_data_spec(uint32_t esr, const struct rdata *adt,
				    uint64_t *data);
uint64_t smmu_init_pte_spec(uint64_t prot, uint64_t paddr);
uint32_t smmu_get_cbndx_spec(uint64_t offset);

/*
 * MmioCoreAux: the rule for @bytes at @offset, of a store of @data or a load.
 * With smmu.
 */
enum option handle_smmu_global_access_spec(uint64_t offset, uint32_t bytes,
					   bool write, uint64_t data,
					   uint32_t index,
					   const struct rdata *adt,
					   enum smmu_rule *rule);
enum option handle_smmu_cb_access_spec(uint64_t offset, uint32_t bytes,
				       bool write, uint64_t data,
				       uint32_t index,
				       const struct rdata *adt,
				       enum smmu_rule *rule);

/* And it is done so. */
enum option __handle_smmu_write_spec(enum smmu_rule rule, uint64_t offset,
				     uint32_t bytes, uint64_t data,
				     uint32_t index, struct rdata *adt);
enum option __handle_smmu_read_spec(enum smmu_rule rule, uint64_t offset,
				    uint32_t bytes, uint32_t index,
				    struct rdata *adt, uint64_t *data);

/* MmioCore */
enum option handle_smmu_write_spec(uint32_t esr, uint64_t offset,
				   uint32_t bytes, uint32_t index,
				   struct rdata *adt);
enum option handle_smmu_read_spec(uint32_t esr, uint64_t offset,
				  uint32_t bytes, uint32_t index,
				  struct rdata *adt);

#endif /* HYPSEC_SPEC_MMIO_CORE_H */
