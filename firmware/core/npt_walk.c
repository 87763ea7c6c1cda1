/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole walks of a stage-2 table. Layer: NPTWalk, on PTWalk; MmioSPTWalk.
 * Locks: the caller holds pt[vmid] or s2page to read, both to write; spt in
 * place of pt[vmid] for an SMMU's table.
 */
#include "core/npt_walk.h"

#include "core/locks.h"
#include "core/panic.h"
#include "core/pt_alloc.h"
#include "core/pt_walk.h"
#include "core/spec_constants.h"

uint64_t npt_pud(uint32_t vmid, uint64_t addr)
{
	paddr_t root = pt_pool_root(vmid);

	return root == 0 ? 0 :
			   walk_pud(vmid, walk_pgd(vmid, root, addr), addr, 0);
}

uint64_t npt_pmd(uint32_t vmid, uint64_t addr)
{
	return walk_pmd(vmid, npt_pud(vmid, addr), addr, 0);
}

/**
 * get_npt_level() - at which level an address is mapped
 * @vmid: whose table
 * @addr: IPA in bytes, below 2^40
 *
 * Spec:    NPTWalk.get_npt_level_spec
 * Delta:   D-005: "mapped" is the valid bit, not a non-zero output address
 * Locks:   caller holds pt[vmid] or s2page
 * Returns: 2 for a block, 3 for a page, 0 if it is not mapped
 */
uint32_t get_npt_level(uint32_t vmid, uint64_t addr)
{
	uint64_t pmd = npt_pmd(vmid, addr);

	if (!pt_is_valid(pmd)) {
		return 0;
	}
	if (!pt_is_table(pmd)) {
		return 2;
	}
	return pt_is_valid(walk_pte(vmid, pmd, addr)) ? 3 : 0;
}

/**
 * walk_npt() - the leaf that maps an address
 * @vmid: whose table
 * @addr: IPA in bytes, below 2^40
 *
 * Spec:    NPTWalk.walk_npt_spec
 * Locks:   caller holds pt[vmid] or s2page
 * Returns: the level-3 entry, or the level-2 entry if that is a block; 0 if
 *	    there is neither
 */
uint64_t walk_npt(uint32_t vmid, uint64_t addr)
{
	uint64_t pmd = npt_pmd(vmid, addr);

	return pt_is_table(pmd) ? walk_pte(vmid, pmd, addr) : pmd;
}

bool npt_next_leaf(vmid_t vmid, paddr_t *page, uint64_t *index, uint64_t *desc)
{
	ASSERT(lock_s2page_is_held());
	if (*page == 0 || *index == PTRS_PER_PTE) {
		paddr_t next = pt_pool_next_page(vmid, *page);

		if (next == 0) {
			return false;
		}
		*page = next;
		*index = 0;
	}
	*desc = 0;
	while (*index < PTRS_PER_PTE && *desc == 0) {
		uint64_t entry = load_entry(*page, (*index)++);

		*desc = pt_is_leaf(entry) ? entry : 0;
	}
	return true;
}

void npt_empty_root(vmid_t vmid)
{
	paddr_t root = pt_pool_root(vmid);

	replace_valid(vmid, root, 0);
	replace_valid(vmid, root + PAGE_SIZE, 0);
}

uint64_t npt_tables_for_leaf(uint64_t pud, uint64_t pmd, uint32_t level)
{
	uint64_t missing = 0;

	missing += pt_is_valid(pud) ? 0 : 1;
	missing += level == 3 && !pt_is_valid(pmd) ? 1 : 0;
	return missing;
}

/**
 * set_npt() - install a leaf where nothing is mapped
 * @vmid:  whose table
 * @addr:  IPA in bytes, below 2^40
 * @level: 2 for a block, 3 for a page
 * @pte:   descriptor of that level
 *
 * An entry that is there already with the same value is success. A change of
 * a valid entry would need break-before-make and is refused here.
 *
 * Spec:    NPTWalk.set_npt_spec
 * Delta:   D-001: a status instead of a panic; nothing is replaced (G18)
 * Locks:   caller holds s2page and pt[vmid]
 * Returns: HV_OK; HV_EPERM if @vmid has no table; HV_EBUSY if a block, a table
 *	    (for level 2) or another page is there; HV_ENOMEM if the pool lacks
 *	    a table page. Nothing has changed on an error.
 */
enum hv_status set_npt(uint32_t vmid, uint64_t addr, uint32_t level,
		       uint64_t pte)
{
	paddr_t root = pt_pool_root(vmid);
	uint64_t pgd, pud, pmd, old;

	ASSERT(lock_table_is_held(vmid));
	ASSERT((level == 2 || level == 3) && pt_is_leaf(pte));
	ASSERT(pt_is_table(pte) == (level == 3));
	if (root == 0) {
		return HV_EPERM;
	}
	pgd = walk_pgd(vmid, root, addr);
	pud = walk_pud(vmid, pgd, addr, 0);
	pmd = walk_pmd(vmid, pud, addr, 0);
	old = pt_is_table(pmd) ? walk_pte(vmid, pmd, addr) : pmd;
	if (pt_is_valid(pmd) && pt_is_table(pmd) != (level == 3)) {
		return HV_EBUSY;
	}
	if (pt_is_valid(old)) {
		return old == pte ? HV_OK : HV_EBUSY;
	}
	if (pt_pool_free_pages(vmid) <
	    npt_tables_for_leaf(pud, pmd, level)) {
		return HV_ENOMEM;
	}
	pud = walk_pud(vmid, pgd, addr, 1);
	if (level == 2) {
		set_pmd(vmid, pud, addr, pte);
	} else {
		set_pte(vmid, walk_pmd(vmid, pud, addr, 1), addr, pte);
	}
	return HV_OK;
}
