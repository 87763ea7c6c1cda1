/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AbstractMachine.v: the SMMUs, who owns their banks, and loads and stores of
 * their registers. Source: facts B.10, B.11; S3 names the primitives.
 *
 * Corrected, G70: which SMMUs there are is the board's word and there before
 * the host runs. In the C the host's driver tells, once it has found one.
 */
#include "spec/smmu_cfg.h"

#include "spec/locks.h"

#define RELY_SMMU(index, adt) RELY_CALLER((index) < (adt)->board.nr_smmus)
#define RELY_BANK(cbndx, index, adt) \
	RELY_CALLER((index) < (adt)->board.nr_smmus && \
		    (cbndx) < SMMU_NUM_CTXT_BANKS)

enum option get_smmu_num_spec(const struct rdata *adt, uint32_t *num)
{
	*num = adt->halt ? 0 : adt->board.nr_smmus;
	return SOME;
}

enum option get_smmu_base_spec(uint32_t index, const struct rdata *adt,
			       uint64_t *base)
{
	RELY_SMMU(index, adt);
	*base = adt->halt ? 0 : adt->board.smmus[index].base;
	return SOME;
}

enum option get_smmu_size_spec(uint32_t index, const struct rdata *adt,
			       uint64_t *bytes)
{
	RELY_SMMU(index, adt);
	*bytes = adt->halt ? 0 : adt->board.smmus[index].bytes;
	return SOME;
}

enum option get_smmu_num_context_banks_spec(uint32_t index,
					    const struct rdata *adt,
					    uint32_t *banks)
{
	RELY_SMMU(index, adt);
	*banks = adt->halt ? 0 : adt->board.smmus[index].banks;
	return SOME;
}

enum option get_smmu_cfg_vmid_spec(uint32_t cbndx, uint32_t index,
				   const struct rdata *adt, uint32_t *vmid)
{
	RELY_BANK(cbndx, index, adt);
	RELY_CALLER(lock_own(adt, LOCK_SMMU, 0) || adt->halt);
	*vmid = adt->halt ? 0 : adt->smmus[index].bank[cbndx].vmid;
	return SOME;
}

enum option set_smmu_cfg_vmid_spec(uint32_t cbndx, uint32_t index,
				   uint32_t vmid, struct rdata *adt)
{
	RELY_BANK(cbndx, index, adt);
	RELY_CALLER(lock_own(adt, LOCK_SMMU, 0) || adt->halt);
	if (!adt->halt) {
		adt->smmus[index].bank[cbndx].vmid = vmid;
	}
	return SOME;
}

/* As the Coq has it. Where the roots really are is the firmware's affair. */
enum option get_smmu_cfg_hw_ttbr_spec(uint32_t cbndx, uint32_t index,
				      const struct rdata *adt,
				      uint64_t *hw_ttbr)
{
	RELY_BANK(cbndx, index, adt);
	*hw_ttbr = adt->halt ? 0 : SMMU_TTBR_START +
		   (index * SMMU_NUM_CTXT_BANKS + cbndx) * SMMU_TTBR_PER_BANK;
	return SOME;
}

/* --- Registers (B.10) ----------------------------------------------------- */

/* What the SMMU answers is the oracle's; 4 bytes of it are taken. */
static enum option read_relaxed(uint64_t addr, uint32_t bytes,
				struct rdata *adt, uint64_t *value)
{
	struct oracle *o = &adt->doracle;

	RELY_CALLER(lock_own(adt, LOCK_SMMU, 0) || adt->halt);
	RELY_CALLER(o->next < o->count);
	*value = adt->halt ? 0 : o->values[o->next++];
	*value &= bytes == 4 ? UINT32_MAX : UINT64_MAX;
	adt->mmio = (struct mmio_access){ addr, *value, bytes, false };
	adt->nr_mmio++;
	return SOME;
}

static enum option write_relaxed(uint64_t value, uint64_t addr,
				 uint32_t bytes, struct rdata *adt)
{
	RELY_CALLER(lock_own(adt, LOCK_SMMU, 0) || adt->halt);
	value &= bytes == 4 ? UINT32_MAX : UINT64_MAX;
	adt->mmio = (struct mmio_access){ addr, value, bytes, true };
	adt->nr_mmio++;
	return SOME;
}

enum option readl_relaxed_spec(uint64_t addr, struct rdata *adt,
			       uint64_t *value)
{
	return read_relaxed(addr, 4, adt, value);
}

enum option readq_relaxed_spec(uint64_t addr, struct rdata *adt,
			       uint64_t *value)
{
	return read_relaxed(addr, 8, adt, value);
}

/* Corrected, G67: what is given is written; the Coq's callers give 0. */
enum option writel_relaxed_spec(uint64_t value, uint64_t addr,
				struct rdata *adt)
{
	return write_relaxed(value, addr, 4, adt);
}

enum option writeq_relaxed_spec(uint64_t value, uint64_t addr,
				struct rdata *adt)
{
	return write_relaxed(value, addr, 8, adt);
}
