/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MemoryOps.v: ranges of a VM's memory. Source: facts F.3, F.5, F.10, B.14.
 */
#include "spec/memory_ops.h"

#include "spec/abstract_machine.h"
#include "spec/dma.h"
#include "spec/locks.h"
#include "spec/mem_manager.h"
#include "spec/npt.h"
#include "spec/page_manager.h"
#include "spec/pt_alloc.h"

/* Assigns one page; what was the host's is scrubbed first (G34). */
static enum option assign_scrubbed(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				   struct rdata *adt)
{
	uint32_t owner;

	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	WHEN(assign_pfn_to_vm_spec(vmid, gfn, pfn, adt));
	return owner == HOSTVISOR && !adt->halt ?
	       clear_phys_page_spec(pfn, adt) : SOME;
}

/*
 * F.3: the host's answer to a fault of a VM.
 *
 * Corrected, G38: addr, and pte as a page address, are checked; the Coq relies.
 * Corrected, G17: a block is 2 MiB aligned in PA too, so that the 512 pages
 * checked are the 512 pages mapped.
 * Corrected, G18 and G19: what is mapped stays. The same answer once more is
 * accepted, any other is refused, before any page changes its owner.
 * Corrected, G31: so is a pool that lacks a table.
 * Corrected, G21: no table, no mapping; nor for a VM that is powered off.
 * Corrected, G33: nor another page than the VM's devices see there, if any.
 */
enum option prot_and_map_vm_s2pt_spec(uint32_t vmid, uint64_t addr,
				      uint64_t pte, uint32_t level,
				      struct rdata *adt)
{
	uint64_t num = level == 2 ? PMD_PAGE_NUM : 1;
	uint64_t gfn = addr / PAGE_SIZE / num * num;
	uint64_t pfn = pte / PAGE_SIZE;
	uint64_t leaf = pte | (level == 2 ? PAGE_S2_KERNEL & ~PMD_TABLE_BIT :
					    PAGE_S2_KERNEL);
	const struct npt *npt;
	struct npt_entry old;
	uint32_t state;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	RELY(is_paddr(addr) && is_paddr(pte));
	RELY(is_aligned(pte, num * PAGE_SIZE));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	RELY_OR(state != UNUSED && state != POWEROFF, NONE_PERM);
	WHEN(acquire_lock_s2page_spec(adt));
	npt = &adt->npts[vmid];
	old = npt_get(npt, gfn);
	if (old.level == (level == 2 ? 2 : 3) && old.pte == leaf) {
		WHEN(release_lock_s2page_spec(adt));
		return release_lock_vm_spec(vmid, adt);
	}
	RELY_OR(npt_is_unmapped(npt, gfn, num), NONE_BUSY);
	RELY_OR(npt_tables_needed(npt, gfn, num, level == 2 ? 2 : 3) <=
		pool_free_pages(vmid, adt), NONE_NOMEM);
	for (uint64_t i = 0; i < num; i++) {
		RELY_OR(dma_agrees(vmid, gfn + i, pfn + i, adt), NONE_PERM);
	}
	for (uint64_t i = 0; i < num; i++) {
		WHEN(assign_scrubbed(vmid, gfn + i, pfn + i, adt));
	}
	WHEN(map_pfn_vm_spec(vmid, gfn * PAGE_SIZE, pte, level, adt));
	WHEN(release_lock_s2page_spec(adt));
	return release_lock_vm_spec(vmid, adt);
}

/* Pages from the one that addr lies in to the one of the last byte (G57). */
static uint64_t pages_touched(uint64_t addr, uint64_t size)
{
	return (addr + size - 1) / PAGE_SIZE - addr / PAGE_SIZE + 1;
}

/*
 * The checks that grant and revoke share. The Coq relies on addr and size
 * below 2^48 only and rounds the size up from addr.
 *
 * Corrected, G57 and G38: what does not end by 2^40 is malformed, and so are
 * more than 512 pages; no page may be skipped.
 */
static enum option check_sg(uint32_t vmid, uint64_t addr, uint64_t size)
{
	RELY_CALLER(is_vm(vmid));
	RELY(is_paddr(addr) && is_range(addr, size, KVM_PHYS_SIZE));
	RELY(pages_touched(addr, size) <= MAX_PAGES_PER_CALL);
	return SOME;
}

/*
 * Corrected, G57: the Coq skips what is not mapped, and grant_vm_page leaves
 * what it may not change; here one such page refuses the whole range before
 * anything has changed.
 */
static enum option check_pages(uint32_t vmid, uint64_t gfn, uint64_t num,
			       uint32_t min, uint32_t max,
			       const struct rdata *adt)
{
	for (uint64_t i = 0; i < num; i++) {
		struct npt_entry entry = npt_get(&adt->npts[vmid], gfn + i);
		uint32_t owner, count;

		RELY_OR(entry.level != 0, NONE_PERM);
		WHEN(get_pfn_owner_spec(entry.pfn, adt, &owner));
		WHEN(get_pfn_count_spec(entry.pfn, adt, &count));
		RELY_OR(owner == vmid && count >= min && count <= max,
			NONE_PERM);
	}
	return SOME;
}

/*
 * grant_stage2_sg_gpa_loop, revoke_stage2_sg_gpa_loop: one page after the
 * other, each looked up in the VM's table. A page's position inside a block
 * counts (G57: Q-top takes the block's first page).
 */
static enum option sg_loop(uint32_t vmid, uint64_t gfn, uint64_t num,
			   enum option (*one)(uint32_t vmid, uint64_t pfn,
					      struct rdata *adt),
			   struct rdata *adt)
{
	for (uint64_t i = 0; i < num; i++) {
		WHEN(one(vmid, npt_get(&adt->npts[vmid], gfn + i).pfn, adt));
	}
	return SOME;
}

/* F.5: share with the host. */
enum option grant_stage2_sg_gpa_spec(uint32_t vmid, uint64_t addr,
				     uint64_t size, struct rdata *adt)
{
	uint64_t gfn = addr / PAGE_SIZE, num = pages_touched(addr, size);
	enum option done;

	if (adt->halt || size == 0) {
		return SOME;
	}
	WHEN(check_sg(vmid, addr, size));
	WHEN(acquire_lock_s2page_spec(adt));
	done = check_pages(vmid, gfn, num, 0, MAX_SHARE_COUNT - 1, adt);
	if (done == SOME) {
		WHEN(sg_loop(vmid, gfn, num, grant_vm_page_spec, adt));
	}
	WHEN(release_lock_s2page_spec(adt));
	return done;
}

/* F.5: take a share back. */
enum option revoke_stage2_sg_gpa_spec(uint32_t vmid, uint64_t addr,
				      uint64_t size, struct rdata *adt)
{
	uint64_t gfn = addr / PAGE_SIZE, num = pages_touched(addr, size);
	enum option done;

	if (adt->halt || size == 0) {
		return SOME;
	}
	WHEN(check_sg(vmid, addr, size));
	WHEN(acquire_lock_s2page_spec(adt));
	done = check_pages(vmid, gfn, num, 1, MAX_SHARE_COUNT, adt);
	if (done == SOME) {
		WHEN(sg_loop(vmid, gfn, num, revoke_vm_page_spec, adt));
	}
	WHEN(release_lock_s2page_spec(adt));
	return done;
}

/*
 * F.10, one page. The caller has checked that pa is a device of the host's
 * (G26) and that gpa maps nothing.
 */
enum option map_vm_io_spec(uint32_t vmid, uint64_t gpa, uint64_t pa,
			   struct rdata *adt)
{
	return map_s2pt_spec(vmid, gpa, 3, pa | PAGE_S2_DEVICE | S2_RDWR, adt);
}

enum option clear_vm_range_spec(uint32_t vmid, uint64_t *addr, uint64_t end,
				struct rdata *adt)
{
	uint64_t cleared = 0;
	bool more = false;

	WHEN(acquire_lock_s2page_spec(adt));
	for (uint32_t i = 0; i < adt->board.nr_regions; i++) {
		const struct pa_window *r = &adt->board.regions[i];

		/* In order of addresses: the board's regions ascend. */
		if (*addr < r->base && cleared < MAX_PAGES_PER_CALL) {
			*addr = r->base;
		}
		while (*addr < end && *addr < r->base + r->bytes &&
		       cleared < MAX_PAGES_PER_CALL) {
			uint32_t owner;

			WHEN(get_pfn_owner_spec(*addr / PAGE_SIZE, adt,
						&owner));
			cleared += owner == vmid ? 1 : 0;
			WHEN(clear_vm_page_spec(vmid, *addr / PAGE_SIZE, adt));
			*addr += PAGE_SIZE;
		}
		more = more || (*addr < r->base + r->bytes && r->base < end &&
				*addr < end);
	}
	WHEN(release_lock_s2page_spec(adt));
	return cleared == MAX_PAGES_PER_CALL && more ? AGAIN : SOME;
}
