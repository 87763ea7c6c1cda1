/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranges of a VM's memory: the answer to its fault, and what it shares with
 * the host. Layer: MemoryOps, on MemManager. Locks: takes vm[vmid], then s2page, then pt.
 *
 * Everything is checked under s2page before anything changes, and changes
 * under the same hold, so a call does all or nothing.
 */
#include "core/memory_ops.h"

#include "arch/mem.h"
#include "core/dma_identity.h"
#include "core/locks.h"
#include "core/mem_manager.h"
#include "core/npt_ops.h"
#include "core/panic.h"
#include "core/phys_page.h"
#include "core/pt_alloc.h"
#include "core/spec_constants.h"
#include "core/violation.h"
#include "core/vm_info.h"

/**
 * struct vm_map - what to map where
 * @vmid:  a VM
 * @level: 2 or 3
 * @gfn:   first guest frame
 * @pfn:   first page
 * @pages: how many
 */
struct vm_map {
	vmid_t vmid;
	uint32_t level;
	gfn_t gfn;
	pfn_t pfn;
	uint64_t pages;
};

/* HV_EBUSY if the place is taken, HV_ENOMEM if tables are missing. */
static enum hv_status check_place(const struct vm_map *map)
{
	ipa_t ipa = map->gfn << PAGE_SHIFT;

	if (!npt_range_is_unmapped(map->vmid, ipa, map->pages) ||
	    (map->level == 2 && npt_block_has_table(map->vmid, ipa))) {
		return refuse(HV_EBUSY, "already mapped");
	}
	if (npt_missing_tables(map->vmid, ipa, map->pages, map->level) >
	    pt_pool_free_pages(map->vmid)) {
		return refuse(HV_ENOMEM, "no memory for tables");
	}
	return HV_OK;
}

/* A block's descriptor is no page's, so the level need not be compared. */
static bool is_mapped_so(const struct vm_map *map)
{
	return walk_s2pt(map->vmid, map->gfn << PAGE_SHIFT) ==
	       mem_vm_leaf(map->pfn << PAGE_SHIFT, map->level);
}

static enum hv_status check_pages(const struct vm_map *map)
{
	uint64_t in_banks = get_vm_banks(map->vmid) == 0 ? 0 : map->pages;
	enum hv_status status = HV_OK;

	for (uint64_t i = 0; i < map->pages && status == HV_OK; i++) {
		status = mem_can_assign(map->vmid, map->gfn + i, map->pfn + i);
	}
	for (uint64_t i = 0; i < in_banks && status == HV_OK; i++) {
		status = mem_banks_agree(map->vmid, map->gfn + i, map->pfn + i);
	}
	return status;
}

static bool all_from_host(const struct vm_map *map)
{
	for (uint64_t i = 0; i < map->pages; i++) {
		if (!mem_is_host_page(map->pfn + i)) {
			return false;
		}
	}
	return true;
}

/* A checked step: nothing in it can fail. */
static void must(enum hv_status status)
{
	ASSERT(status == HV_OK);
}

/*
 * Assigns every page and erases what the host left in its own (G34); none of
 * them is in the host's table or a TLB when the erasing begins.
 */
static void take_pages(const struct vm_map *map)
{
	for (uint64_t i = 0; i < map->pages; i++) {
		bool scrub = mem_is_host_page(map->pfn + i);

		must(assign_pfn_to_vm(map->vmid, map->gfn + i, map->pfn + i));
		if (scrub) {
			clear_phys_page(map->pfn + i);
		}
	}
}

static void commit_map(const struct vm_map *map)
{
	if (map->level == 2 && all_from_host(map)) {
		/* One invalidation instead of 512, of each kind of TLB. */
		clear_block_host(map->pfn);
		dma_identity_remove(map->pfn, PMD_PAGE_NUM);
	}
	take_pages(map);
	/* What the VM executes comes from what it now sees. */
	icache_invalidate_all();
	must(map_pfn_vm(map->vmid, map->gfn << PAGE_SHIFT,
			map->pfn << PAGE_SHIFT, map->level));
}

static enum hv_status map_vm_locked(const struct vm_map *map)
{
	enum hv_status status;

	if (is_mapped_so(map)) {
		return HV_OK;
	}
	status = check_place(map);
	if (status == HV_OK) {
		status = check_pages(map);
	}
	if (status == HV_OK) {
		commit_map(map);
	}
	return status;
}

/**
 * prot_and_map_vm_s2pt() - answer a VM's fault with a page or a block
 * @vmid:  a VM
 * @addr:  IPA of the fault in bytes; rounded down to the page or block
 * @pte:   PA that the host offers, page or block aligned, and nothing else
 * @level: 2 for a block, anything else for a page
 *
 * Pages that were the host's arrive zeroed; pages that are the VM's already
 * keep their content. A guest frame that is mapped is never mapped anew (G19),
 * and a block never replaces pages nor the other way round (G18).
 *
 * Spec:    MemoryOps.prot_and_map_vm_s2pt_spec
 * Delta:   D-001: a status, and all pages are checked before one changes
 *	    (G15). D-011: what is mapped stays. D-012: host pages are zeroed
 *	    (G34). D-013: a block must be aligned (G17)
 * Locks:   takes vm[vmid], then s2page, then pt; caller holds none of these
 * Returns: HV_OK, also if exactly this is mapped already; HV_EINVAL for an
 *	    argument out of range; HV_EPERM without a VM, or for a page that
 *	    assign_pfn_to_vm() refuses; HV_EBUSY if something is mapped there;
 *	    HV_ENOMEM. Nothing has changed on an error
 * Refuses: see assign_pfn_to_vm() - host can reach this
 */
enum hv_status prot_and_map_vm_s2pt(uint32_t vmid, uint64_t addr,
				    uint64_t pte, uint32_t level)
{
	uint64_t bytes = level == 2 ? PMD_SIZE : PAGE_SIZE;
	struct vm_map map = {
		.vmid = vmid,
		.level = level == 2 ? 2 : 3,
		.gfn = (addr & ~(bytes - 1)) >> PAGE_SHIFT,
		.pfn = pte >> PAGE_SHIFT,
		.pages = bytes >> PAGE_SHIFT,
	};
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	if (addr >= KVM_PHYS_SIZE) {
		return refuse(HV_EINVAL, "IPA beyond 40 bits");
	}
	if (pte >= KVM_PHYS_SIZE || (pte & (bytes - 1)) != 0) {
		return refuse(HV_EINVAL, "PA is misaligned or too large");
	}
	acquire_lock_vm(vmid);
	if (get_vm_state(vmid) == UNUSED || get_vm_state(vmid) == POWEROFF) {
		status = refuse(HV_EPERM, "the VM does not run");
	} else {
		acquire_lock_s2page();
		status = map_vm_locked(&map);
		release_lock_s2page();
	}
	release_lock_vm(vmid);
	return status;
}

pfn_t memory_ops_pfn_at(vmid_t vmid, ipa_t addr)
{
	uint32_t level = get_level_s2pt(vmid, addr);
	pfn_t pfn;

	if (level == 0) {
		return INVALID64;
	}
	pfn = (walk_s2pt(vmid, addr) & S2_OA_MASK) >> PAGE_SHIFT;
	/* A block's entry has the address of its first page (G57). */
	return level == 2 ? pfn + ((addr >> PAGE_SHIFT) & (PMD_PAGE_NUM - 1)) :
			    pfn;
}

typedef enum hv_status page_step(vmid_t vmid, pfn_t pfn);

/* Applies @step to every page of [addr, end); stops at an error. */
static enum hv_status for_each_mapped(vmid_t vmid, ipa_t addr, ipa_t end,
				      page_step *step)
{
	enum hv_status status = HV_OK;

	for (; addr < end && status == HV_OK; addr += PAGE_SIZE) {
		/* INVALID64 is no page of anybody's. */
		status = step(vmid, memory_ops_pfn_at(vmid, addr));
	}
	return status;
}

enum hv_status memory_ops_round(uint64_t addr, uint64_t size, ipa_t *start,
				ipa_t *end)
{
	*start = *end = addr & ~(PAGE_SIZE - 1);
	if (size == 0) {
		return HV_OK;
	}
	if (addr >= KVM_PHYS_SIZE || size > KVM_PHYS_SIZE - addr) {
		return HV_EINVAL;
	}
	*end = (addr + size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	return *end - *start > MAX_PAGES_PER_CALL * PAGE_SIZE ? HV_EINVAL :
								HV_OK;
}

/*
 * Changes all pages of the range, or none. Two guest frames never map one
 * page, so what @allowed allows for each is what @change can do for all. Where
 * pages leave the host, what the VM executes comes from what it sees then.
 */
static enum hv_status change_range(vmid_t vmid, uint64_t addr, uint64_t size,
				   page_step *allowed, page_step *change,
				   bool leaves_host)
{
	enum hv_status status;
	ipa_t start, end;

	if (!is_vm(vmid)) {
		return HV_EINVAL;
	}
	status = memory_ops_round(addr, size, &start, &end);
	if (status != HV_OK || size == 0) {
		return status;
	}
	acquire_lock_s2page();
	status = for_each_mapped(vmid, start, end, allowed);
	if (status == HV_OK) {
		must(for_each_mapped(vmid, start, end, change));
		if (leaves_host) {
			icache_invalidate_all();
		}
	}
	release_lock_s2page();
	return status;
}

/**
 * grant_stage2_sg_gpa() - a VM shares a range with the host
 * @vmid: the VM
 * @addr: IPA in bytes; rounded down to a page
 * @size: bytes; the end is rounded up to a page
 *
 * Spec:    MemoryOps.grant_stage2_sg_gpa_spec
 * Delta:   D-014: pages that cannot be shared refuse the call instead of
 *	    being skipped, the range is rounded outwards and bounded (G57)
 * Locks:   takes s2page, then pt; caller holds none of these
 * Returns: HV_OK, also for no bytes, wherever; HV_EINVAL for a range beyond
 *	    2^40 or of more than MAX_PAGES_PER_CALL pages; HV_EPERM if a page is
 *	    not mapped, not the VM's RAM, or shared too often. Nothing has
 *	    changed on an error
 * Refuses: the above - a VM can reach this
 */
enum hv_status grant_stage2_sg_gpa(uint32_t vmid, uint64_t addr, uint64_t size)
{
	return change_range(vmid, addr, size, mem_can_grant, grant_vm_page,
			    false);
}

/**
 * revoke_stage2_sg_gpa() - a VM takes one share of a range back
 * @vmid: the VM
 * @addr: IPA in bytes; rounded down to a page
 * @size: bytes; the end is rounded up to a page
 *
 * Pages whose last share this was are out of the host's table and of all TLBs
 * at return.
 *
 * Spec:    MemoryOps.revoke_stage2_sg_gpa_spec
 * Delta:   D-014, as grant_stage2_sg_gpa()
 * Locks:   takes s2page, then pt; caller holds none of these
 * Returns: as grant_stage2_sg_gpa(); HV_EPERM also if a page is not shared
 * Refuses: the above - a VM can reach this
 */
enum hv_status revoke_stage2_sg_gpa(uint32_t vmid, uint64_t addr,
				    uint64_t size)
{
	return change_range(vmid, addr, size, mem_can_revoke, revoke_vm_page,
			    true);
}
