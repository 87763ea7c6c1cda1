/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SMMUs' tables with their lock and their TLBs. Layer: MmioSPTOps. The
 * specification's MmioPTAlloc, MmioPTWalk and MmioSPTWalk are those of the
 * stage-2 tables, which have the same shape, for an owner that stands for the
 * bank (pt_spt()).
 * Locks: takes spt; the caller holds s2page.
 */
#include "core/spt_ops.h"

#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/npt_walk.h"
#include "core/panic.h"
#include "core/pt_alloc.h"
#include "core/pt_walk.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/spec_constants.h"

void spt_init_pool(paddr_t base, uint64_t bytes)
{
	uint64_t banks = 0;

	for (uint32_t i = 0; i < get_smmu_num(); i++) {
		banks += get_smmu_num_context_banks(i) - 1;
	}
	pt_spt_arena_init(base, bytes, banks);
}

/* The root is empty and the bank's TLB entries are gone at return. */
static void empty_spt(uint32_t cbndx, uint32_t index)
{
	npt_empty_root(pt_spt(cbndx, index));
	smmu_hw_invalidate_bank(cbndx, index);
}

/**
 * init_spt() - give a bank an empty table
 * @cbndx: the bank
 * @index: its SMMU
 *
 * Spec:  MmioSPTOps.init_spt_spec
 * Delta: D-050: tables of before go back to the pool, and TLB entries go (G69)
 * Locks: takes spt; caller holds smmu and s2page
 */
void init_spt(uint32_t cbndx, uint32_t index)
{
	vmid_t owner = pt_spt(cbndx, index);
	enum hv_status status;

	release_spt(cbndx, index);
	acquire_lock_spt();
	status = pt_pool_create(owner);
	/* One chunk for each bank is set aside. */
	ASSERT(status == HV_OK);
	set_smmu_cfg_hw_ttbr(cbndx, index, pt_pool_root(owner));
	release_lock_spt();
}

/**
 * walk_spt() - the leaf that maps an IOVA
 * @cbndx: the bank
 * @index: its SMMU
 * @iova:  in bytes, below 2^40
 *
 * Spec:    MmioSPTOps.walk_spt_spec
 * Locks:   takes spt
 * Returns: the leaf, 0 if there is none
 */
uint64_t walk_spt(uint32_t cbndx, uint32_t index, uint64_t iova)
{
	uint64_t pte;

	acquire_lock_spt();
	pte = walk_npt(pt_spt(cbndx, index), iova);
	release_lock_spt();
	return pt_is_valid(pte) ? pte : 0;
}

/**
 * map_spt() - install a page's leaf
 * @cbndx: the bank
 * @index: its SMMU
 * @iova:  in bytes, below 2^40
 * @pte:   page descriptor
 *
 * Spec:    MmioSPTOps.map_spt_spec
 * Delta:   D-050: a status instead of a panic; nothing is replaced
 * Locks:   takes spt; caller holds s2page
 * Returns: as set_npt(): HV_OK, also if exactly this is there; HV_EBUSY if
 *	    another page is; HV_ENOMEM; HV_EPERM before init_spt(). Nothing has
 *	    changed on an error
 */
enum hv_status map_spt(uint32_t cbndx, uint32_t index, uint64_t iova,
		       uint64_t pte)
{
	enum hv_status status;

	acquire_lock_spt();
	status = set_npt(pt_spt(cbndx, index), iova, 3, pte);
	release_lock_spt();
	return status;
}

bool spt_can_map(uint32_t cbndx, uint32_t index, uint64_t iova)
{
	vmid_t owner = pt_spt(cbndx, index);

	return npt_missing_tables(owner, iova, 1, 3) <=
	       pt_pool_free_pages(owner);
}

/**
 * unmap_spt() - take an IOVA's leaf away
 * @cbndx: the bank
 * @index: its SMMU
 * @iova:  in bytes, below 2^40
 *
 * No table and no TLB of the SMMU translates it any more at return.
 *
 * Spec:    MmioSPTOps.unmap_spt_spec
 * Delta:   D-050: with the SMMU's TLB (G69)
 * Locks:   takes spt; caller holds s2page
 * Returns: the old leaf, 0 if there was none
 */
uint64_t unmap_spt(uint32_t cbndx, uint32_t index, uint64_t iova)
{
	vmid_t owner = pt_spt(cbndx, index);
	uint64_t pmd, pte;

	acquire_lock_spt();
	pmd = npt_pmd(owner, iova);
	pte = walk_pte(owner, pmd, iova);
	if (pt_is_valid(pte)) {
		set_pte(owner, pmd, iova, 0);
		smmu_hw_invalidate(cbndx, index, iova, 1);
	}
	release_lock_spt();
	return pte;
}

void clear_spt(uint32_t cbndx, uint32_t index)
{
	acquire_lock_spt();
	if (pt_pool_root(pt_spt(cbndx, index)) != 0) {
		empty_spt(cbndx, index);
	}
	release_lock_spt();
}

bool spt_next_leaf(uint32_t cbndx, uint32_t index, struct spt_cursor *c,
		   uint64_t *pte)
{
	return npt_next_leaf(pt_spt(cbndx, index), &c->page, &c->entry, pte);
}

void release_spt(uint32_t cbndx, uint32_t index)
{
	clear_spt(cbndx, index);
	acquire_lock_spt();
	set_smmu_cfg_hw_ttbr(cbndx, index, 0);
	pt_pool_release(pt_spt(cbndx, index));
	release_lock_spt();
}
