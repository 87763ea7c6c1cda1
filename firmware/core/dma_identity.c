/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table by which devices of a host that knows no SMMU reach its memory.
 * Layer: below PageManager, on MemRegion and MmioSPTWalk.
 * Locks: takes spt; the caller holds s2page.
 */
#include "core/dma_identity.h"

#include "core/locks.h"
#include "core/mem_region.h"
#include "core/npt_walk.h"
#include "core/panic.h"
#include "core/platform.h"
#include "core/pt_alloc.h"
#include "core/pt_walk.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/spec_constants.h"

/* Normal memory that no device executes. */
#define LEAF		(PAGE_S2_KERNEL | S2_XN)
#define BLOCK		(LEAF & ~PMD_TABLE_BIT)
/* Devices may signal there, and read nothing. */
#define DOORBELL	((PAGE_S2_DEVICE & ~S2_S2AP_R) | S2_S2AP_W)

static paddr_t root;

paddr_t dma_identity_root(void)
{
	return root;
}

/* The pool is sized for all of it by 4 KiB. */
static void must(enum hv_status status)
{
	ASSERT(status == HV_OK);
}

static void must_page(uint64_t addr)
{
	must(set_npt(PT_IDENTITY, addr, 3, addr | LEAF));
}

/* All RAM of [@addr, @end) is the host's: whole blocks, and pages around. */
static void fill(uint64_t addr, uint64_t end)
{
	uint64_t blocks_end = end & ~(PMD_SIZE - 1);

	for (; addr < end && (addr % PMD_SIZE != 0 || addr >= blocks_end);
	     addr += PAGE_SIZE) {
		must_page(addr);
	}
	while (addr < blocks_end) {
		uint64_t pgd = walk_pgd(PT_IDENTITY, root, addr);
		uint64_t pud = walk_pud(PT_IDENTITY, pgd, addr, 1);

		addr = fill_pmds(PT_IDENTITY, pud, addr | BLOCK, blocks_end);
	}
	for (; addr < end; addr += PAGE_SIZE) {
		must_page(addr);
	}
}

void dma_identity_init(paddr_t new_root, paddr_t pool, uint64_t bytes)
{
	paddr_t doorbell = platform_msi_page();

	root = get_smmu_num() == 0 ? 0 : new_root;
	if (root == 0) {
		return;
	}
	acquire_lock_spt();
	pt_pool_init(PT_IDENTITY, root, pool, bytes);
	for (uint32_t i = 0; i < mem_region_count(); i++) {
		const struct mem_region *region = mem_region_get(i);

		fill(region->base, region->base + region->size);
	}
	must(set_npt(PT_IDENTITY, doorbell, 3, doorbell | DOORBELL));
	for (uint32_t i = 0; i < get_smmu_num(); i++) {
		set_smmu_cfg_hw_ttbr(SMMU_IDENTITY_BANK, i, root);
	}
	release_lock_spt();
}

/* No TLB of any SMMU translates these pages, or a block around them. */
static void forget(uint64_t addr, uint64_t pages)
{
	for (uint32_t i = 0; i < get_smmu_num(); i++) {
		smmu_hw_invalidate(SMMU_IDENTITY_BANK, i, addr, pages);
	}
}

/*
 * Replaces the block around @addr, whose entry is @pmd, by a table of the same
 * pages without [@addr, @end). A single store and no break: the host's devices
 * lose none of the other pages, not for a moment. A TLB that holds the block
 * beside some of its pages reads the same in both (D-051).
 */
static void split(uint64_t pmd, uint64_t addr, uint64_t end)
{
	paddr_t table = alloc_pmd_page(PT_IDENTITY);

	ASSERT(table != 0);
	fill_ptes(PT_IDENTITY, table, pmd | PMD_TABLE_BIT);
	clear_ptes(PT_IDENTITY, table, addr, end);
	set_pmd(PT_IDENTITY, npt_pud(PT_IDENTITY, addr), addr,
		table | PMD_TYPE_TABLE);
	/* By any address in it the whole block goes. */
	forget(addr, 1);
}

/* [@addr, @end) is what to remove of the block whose entry is @pmd. */
static void remove_in_block(uint64_t pmd, uint64_t addr, uint64_t end)
{
	if (!pt_is_table(pmd) && end - addr == PMD_SIZE) {
		set_pmd(PT_IDENTITY, npt_pud(PT_IDENTITY, addr), addr, 0);
		forget(addr, 1);
	} else if (!pt_is_table(pmd)) {
		split(pmd, addr, end);
	} else {
		clear_ptes(PT_IDENTITY, pmd & S2_OA_MASK, addr, end);
		forget(addr, (end - addr) >> PAGE_SHIFT);
	}
}

void dma_identity_remove(pfn_t pfn, uint64_t pages)
{
	uint64_t addr = pfn << PAGE_SHIFT;
	uint64_t end = addr + (pages << PAGE_SHIFT);

	ASSERT(lock_s2page_is_held());
	while (root != 0 && addr < end) {
		uint64_t next = (addr | (PMD_SIZE - 1)) + 1;
		uint64_t pmd = npt_pmd(PT_IDENTITY, addr);

		next = next < end ? next : end;
		/* Often it has left before, with the block around it. */
		if (pt_is_valid(pmd) &&
		    (pages > 1 || !pt_is_table(pmd) ||
		     pt_is_valid(walk_pte(PT_IDENTITY, pmd, addr)))) {
			acquire_lock_spt();
			remove_in_block(pmd, addr, next);
			release_lock_spt();
		}
		addr = next;
	}
}

void dma_identity_add(pfn_t pfn)
{
	ASSERT(lock_s2page_is_held());
	if (root != 0) {
		acquire_lock_spt();
		must_page(pfn << PAGE_SHIFT);
		release_lock_spt();
	}
}
