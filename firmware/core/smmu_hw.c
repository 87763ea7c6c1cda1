/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL2's own use of the SMMUs' registers. Layer: below MmioSPTOps, on MmioRaw.
 * Locks: smmu for what a bank or stream does, spt for the TLBs.
 */
#include "core/smmu_hw.h"

#include "arch/barrier.h"
#include "arch/mmio.h"
#include "core/locks.h"
#include "core/panic.h"
#include "core/smmu_cfg.h"
#include "core/smmu_regs.h"

/*
 * Loads of a status register before the SMMU counts as broken. It waits for
 * transactions under way, which no party can make longer.
 */
#define SYNC_POLLS 1000000

/*
 * What hardware holds while EL2 runs it, whatever the host writes. A fault is
 * answered with an abort, and one device's faults do not stop another.
 */
#define SCR0_VALUE (SMMU_SCR0_GFRE | SMMU_SCR0_USFCFG | SMMU_SCR0_VMIDPNE | \
		    SMMU_SCR0_PTM | SMMU_SCR0_SMCFCFG)
#define SCTLR_VALUE (SMMU_SCTLR_M | SMMU_SCTLR_CFRE | SMMU_SCTLR_HUPCF)

_Static_assert(COREVISOR <= 1u << SMMU_TAG_BANK_SHIFT &&
	       SMMU_NUM_CTXT_BANKS << SMMU_TAG_BANK_SHIFT <=
		       SMMU_CBAR_VMID + 1, "a tag has 8 bits");

/* PA of a bank's page. */
static paddr_t bank_registers(uint32_t cbndx, uint32_t index)
{
	ASSERT(cbndx < get_smmu_num_context_banks(index));
	return get_smmu_base(index) + SMMU_CB(get_smmu_size(index), cbndx);
}

/* Until the SMMU has done what a sync register was written for. */
static void wait_for(paddr_t status)
{
	for (uint32_t i = 0; i < SYNC_POLLS; i++) {
		if ((mmio_read32(status) & SMMU_TLBSTATUS_ACTIVE) == 0) {
			/* What was reached before is not touched earlier. */
			barrier_dsb_sy();
			return;
		}
		barrier_relax();
	}
	panic("SMMU: no answer at 0x%lx", status);
}

/* After invalidations through GR0 and all transactions under way. */
static void sync_all(paddr_t base)
{
	mmio_write32(base + SMMU_STLBGSYNC, 0);
	wait_for(base + SMMU_STLBGSTATUS);
}

/* After invalidations through the bank and its transactions under way. */
static void sync_bank(paddr_t bank)
{
	mmio_write32(bank + SMMU_CB_TLBSYNC, 0);
	wait_for(bank + SMMU_CB_TLBSTATUS);
}

const char *smmu_hw_check(paddr_t base, uint64_t bytes, uint32_t *banks)
{
	uint32_t idr0 = mmio_read32(base + SMMU_IDR(0));
	uint32_t idr1 = mmio_read32(base + SMMU_IDR(1));
	uint32_t idr2 = mmio_read32(base + SMMU_IDR(2));

	*banks = idr1 & (uint32_t)SMMU_IDR1_NUMCB;
	if ((idr0 & SMMU_IDR0_S2TS) == 0 || (idr0 & SMMU_IDR0_SMS) == 0 ||
	    (idr0 & SMMU_IDR0_CTTW) == 0) {
		return "no stage 2, stream matching or coherent walks";
	}
	if ((idr1 & SMMU_IDR1_PAGESIZE) != 0 ||
	    bytes != SMMU_PAGE_BYTES <<
		     (EXTRACT(SMMU_IDR1_NUMPAGENDXB, idr1) + 2)) {
		return "another size than the board says";
	}
	if ((idr0 & SMMU_IDR0_NUMSMRG) <= SMMU_EL2_STREAMS) {
		return "too few stream entries";
	}
	/* What TCR says; an SMMU with less would cut it, or fault. */
	if ((idr2 & SMMU_IDR2_PTFSV8_4K) == 0 ||
	    EXTRACT(SMMU_IDR2_IAS, idr2) < SMMU_IDR2_40_BITS ||
	    EXTRACT(SMMU_IDR2_OAS, idr2) < SMMU_IDR2_40_BITS) {
		return "no pages of 4 KiB, or addresses of less than 40 bits";
	}
	return NULL;
}

/* What the bank has recorded is left to nobody: where, how and who it was. */
static void forget_faults(uint32_t cbndx, uint32_t index)
{
	paddr_t bank = bank_registers(cbndx, index);

	mmio_write32(bank + SMMU_CB_FSR, SMMU_FSR_FAULT);
	mmio_write64(bank + SMMU_CB_FAR, 0);
	mmio_write64(bank + SMMU_CB_IPAFAR, 0);
	mmio_write32(bank + SMMU_CB_FSYNR0, 0);
	mmio_write32(bank + SMMU_CB_FSYNR1, 0);
	mmio_write32(get_smmu_base(index) + SMMU_CBFRSYNRA(cbndx), 0);
}

void smmu_hw_take_over(uint32_t index)
{
	paddr_t base = get_smmu_base(index);
	uint32_t streams = smmu_hw_num_streams(index);

	for (uint32_t n = 0; n < streams; n++) {
		mmio_write32(base + SMMU_SMR(n), 0);
		mmio_write32(base + SMMU_S2CR(n), SMMU_S2CR_FAULT);
	}
	/* From here on every stream faults. */
	mmio_write32(base + SMMU_SCR0, SCR0_VALUE);
	mmio_write32(base + SMMU_SCR2, 0);
	for (uint32_t n = 0; n < get_smmu_num_context_banks(index); n++) {
		mmio_write32(bank_registers(n, index) + SMMU_CB_SCTLR, 0);
		forget_faults(n, index);
	}
	mmio_write32(base + SMMU_SGFSR, SMMU_SGFSR_FAULT);
	mmio_write32(base + SMMU_TLBIALLH, 0);
	mmio_write32(base + SMMU_TLBIALLNSNH, 0);
	sync_all(base);
}

void smmu_hw_bank_start(uint32_t cbndx, uint32_t index, vmid_t vmid)
{
	paddr_t base = get_smmu_base(index);
	paddr_t bank = bank_registers(cbndx, index);
	uint64_t ttbr = get_smmu_cfg_hw_ttbr(cbndx, index);

	ASSERT(lock_smmu_is_held() && vmid < COREVISOR && ttbr != 0);
	/* The walker finds the table, then how to read it, then may start. */
	barrier_dsb_ishst();
	mmio_write32(base + SMMU_CBA2R(cbndx), SMMU_CBA2R_VA64);
	mmio_write32(base + SMMU_CBAR(cbndx), (uint32_t)SMMU_CBAR_S2 |
		     SMMU_VMID_TAG(vmid, cbndx));
	mmio_write32(bank + SMMU_CB_TCR, SMMU_TCR_VALUE);
	mmio_write64(bank + SMMU_CB_TTBR0, ttbr);
	forget_faults(cbndx, index);
	acquire_lock_spt();
	smmu_hw_invalidate_bank(cbndx, index);
	release_lock_spt();
	mmio_write32(bank + SMMU_CB_SCTLR, SCTLR_VALUE);
}

void smmu_hw_bank_stop(uint32_t cbndx, uint32_t index)
{
	paddr_t bank = bank_registers(cbndx, index);

	ASSERT(lock_smmu_is_held());
	mmio_write32(bank + SMMU_CB_SCTLR, 0);
	acquire_lock_spt();
	smmu_hw_invalidate_bank(cbndx, index);
	release_lock_spt();
	mmio_write64(bank + SMMU_CB_TTBR0, 0);
	forget_faults(cbndx, index);
}

void smmu_hw_bank_set_irq(uint32_t cbndx, uint32_t index, bool on)
{
	paddr_t sctlr = bank_registers(cbndx, index) + SMMU_CB_SCTLR;

	ASSERT(lock_smmu_is_held());
	if ((mmio_read32(sctlr) & SMMU_SCTLR_M) != 0) {
		mmio_write32(sctlr, on ? SCTLR_VALUE | SMMU_SCTLR_CFIE :
					 SCTLR_VALUE);
	}
}

void smmu_hw_set_global_irq(uint32_t index, bool on)
{
	ASSERT(lock_smmu_is_held());
	mmio_write32(get_smmu_base(index) + SMMU_SCR0,
		     on ? SCR0_VALUE | SMMU_SCR0_GFIE : SCR0_VALUE);
}

/* After the transactions of a stream that an entry no longer leads to. */
static void leave_s2cr(uint32_t index, uint32_t s2cr)
{
	if ((s2cr & SMMU_S2CR_TYPE) == SMMU_S2CR_TRANSLATE) {
		acquire_lock_spt();
		sync_bank(bank_registers(s2cr & SMMU_S2CR_CBNDX, index));
		release_lock_spt();
	}
}

void smmu_hw_set_stream(uint32_t index, uint32_t n, uint32_t smr,
			uint32_t cbndx)
{
	paddr_t base = get_smmu_base(index);
	uint32_t s2cr = cbndx == SMMU_STREAM_FAULT ? SMMU_S2CR_FAULT : cbndx;
	uint32_t old_s2cr, old_smr;

	ASSERT(lock_smmu_is_held() && n < smmu_hw_num_streams(index));
	ASSERT(cbndx == SMMU_STREAM_FAULT ||
	       cbndx < get_smmu_num_context_banks(index));
	old_smr = mmio_read32(base + SMMU_SMR(n));
	old_s2cr = mmio_read32(base + SMMU_S2CR(n));
	if (old_smr == smr && old_s2cr == s2cr) {
		return;
	}
	if (old_smr != smr) {
		mmio_write32(base + SMMU_SMR(n), 0);
	}
	mmio_write32(base + SMMU_S2CR(n), s2cr);
	if (old_smr != smr) {
		mmio_write32(base + SMMU_SMR(n), smr);
	}
	if ((old_smr & SMMU_SMR_VALID) != 0) {
		leave_s2cr(index, old_s2cr);
	}
}

uint32_t smmu_hw_num_streams(uint32_t index)
{
	return mmio_read32(get_smmu_base(index) + SMMU_IDR(0)) &
	       (uint32_t)SMMU_IDR0_NUMSMRG;
}

void smmu_hw_invalidate(uint32_t cbndx, uint32_t index, uint64_t iova,
			uint64_t pages)
{
	paddr_t bank = bank_registers(cbndx, index);

	ASSERT(lock_spt_is_held());
	for (uint64_t i = 0; i < pages; i++) {
		mmio_write64(bank + SMMU_CB_TLBIIPAS2L,
			     (iova >> PAGE_SHIFT) + i);
	}
	sync_bank(bank);
}

void smmu_hw_invalidate_bank(uint32_t cbndx, uint32_t index)
{
	paddr_t base = get_smmu_base(index);

	ASSERT(lock_smmu_is_held() && lock_spt_is_held());
	/* The walker sees the changed table before the TLB forgets. */
	barrier_dsb_ishst();
	mmio_write32(base + SMMU_TLBIVMID,
		     mmio_read32(base + SMMU_CBAR(cbndx)) & SMMU_CBAR_VMID);
	sync_all(base);
}
