/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 tables with their locks. Layer: NPTOps.
 *
 * Whatever changes a table: the caller holds s2page, the function takes
 * pt[vmid]. The checks take no lock; their caller holds s2page, and until it
 * is released their answer stays true. See locks.h.
 */
#ifndef COREVISOR_CORE_NPT_OPS_H
#define COREVISOR_CORE_NPT_OPS_H

#include "core/types.h"

uint32_t get_level_s2pt(uint32_t vmid, uint64_t addr);
uint64_t walk_s2pt(uint32_t vmid, uint64_t addr);
enum hv_status WARN_UNUSED map_s2pt(uint32_t vmid, uint64_t addr,
				    uint32_t level, uint64_t pte);
enum hv_status WARN_UNUSED init_s2pt(uint32_t vmid);
uint64_t get_vm_vttbr(uint32_t vmid);
void clear_pfn_host(uint64_t pfn);

/**
 * clear_block_host() - take a whole 2 MiB block out of the host's table
 * @pfn: its first page, 512 aligned, below 2^28
 *
 * As clear_pfn_host() for each of the 512 pages, with one invalidation.
 *
 * Locks: takes pt[HOSTVISOR]; caller holds s2page
 */
void clear_block_host(pfn_t pfn);

/**
 * npt_missing_tables() - what a range still costs
 * @vmid:  whose table, not necessarily there
 * @ipa:   first byte, page aligned; for level 2 2 MiB aligned
 * @pages: how many, at least 1; the range ends at 2^40 or before
 * @level: 2 for blocks, 3 for pages
 *
 * map_s2pt() of the whole range succeeds if pt_pool_free_pages() is not less
 * than this and npt_range_is_unmapped() - for blocks also if no table stands
 * where one shall be, npt_block_has_table().
 *
 * Locks:   caller holds s2page
 * Returns: table pages that map_s2pt() of all of it would take from the pool
 */
uint64_t npt_missing_tables(vmid_t vmid, ipa_t ipa, uint64_t pages,
			    uint32_t level);

/**
 * npt_range_is_unmapped() - is there no mapping in a range?
 * @vmid:  whose table
 * @ipa:   first byte, page aligned
 * @pages: how many; the range ends at 2^40 or before
 *
 * Locks:   caller holds s2page
 * Returns: true if no address of it is mapped, or there is no table at all
 */
bool npt_range_is_unmapped(vmid_t vmid, ipa_t ipa, uint64_t pages);

/**
 * npt_block_has_table() - does a level-3 table stand where a block would?
 * @vmid: whose table
 * @ipa:  an address in the block
 *
 * True also for a table without any mapping, which is never taken away.
 *
 * Locks: caller holds s2page
 */
bool npt_block_has_table(vmid_t vmid, ipa_t ipa);

/**
 * clear_npt() - unmap everything from a VM's table
 * @vmid: a VM
 *
 * The root is emptied and the VMID invalidated on all CPUs, in constant time.
 * The tables stay in the pool with what they mapped, for npt_next_pa().
 * Nothing may be mapped for this VM from then on.
 *
 * Locks: takes pt[vmid]; caller holds s2page
 */
void clear_npt(vmid_t vmid);

/**
 * release_s2pt() - take a VM's table away
 * @vmid: a VM; nothing happens if it has none
 *
 * clear_npt(), then all its memory goes back to the arena. No CPU may have the
 * root in VTTBR_EL2.
 *
 * Locks: takes pt[vmid]; caller holds s2page
 */
void release_s2pt(vmid_t vmid);

/**
 * struct npt_cursor - a place in a VM's table pages; zero is the start
 * @page:  PA of the table page being read, 0 for the first
 * @index: next entry in it
 */
struct npt_cursor {
	paddr_t page;
	uint64_t index;
};

/**
 * npt_next_pa() - the next thing that a VM's table pages name
 * @vmid:  a VM
 * @c:	   where to go on; valid until release_s2pt()
 * @pa:	   PA of the mapped page or block, RAM or device
 * @pages: 1, 512, or 0 if the rest of one table page held nothing
 *
 * Finds what was mapped also after clear_npt(). One call reads one table page
 * at most, so that its time is bounded.
 *
 * Locks:   caller holds s2page
 * Returns: false after the last table page, with nothing in @pa and @pages
 */
bool npt_next_pa(vmid_t vmid, struct npt_cursor *c, paddr_t *pa,
		 uint64_t *pages);

#endif /* COREVISOR_CORE_NPT_OPS_H */
