/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 tables with their locks. Layer: NPTOps, on NPTWalk and Locks.
 * Locks: takes pt[vmid].
 */
#include "core/npt_ops.h"

#include "core/locks.h"
#include "core/npt_walk.h"

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
 * Locks:   takes pt[vmid]
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
