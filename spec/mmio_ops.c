/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MmioOpsAux.v and MmioOps.v: the host's loads and stores on SMMUs. Source:
 * facts B.10.
 */
#include "spec/mmio_ops.h"

#include "spec/abstract_machine.h"
#include "spec/locks.h"
#include "spec/mmio_core.h"
#include "spec/smmu_cfg.h"

/* The last match wins. */
enum option is_smmu_range_spec(uint64_t addr, const struct rdata *adt,
			       uint32_t *ret)
{
	uint64_t base, bytes;
	uint32_t num;

	*ret = INVALID;
	WHEN(get_smmu_num_spec(adt, &num));
	for (uint32_t i = 0; i < num; i++) {
		WHEN(get_smmu_base_spec(i, adt, &base));
		WHEN(get_smmu_size_spec(i, adt, &bytes));
		if (addr >= base && addr - base < bytes) {
			*ret = i;
		}
	}
	return SOME;
}

/* The syndrome says how long an access is, and not which end comes first. */
static bool is_little_endian(const struct rdata *adt)
{
	uint64_t sctlr = adt->cregs.sys[SCTLR_EL1 - MPIDR_EL1];
	bool at_el0 = (adt->spsr_el2 & PSTATE_MODE) == PSTATE_EL0T;

	return (adt->spsr_el2 & PSTATE_AARCH32) == 0 &&
	       (sctlr & (at_el0 ? SCTLR_E0E : SCTLR_EE)) == 0;
}

/*
 * Corrected, G14 and G71: a data abort with a valid syndrome that is no table
 * walk's and no cache maintenance, by A64 code with little-endian data.
 * Corrected, G66: the offset is that of the IPA; the C takes bits 15:12 from
 * the host's virtual address.
 */
enum option handle_host_mmio_spec(uint64_t addr, uint32_t index, uint64_t esr,
				  struct rdata *adt)
{
	uint64_t fault_ipa, base, size;
	uint32_t bytes, write;

	RELY_OR(esr >> ESR_ELx_EC_SHIFT == ESR_ELx_EC_DABT_LOW &&
		(esr & ESR_ISV) != 0 &&
		(esr & (ESR_ELx_S1PTW | ESR_ELx_CM)) == 0 &&
		is_little_endian(adt),
		NONE_PERM);
	WHEN(host_get_fault_ipa_spec(addr, adt, &fault_ipa));
	WHEN(host_dabt_get_as_spec(esr, &bytes));
	WHEN(host_dabt_is_write_spec(esr, &write));
	WHEN(get_smmu_base_spec(index, adt, &base));
	WHEN(get_smmu_size_spec(index, adt, &size));
	/* F.9: 4 or 8 bytes; and naturally aligned. */
	RELY_OR((bytes == 4 || bytes == 8) && is_aligned(fault_ipa, bytes) &&
		is_range(fault_ipa - base, bytes, size), NONE_PERM);
	if (write != 0) {
		WHEN(handle_smmu_write_spec((uint32_t)esr, fault_ipa - base,
					    bytes, index, adt));
	} else {
		WHEN(handle_smmu_read_spec((uint32_t)esr, fault_ipa - base,
					   bytes, index, adt));
	}
	return host_skip_instr_spec(adt);
}

enum option emulate_mmio_spec(uint64_t addr, uint64_t esr, struct rdata *adt,
			      uint32_t *ret)
{
	WHEN(acquire_lock_smmu_spec(adt));
	WHEN(is_smmu_range_spec(addr, adt, ret));
	if (*ret != INVALID) {
		WHEN(handle_host_mmio_spec(addr, *ret, esr, adt));
	}
	return release_lock_smmu_spec(adt);
}
