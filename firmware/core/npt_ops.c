/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 tables with their locks. Layer: NPTOps, on NPTWalk and Locks.
 * Locks: takes pt[vmid]; the caller of what changes a table holds s2page.
 */
#include "core/npt_ops.h"

#include "core/locks.h"
#include "core/npt_walk.h"
#include "core/panic.h"
#include "core/pt_alloc.h"
#include "core/pt_walk.h"
#include "core/spec_constants.h"
#include "core/tlb.h"

/**
 * get_level_s2pt() - at which level an address is mapped
 * @vmid: whose table
 * @addr: IPA in bytes, below 2^40
 *
 * Spec:    NPTOps.get_level_s2pt_spec
 * Locks:   takes pt[vmid]
 * Returns: 0, 2 or 3
 */
uint32_t get_level_s2pt(uint32_t vmid, uint64_t addr)
{
	uint32_t level;

	acquire_lock_pt(vmid);
	level = get_npt_level(vmid, addr);
	release_lock_pt(vmid);
	return level;
}

/**
 * walk_s2pt() - the leaf that maps an address
 * @vmid: whose table
 * @addr: IPA in bytes, below 2^40
 *
 * Spec:    NPTOps.walk_s2pt_spec
 * Locks:   takes pt[vmid]
 * Returns: the leaf entry, 0 if there is none
 */
uint64_t walk_s2pt(uint32_t vmid, uint64_t addr)
{
	uint64_t pte;

	acquire_lock_pt(vmid);
	pte = walk_npt(vmid, addr);
	release_lock_pt(vmid);
	return pte;
}

/**
 * map_s2pt() - install a leaf
 * @vmid:  whose table
 * @addr:  IPA in bytes, below 2^40
 * @level: 2 or 3
 * @pte:   descriptor of that level
 *
 * Spec:    NPTOps.map_s2pt_spec
 * Delta:   as set_npt()
 * Locks:   takes pt[vmid]; caller holds s2page
 * Returns: as set_npt()
 */
enum hv_status map_s2pt(uint32_t vmid, uint64_t addr, uint32_t level,
			uint64_t pte)
{
	enum hv_status status;

	acquire_lock_pt(vmid);
	status = set_npt(vmid, addr, level, pte);
	release_lock_pt(vmid);
	return status;
}

/**
 * init_s2pt() - give a VM an empty table
 * @vmid: a VM
 *
 * Spec:    NPTOps.init_s2pt (C): nothing happens where there is one
 * Delta:   D-001: a status where no memory is left
 * Locks:   takes pt[vmid]; caller holds s2page
 * Returns: HV_OK, also if it has one; HV_ENOMEM
 */
enum hv_status init_s2pt(uint32_t vmid)
{
	enum hv_status status = HV_OK;

	acquire_lock_pt(vmid);
	if (pt_pool_root(vmid) == 0) {
		status = pt_pool_create(vmid);
	}
	release_lock_pt(vmid);
	return status;
}

static uint64_t vttbr_of(vmid_t vmid)
{
	paddr_t root = pt_pool_root(vmid);

	return root == 0 ? 0 : root | INPLACE(VTTBR_VMID, vmid);
}

/**
 * get_vm_vttbr() - what VTTBR_EL2 holds while a VM or the host runs
 * @vmid: HOSTVISOR or a VM
 *
 * Spec:    NPTOps.get_vm_vttbr (C)
 * Locks:   takes pt[vmid]
 * Returns: PA of the root, VMID in bits 55:48; 0 if there is no table
 */
uint64_t get_vm_vttbr(uint32_t vmid)
{
	uint64_t vttbr;

	acquire_lock_pt(vmid);
	vttbr = vttbr_of(vmid);
	release_lock_pt(vmid);
	return vttbr;
}

/*
 * Replaces the host's block around @addr, whose entry is @pmd, by a table that
 * maps the same pages but one. Break-before-make: the table is complete and
 * visible before it is linked, and no TLB holds the block any more then.
 */
static void split_host_block(uint64_t pud, uint64_t pmd, uint64_t addr)
{
	paddr_t table = alloc_pmd_page(HOSTVISOR);

	ASSERT(table != 0);
	fill_ptes(HOSTVISOR, table, pmd | PMD_TABLE_BIT);
	set_pte(HOSTVISOR, table | PMD_TYPE_TABLE, addr, PAGE_GUEST);
	set_pmd(HOSTVISOR, pud, addr, 0);
	tlb_flush_ipa(vttbr_of(HOSTVISOR), addr);
	set_pmd(HOSTVISOR, pud, addr, table | PMD_TYPE_TABLE);
}

/**
 * clear_pfn_host() - take a page out of the host's table
 * @pfn: page frame number below 2^28
 *
 * Where the host maps the page its entry becomes PAGE_GUEST, and no CPU has
 * the translation any more at return. A block around it becomes 511 pages.
 *
 * Spec:   NPTOps.clear_pfn_host_spec
 * Locks:  takes pt[HOSTVISOR]; caller holds s2page
 * Panics: @pfn out of range; no table page for a split, which the size of the
 *	   host's pool rules out - nobody
 */
void clear_pfn_host(uint64_t pfn)
{
	uint64_t addr = pfn << PAGE_SHIFT;
	uint64_t pud, pmd;

	ASSERT(pfn < KVM_PFN_SPACE);
	acquire_lock_pt(HOSTVISOR);
	pud = npt_pud(HOSTVISOR, addr);
	pmd = walk_pmd(HOSTVISOR, pud, addr, 0);
	if (pt_is_valid(pmd) && !pt_is_table(pmd)) {
		split_host_block(pud, pmd, addr);
	} else if (pt_is_valid(walk_pte(HOSTVISOR, pmd, addr))) {
		set_pte(HOSTVISOR, pmd, addr, PAGE_GUEST);
		tlb_flush_ipa(vttbr_of(HOSTVISOR), addr);
	}
	release_lock_pt(HOSTVISOR);
}

void clear_block_host(pfn_t pfn)
{
	uint64_t addr = pfn << PAGE_SHIFT;
	uint64_t pud, pmd;

	ASSERT(pfn < KVM_PFN_SPACE && pfn % PMD_PAGE_NUM == 0);
	acquire_lock_pt(HOSTVISOR);
	pud = npt_pud(HOSTVISOR, addr);
	pmd = walk_pmd(HOSTVISOR, pud, addr, 0);
	if (pt_is_table(pmd)) {
		if (replace_valid(HOSTVISOR, pmd & S2_OA_MASK, PAGE_GUEST)) {
			tlb_flush_vmid(vttbr_of(HOSTVISOR));
		}
	} else if (pt_is_valid(pmd)) {
		set_pmd(HOSTVISOR, pud, addr, 0);
		tlb_flush_ipa(vttbr_of(HOSTVISOR), addr);
	}
	release_lock_pt(HOSTVISOR);
}

uint64_t npt_missing_tables(vmid_t vmid, ipa_t ipa, uint64_t pages,
			    uint32_t level)
{
	ipa_t first = ipa & ~(PMD_SIZE - 1);
	ipa_t end = ipa + (pages << PAGE_SHIFT);
	uint64_t missing = 0;

	ASSERT(lock_s2page_is_held());
	for (ipa_t addr = first; addr < end; addr += PMD_SIZE) {
		uint64_t pud = npt_pud(vmid, addr);
		uint64_t pmd = walk_pmd(vmid, pud, addr, 0);

		missing += npt_tables_for_leaf(pud, pmd, level);
		/* A missing level-2 table was counted with its first block. */
		if (!pt_is_valid(pud) && addr != first &&
		    addr % PUD_SIZE != 0) {
			missing--;
		}
	}
	return missing;
}

bool npt_range_is_unmapped(vmid_t vmid, ipa_t ipa, uint64_t pages)
{
	ipa_t end = ipa + (pages << PAGE_SHIFT);
	ipa_t addr = ipa;

	ASSERT(lock_s2page_is_held());
	while (addr < end) {
		uint64_t pmd = npt_pmd(vmid, addr);

		if (!pt_is_valid(pmd)) {
			/* Nothing up to the next level-2 entry. */
			addr = (addr | (PMD_SIZE - 1)) + 1;
		} else if (!pt_is_table(pmd) ||
			   pt_is_valid(walk_pte(vmid, pmd, addr))) {
			return false;
		} else {
			addr += PAGE_SIZE;
		}
	}
	return true;
}

bool npt_block_has_table(vmid_t vmid, ipa_t ipa)
{
	ASSERT(lock_s2page_is_held());
	return pt_is_table(npt_pmd(vmid, ipa));
}

/* clear_npt() with the lock. */
static void empty_npt(vmid_t vmid)
{
	paddr_t root = pt_pool_root(vmid);

	ASSERT(vmid != HOSTVISOR);
	if (root != 0) {
		npt_empty_root(vmid);
		tlb_flush_vmid(vttbr_of(vmid));
	}
}

void clear_npt(vmid_t vmid)
{
	acquire_lock_pt(vmid);
	empty_npt(vmid);
	release_lock_pt(vmid);
}

void release_s2pt(vmid_t vmid)
{
	acquire_lock_pt(vmid);
	empty_npt(vmid);
	pt_pool_release(vmid);
	release_lock_pt(vmid);
}

bool npt_next_pa(vmid_t vmid, struct npt_cursor *c, paddr_t *pa,
		 uint64_t *pages)
{
	uint64_t desc;

	if (!npt_next_leaf(vmid, &c->page, &c->index, &desc)) {
		return false;
	}
	*pages = 0;
	if (desc != 0) {
		*pa = desc & S2_OA_MASK;
		*pages = pt_is_table(desc) ? 1 : PMD_PAGE_NUM;
	}
	return true;
}
