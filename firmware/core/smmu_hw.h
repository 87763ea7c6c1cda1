/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL2's own use of the SMMUs' registers. Layer: below MmioSPTOps, on MmioRaw.
 *
 * What the hardware holds is EL2's choice alone; what the host wrote is in the
 * shadow of the layers above.
 * Panics: all functions that wait, if the SMMU does not answer - nobody
 */
#ifndef COREVISOR_CORE_SMMU_HW_H
#define COREVISOR_CORE_SMMU_HW_H

#include "core/types.h"

/* The host sees this many entries less than there are; they are EL2's. */
#define SMMU_EL2_STREAMS 8u

/**
 * smmu_hw_check() - is this an SMMU that EL2 can use?
 * @base:  PA of its registers
 * @bytes: their size
 * @banks: where the number of its context banks goes
 *
 * Returns: NULL, or what is wrong
 */
const char *smmu_hw_check(paddr_t base, uint64_t bytes, uint32_t *banks);

/**
 * smmu_hw_take_over() - stop all DMA through an SMMU, whatever its state
 * @index: which one
 *
 * Every stream faults afterwards, no bank translates, the TLBs are empty, no
 * fault is recorded.
 * Locks: none; boot CPU only
 */
void smmu_hw_take_over(uint32_t index);

/**
 * smmu_hw_bank_start() - let a bank translate by its table
 * @cbndx: the bank; no stream selects it
 * @index: its SMMU
 * @vmid:  its owner; the TLB tag is owner | bank << 4
 *
 * Locks: caller holds smmu; takes spt
 */
void smmu_hw_bank_start(uint32_t cbndx, uint32_t index, vmid_t vmid);

/*
 * Stops a bank that no stream selects, and empties its TLB. Locks: caller holds
 * smmu; takes spt.
 */
void smmu_hw_bank_stop(uint32_t cbndx, uint32_t index);

/* Whether the bank's faults interrupt (SCTLR.CFIE). Locks: smmu. */
void smmu_hw_bank_set_irq(uint32_t cbndx, uint32_t index, bool on);

/* Whether global faults interrupt (sCR0.GFIE). Locks: smmu. */
void smmu_hw_set_global_irq(uint32_t index, bool on);

/**
 * smmu_hw_set_stream() - one entry of the stream table
 * @index: which SMMU
 * @n:	   the entry
 * @smr:   SMR; without VALID the entry matches nothing
 * @cbndx: the bank, or SMMU_STREAM_FAULT
 *
 * The entry is never valid with the old bank and the new match, or the other
 * way round; a new bank with the same match is one store. At return no
 * transaction through the old bank is under way.
 * Locks: caller holds smmu; takes spt
 */
#define SMMU_STREAM_FAULT UINT32_C(0xffffffff)
void smmu_hw_set_stream(uint32_t index, uint32_t n, uint32_t smr,
			uint32_t cbndx);

/* Stream entries that the SMMU has. */
uint32_t smmu_hw_num_streams(uint32_t index);

/**
 * smmu_hw_invalidate() - no TLB entry of a bank translates pages any more
 * @cbndx: the bank
 * @index: its SMMU
 * @iova:  any byte of the first page, or of the block that mapped it
 * @pages: how many
 *
 * The table is changed, and visible to walkers, before. Complete at return, and
 * no transaction that used the old entries is under way.
 * Locks: caller holds spt
 */
void smmu_hw_invalidate(uint32_t cbndx, uint32_t index, uint64_t iova,
			uint64_t pages);

/*
 * The same for all that the bank translates. It waits on registers that the
 * host uses too, hence Locks: caller holds smmu and spt.
 */
void smmu_hw_invalidate_bank(uint32_t cbndx, uint32_t index);

#endif /* COREVISOR_CORE_SMMU_HW_H */
