/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole walks of a stage-2 table. Layer: NPTWalk.
 */
#ifndef COREVISOR_CORE_NPT_WALK_H
#define COREVISOR_CORE_NPT_WALK_H

#include "core/types.h"

uint32_t get_npt_level(uint32_t vmid, uint64_t addr);
uint64_t walk_npt(uint32_t vmid, uint64_t addr);
enum hv_status WARN_UNUSED set_npt(uint32_t vmid, uint64_t addr,
				   uint32_t level, uint64_t pte);

/*
 * The level-1 and the level-2 entry for an address below 2^40, 0 if there is
 * none or no table at all. Locks: caller holds pt[vmid] or s2page.
 */
uint64_t npt_pud(uint32_t vmid, uint64_t addr);
uint64_t npt_pmd(uint32_t vmid, uint64_t addr);

/**
 * npt_next_leaf() - the next leaf in an owner's table pages, linked or not
 * @vmid:  whose
 * @page:  the page being read, 0 at the start
 * @index: next entry in it
 * @desc:  the leaf, 0 if the rest of one table page held none
 *
 * One call reads one table page at most.
 * Locks:   caller holds s2page
 * Returns: false after the last table page, with nothing in @desc
 */
bool npt_next_leaf(vmid_t vmid, paddr_t *page, uint64_t *index, uint64_t *desc);

/*
 * Empties the root of an owner's table; the caller invalidates TLBs.
 * Locks: caller holds s2page and pt[vmid] or spt.
 */
void npt_empty_root(vmid_t vmid);

/* Table pages that a leaf at @level still needs where these entries are. */
uint64_t npt_tables_for_leaf(uint64_t pud, uint64_t pmd, uint32_t level);

#endif /* COREVISOR_CORE_NPT_WALK_H */
