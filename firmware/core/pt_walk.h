/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One level of a stage-2 table each. Layer: PTWalk.
 *
 * Levels by the specification's names, and the architecture's in the geometry
 * used here (40-bit IPA, 4 KiB granule, start level 1):
 *
 *	pgd	IPA[39]		which of the two concatenated root pages
 *	pud	IPA[38:30]	level-1 entry
 *	pmd	IPA[29:21]	level-2 entry: table or 2 MiB block
 *	pte	IPA[20:12]	level-3 entry: page
 */
#ifndef COREVISOR_CORE_PT_WALK_H
#define COREVISOR_CORE_PT_WALK_H

#include "core/types.h"

uint64_t walk_pgd(uint32_t vmid, uint64_t vttbr, uint64_t addr);
uint64_t walk_pud(uint32_t vmid, uint64_t pgd, uint64_t addr, uint32_t alloc);
uint64_t walk_pmd(uint32_t vmid, uint64_t pud, uint64_t addr, uint32_t alloc);
uint64_t walk_pte(uint32_t vmid, uint64_t pmd, uint64_t addr);
void set_pmd(uint32_t vmid, uint64_t pud, uint64_t addr, uint64_t pmd);
void set_pte(uint32_t vmid, uint64_t pmd, uint64_t addr, uint64_t pte);

/* Whether a descriptor is valid, and whether it links a table. */
bool pt_is_valid(uint64_t desc);
bool pt_is_table(uint64_t desc);

/*
 * Whether a descriptor maps a page or a block: every leaf has the access flag
 * set, no table link has it. At level 3 a page passes pt_is_table() too.
 */
bool pt_is_leaf(uint64_t desc);

/**
 * fill_ptes() - write all entries of a level-3 table that nothing links yet
 * @vmid:  whose table
 * @table: PA of the table page
 * @pte:   the first one; the others map the pages that follow
 *
 * Not ordered: the caller's link comes after a barrier.
 * Locks: caller holds s2page and pt[vmid]
 */
void fill_ptes(vmid_t vmid, paddr_t table, uint64_t pte);

/*
 * Empties the entries for [@addr, @end) of a level-3 table. Ordered before
 * what follows. Locks: caller holds s2page and pt[vmid] or spt.
 */
void clear_ptes(vmid_t vmid, paddr_t table, uint64_t addr, uint64_t end);

/**
 * fill_pmds() - write level-2 entries of a table, up to its last one
 * @vmid: whose table
 * @pud:  level-1 entry that links the table
 * @pmd:  the first block; the others map the blocks that follow
 * @end:  first byte that is not mapped any more, 2 MiB aligned
 *
 * No block of them was mapped. Not ordered, as fill_ptes().
 * Locks:   caller holds s2page and pt[vmid] or spt
 * Returns: first byte behind what is mapped now
 */
uint64_t fill_pmds(vmid_t vmid, uint64_t pud, uint64_t pmd, uint64_t end);

/**
 * replace_valid() - make all valid entries of a table page invalid
 * @vmid:  whose table
 * @table: PA of the table page, of any level
 * @desc:  an invalid descriptor, which takes their place
 *
 * The caller invalidates TLBs, which makes it visible to walkers first.
 * Locks:   caller holds s2page and pt[vmid]
 * Returns: how many there were
 */
uint64_t replace_valid(vmid_t vmid, paddr_t table, uint64_t desc);

/* Entry @index of the table page at @table. */
uint64_t load_entry(paddr_t table, uint64_t index);

#endif /* COREVISOR_CORE_PT_WALK_H */
