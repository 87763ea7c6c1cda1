/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a VM's pages come back, in steps. Not specified. Layer: Reclaim, on
 * MemManager, NPTOps and MmioSPTOps; below MemHandler. Locks: the caller holds
 * vm[vmid]; takes s2page, then pt or spt.
 *
 * One call does a bounded part (G37) and keeps where it stopped.
 */
#include "core/reclaim.h"

#include "arch/mem.h"
#include "core/locks.h"
#include "core/mem_manager.h"
#include "core/mem_region.h"
#include "core/memory_ops.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/phys_page.h"
#include "core/spec_constants.h"
#include "core/spt_ops.h"
#include "core/vm_info.h"

/* Bounds of one hold of s2page, so that other CPUs' faults get their turn. */
#define PAGES_PER_HOLD		32u
#define RECORDS_PER_HOLD	512u

/**
 * struct budget - what this call may still do
 * @pages:   pages to scrub
 * @records: page records or table entries to look at
 */
struct budget {
	uint64_t pages;
	uint64_t records;
};

static const struct budget one_call = {
	.pages = MAX_PAGES_PER_CALL,
	.records = MAX_RECORDS_PER_CALL,
};

/**
 * struct reclaim - where the reclaim of a VM stands; protected by vm[vmid]
 * @clearing: whether the range below is not done yet
 * @start:    first byte of the range, PA
 * @size:     its bytes
 * @next:     next page of it
 * @tables:   next entry of the VM's tables, when it is destroyed
 * @bank:     of its banks: those below have been read
 * @leaves:   next leaf of @bank, if it is the VM's still
 * @run:      next page of what the last entry mapped
 * @run_end:  end of that
 * @scan:     next page of all of RAM, for pages that no table names
 */
struct reclaim {
	bool clearing;
	paddr_t start;
	uint64_t size;
	paddr_t next;
	struct npt_cursor tables;
	uint32_t bank;
	struct spt_cursor leaves;
	paddr_t run;
	paddr_t run_end;
	paddr_t scan;
};

static struct reclaim reclaims[COREVISOR];

static struct reclaim *reclaim_of(vmid_t vmid)
{
	ASSERT(is_vm(vmid) && lock_vm_is_held(vmid));
	return &reclaims[vmid];
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* @pa itself if it is RAM, else where RAM goes on above it, at most @end. */
static paddr_t next_ram(paddr_t pa, paddr_t end)
{
	paddr_t next = end;

	if (mem_region_search(pa) != INVALID) {
		return pa;
	}
	for (uint32_t i = 0; i < mem_region_count(); i++) {
		paddr_t base = mem_region_get(i)->base;

		if (base > pa && base < next) {
			next = base;
		}
	}
	return next;
}

/* Looks at pages from @next on, within one hold of s2page. */
static void reclaim_some(vmid_t vmid, paddr_t *next, paddr_t end,
			 struct budget *budget)
{
	uint64_t records = min(budget->records, RECORDS_PER_HOLD);
	uint64_t pages = min(budget->pages, PAGES_PER_HOLD);
	uint64_t cleared = 0;

	for (; *next < end && records > 0 && cleared < pages; records--) {
		pfn_t pfn = *next >> PAGE_SHIFT;

		if (get_pfn_owner(pfn) == vmid) {
			clear_vm_page(vmid, pfn);
			cleared++;
		}
		budget->records--;
		*next = next_ram(*next + PAGE_SIZE, end);
	}
	budget->pages -= cleared;
	if (cleared > 0) {
		/* The host fetches nothing that was the VM's. */
		icache_invalidate_all();
	}
}

/* Returns whether no page of @vmid is left in [*next, end). */
static bool reclaim_between(vmid_t vmid, paddr_t *next, paddr_t end,
			    struct budget *budget)
{
	*next = next_ram(*next, end);
	while (*next < end && budget->records > 0 && budget->pages > 0) {
		acquire_lock_s2page();
		if (page_manager_owned(vmid) == 0) {
			*next = end;
		} else {
			reclaim_some(vmid, next, end, budget);
		}
		release_lock_s2page();
	}
	return *next >= end;
}

/* Entries between two places of a cursor, which moved by one step. */
static uint64_t entries_between(uint64_t from_page, uint64_t from,
				uint64_t to_page, uint64_t to)
{
	return to - (to_page == from_page ? from : 0);
}

/* npt_next_pa(); @looked grows by the entries that were read. */
static bool next_in_table(vmid_t vmid, struct reclaim *reclaim, paddr_t *pa,
			  uint64_t *pages, uint64_t *looked)
{
	const struct npt_cursor before = reclaim->tables;
	bool more = npt_next_pa(vmid, &reclaim->tables, pa, pages);

	*looked += entries_between(before.page, before.index,
				   reclaim->tables.page,
				   reclaim->tables.index);
	return more;
}

/* The same for the tables of the VM's banks, one after the other. */
static bool next_in_banks(vmid_t vmid, struct reclaim *reclaim, paddr_t *pa,
			  uint64_t *pages, uint64_t *looked)
{
	uint32_t banks = get_vm_banks(vmid);
	uint64_t pte = 0;

	for (; reclaim->bank < EL2_SMMU_CFG_SIZE; reclaim->bank++) {
		const struct spt_cursor before = reclaim->leaves;

		if ((banks >> reclaim->bank & 1) != 0 &&
		    spt_next_leaf(reclaim->bank % SMMU_NUM_CTXT_BANKS,
				  reclaim->bank / SMMU_NUM_CTXT_BANKS,
				  &reclaim->leaves, &pte)) {
			*looked += entries_between(before.page, before.entry,
						   reclaim->leaves.page,
						   reclaim->leaves.entry);
			*pa = pte & S2_OA_MASK;
			*pages = pte != 0 ? 1 : 0;
			return true;
		}
		reclaim->leaves = (struct spt_cursor){ .page = 0 };
	}
	return false;
}

/* Whether a run may hold a page of the VM's; a block is looked through. */
static bool names_page_of(vmid_t vmid, paddr_t pa, uint64_t pages)
{
	return pages > 1 ||
	       (pages == 1 && get_pfn_owner(pa >> PAGE_SHIFT) == vmid);
}

/*
 * Takes the next entry of the VM's tables that names a page of the VM's, or
 * as many as one hold may look at; false after the last one.
 */
static bool next_run(vmid_t vmid, struct reclaim *reclaim,
		     struct budget *budget)
{
	uint64_t looked = 0;
	uint64_t pages;
	paddr_t pa;
	bool more;

	acquire_lock_s2page();
	do {
		pa = pages = 0;
		more = next_in_table(vmid, reclaim, &pa, &pages, &looked) ||
		       next_in_banks(vmid, reclaim, &pa, &pages, &looked);
		/* The record of a page that is named is looked at too. */
		looked += pages > 0 ? 1 : 0;
	} while (more && looked < RECORDS_PER_HOLD &&
		 !names_page_of(vmid, pa, pages));
	release_lock_s2page();
	budget->records -= min(budget->records, looked);
	reclaim->run = pa;
	reclaim->run_end = pa + (pages << PAGE_SHIFT);
	return more;
}

/* Returns whether no page that the VM's tables name is the VM's any more. */
static bool reclaim_tables(vmid_t vmid, struct reclaim *reclaim,
			   struct budget *budget)
{
	while (reclaim_between(vmid, &reclaim->run, reclaim->run_end,
			       budget)) {
		if (budget->records == 0 || budget->pages == 0) {
			return false;
		}
		if (!next_run(vmid, reclaim, budget)) {
			return true;
		}
	}
	return false;
}

bool reclaim_is_done(vmid_t vmid)
{
	bool nothing;

	acquire_lock_s2page();
	nothing = page_manager_owned(vmid) == 0;
	release_lock_s2page();
	return nothing;
}

bool reclaim_range(vmid_t vmid, paddr_t start, uint64_t size)
{
	struct reclaim *reclaim = reclaim_of(vmid);
	struct budget budget = one_call;

	if (!reclaim->clearing || reclaim->start != start ||
	    reclaim->size != size) {
		reclaim->start = start;
		reclaim->size = size;
		reclaim->next = start;
	}
	reclaim->clearing = !reclaim_between(vmid, &reclaim->next, start + size,
					     &budget);
	return !reclaim->clearing;
}

bool reclaim_all(vmid_t vmid)
{
	struct reclaim *reclaim = reclaim_of(vmid);
	struct budget budget = one_call;

	return reclaim_is_done(vmid) ||
	       (reclaim_tables(vmid, reclaim, &budget) &&
		reclaim_between(vmid, &reclaim->scan, KVM_PHYS_SIZE, &budget));
}

void reclaim_forget(vmid_t vmid)
{
	*reclaim_of(vmid) = (struct reclaim){ .clearing = false };
}

static uint64_t pages_of_vms(void)
{
	uint64_t pages = 0;

	acquire_lock_s2page();
	for (vmid_t vmid = HOSTVISOR + 1; vmid < COREVISOR; vmid++) {
		pages += page_manager_owned(vmid);
	}
	release_lock_s2page();
	return pages;
}

/* Scrubs VMs' pages from @pa on within one hold; returns how many. */
static uint64_t scrub_some(paddr_t *pa)
{
	uint64_t scrubbed = 0;

	acquire_lock_s2page();
	for (uint32_t i = 0; i < RECORDS_PER_HOLD && *pa < KVM_PHYS_SIZE &&
	     scrubbed < PAGES_PER_HOLD; i++) {
		if (is_vm(get_pfn_owner(*pa >> PAGE_SHIFT))) {
			clear_phys_page(*pa >> PAGE_SHIFT);
			scrubbed++;
		}
		*pa = next_ram(*pa + PAGE_SIZE, KVM_PHYS_SIZE);
	}
	icache_invalidate_all();
	release_lock_s2page();
	return scrubbed;
}

void reclaim_scrub_vms(void)
{
	paddr_t pa = next_ram(0, KVM_PHYS_SIZE);
	uint64_t left = pages_of_vms();

	while (left > 0 && pa < KVM_PHYS_SIZE) {
		left -= min(left, scrub_some(&pa));
	}
}

void reclaim_reset(void)
{
	for (vmid_t vmid = 0; vmid < COREVISOR; vmid++) {
		reclaims[vmid] = (struct reclaim){ .clearing = false };
	}
}
