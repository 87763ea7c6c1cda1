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

/* Table pages that a leaf at @level still needs where these entries are. */
uint64_t npt_tables_for_leaf(uint64_t pud, uint64_t pmd, uint32_t level);

#endif /* COREVISOR_CORE_NPT_WALK_H */
