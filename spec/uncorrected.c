/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The definitions about pages and tables that spec/ corrects. Suffix _coq: as
 * the Coq has them, which is column Q of the facts; _qtop: where its topmost
 * layer has another; _c: as the C has them. Nothing but tests uses this file.
 * Locks are left out: they are not what differs.
 */
#include "spec/uncorrected.h"

#include <stddef.h>

#include "spec/abstract_machine.h"
#include "spec/npt.h"
#include "spec/page_manager.h"

static struct s2page *record(uint64_t pfn, struct rdata *adt)
{
	uint64_t i = is_pfn(pfn) ?
		     get_s2_page_index_spec(pfn * PAGE_SIZE, adt) : INVALID64;

	return i == INVALID64 ? NULL : &adt->s2page[i];
}

static void insert_run(struct npt *npt, uint32_t i, struct pt_run run)
{
	for (uint32_t k = npt->nr_runs; k > i; k--) {
		npt->runs[k] = npt->runs[k - 1];
	}
	npt->nr_runs++;
	npt->runs[i] = run;
}

static void delete_run(struct npt *npt, uint32_t i)
{
	npt->nr_runs--;
	for (; i < npt->nr_runs; i++) {
		npt->runs[i] = npt->runs[i + 1];
	}
}

/* What is left of a run from @gfn on. */
static struct pt_run tail_of(struct pt_run run, uint64_t gfn)
{
	run.pfn += gfn - run.gfn;
	run.pages -= gfn - run.gfn;
	run.gfn = gfn;
	return run;
}

/* Cuts the range out of every run, without a word to anybody. */
static void unmap_range(struct npt *npt, uint64_t gfn, uint64_t pages)
{
	for (uint32_t i = 0; i < npt->nr_runs;) {
		struct pt_run run = npt->runs[i];

		if (run.gfn + run.pages <= gfn || run.gfn >= gfn + pages) {
			i++;
			continue;
		}
		delete_run(npt, i);
		if (run.gfn + run.pages > gfn + pages) {
			insert_run(npt, i, tail_of(run, gfn + pages));
		}
		if (run.gfn < gfn) {
			run.pages = gfn - run.gfn;
			insert_run(npt, i, run);
		}
	}
}

/*
 * A.9: what is mapped is replaced, a whole table by a block (G18, G19), and
 * consecutive pfns are set from any start (G17). A page under a block halts.
 */
enum option local_mmap_coq(uint32_t vmid, uint64_t addr, uint32_t level,
			   uint64_t pte, struct rdata *adt)
{
	struct npt *npt = &adt->npts[vmid];
	uint64_t pages = level == 2 ? PMD_PAGE_NUM : 1;
	uint64_t gfn = addr / PAGE_SIZE / pages * pages;
	uint32_t i = 0;

	RELY_CALLER(npt->nr_runs < MAX_RUNS - 1);
	RELY(level != 2 || (pte & PMD_TYPE_TABLE) != PMD_TYPE_TABLE);
	if (level == 3 && npt_get(npt, gfn).level == 2) {
		return panic_spec(adt);
	}
	unmap_range(npt, gfn, pages);
	while (i < npt->nr_runs && npt->runs[i].gfn < gfn) {
		i++;
	}
	insert_run(npt, i, (struct pt_run){
		.gfn = gfn, .pfn = (pte & PHYS_MASK) / PAGE_SIZE,
		.pages = pages, .pte = pte & ~PHYS_MASK, .level = level,
	});
	return SOME;
}

/* F.1: any count but 0 is a share (G16), any hole a device (D-007). */
enum option map_page_host_coq(uint64_t addr, struct rdata *adt)
{
	const struct s2page *page = record(addr / PAGE_SIZE, adt);
	uint64_t base = addr / PAGE_SIZE * PAGE_SIZE;

	RELY(is_paddr(addr));
	if (page == NULL) {
		return local_mmap_coq(HOSTVISOR, base, 3,
				      base | PAGE_S2_DEVICE | S2_RDWR, adt);
	}
	if (page->owner == HOSTVISOR || page->count > 0) {
		return local_mmap_coq(HOSTVISOR, base, 3,
				      base | PAGE_S2_KERNEL_COQ, adt);
	}
	return panic_spec(adt);
}

static void unmap_from_host(uint64_t pfn, struct rdata *adt)
{
	unmap_range(&adt->npts[HOSTVISOR], pfn, 1);
}

/* F.2: a reserved page becomes private and stays where the host maps it. */
enum option assign_pfn_to_vm_coq(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				 struct rdata *adt)
{
	struct s2page *page = record(pfn, adt);

	if (page == NULL) {
		return panic_spec(adt);
	}
	if (page->owner == HOSTVISOR && page->count == 0) {
		unmap_from_host(pfn, adt);
		*page = (struct s2page){ vmid, 0, gfn };
		return SOME;
	}
	if (page->owner != vmid ||
	    (page->gfn != gfn && page->gfn != INVALID64)) {
		return panic_spec(adt);
	}
	page->gfn = gfn;
	page->count = page->count == INVALID ? 0 : page->count;
	return SOME;
}

/* F.2 as Q-top: the reserved page's new record is not stored (G63). */
enum option assign_pfn_to_vm_qtop(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				  struct rdata *adt)
{
	struct s2page *page = record(pfn, adt);
	struct s2page old = page == NULL ? (struct s2page){ 0 } : *page;

	WHEN(assign_pfn_to_vm_coq(vmid, gfn, pfn, adt));
	if (old.owner == vmid && old.count == INVALID) {
		*page = old;
	}
	return SOME;
}

/* B.1 as the C: through a 32-bit accessor (G32). */
static uint32_t get_pfn_map_c(uint64_t pfn, struct rdata *adt)
{
	const struct s2page *page = record(pfn, adt);

	return page == NULL ? INVALID : (uint32_t)page->gfn;
}

/*
 * F.2 as the C: another owner's page passes without a word (G15); where the
 * Coq panics otherwise a line is printed and the caller goes on.
 */
enum option assign_pfn_to_vm_c(uint32_t vmid, uint64_t gfn, uint64_t pfn,
			       struct rdata *adt)
{
	struct s2page *page = record(pfn, adt);

	if (page == NULL) {
		return SOME;
	}
	if (page->owner == HOSTVISOR && page->count == 0) {
		return assign_pfn_to_vm_coq(vmid, gfn, pfn, adt);
	}
	if (page->owner == vmid && page->count == INVALID &&
	    get_pfn_map_c(pfn, adt) == gfn) {
		page->count = 0;
	}
	return SOME;
}

/*
 * F.3: no check of what is mapped, nor of alignment, nor a scrub (G34); no
 * other bound than the rely's (G38).
 */
enum option prot_and_map_vm_s2pt_coq(uint32_t vmid, uint64_t addr,
				     uint64_t pte, uint32_t level,
				     struct rdata *adt)
{
	uint64_t num = level == 2 ? PMD_PAGE_NUM : 1;
	uint64_t gfn = addr / PAGE_SIZE / num * num;
	uint64_t leaf = PAGE_S2_KERNEL_COQ;
	uint64_t pfn = (pte & PHYS_MASK) / PAGE_SIZE;

	RELY(addr < KVM_ADDR_SPACE);
	for (uint64_t i = 0; i < num && !adt->halt; i++) {
		WHEN(assign_pfn_to_vm_coq(vmid, gfn + i, pfn + i, adt));
	}
	if (adt->halt) {
		return SOME;
	}
	if (level == 2) {
		return local_mmap_coq(vmid, addr, 2,
				      (pte & PHYS_MASK) |
				      (leaf & ~PMD_TABLE_BIT), adt);
	}
	return local_mmap_coq(vmid, addr, 3, (pte & PHYS_MASK) | leaf, adt);
}

/* F.5: INVALID counts down (G16). */
enum option revoke_vm_page_coq(uint32_t vmid, uint64_t pfn, struct rdata *adt)
{
	struct s2page *page = record(pfn, adt);

	if (page != NULL && page->owner == vmid && page->count > 0) {
		page->count--;
		if (page->count == 0) {
			unmap_from_host(pfn, adt);
		}
	}
	return SOME;
}

/* F.5: what cannot be granted is left as it is. */
static enum option grant_vm_page_coq(uint32_t vmid, uint64_t pfn,
				     struct rdata *adt)
{
	struct s2page *page = record(pfn, adt);

	if (page != NULL && page->owner == vmid &&
	    page->count < MAX_SHARE_COUNT) {
		page->count++;
	}
	return SOME;
}

/* The page that a gfn's leaf names; of a block (B.14) or its first (Q-top). */
static uint64_t leaf_pfn(const struct npt_entry *entry, uint64_t gfn, bool top)
{
	uint64_t pfn = (entry->pte & PHYS_MASK) / PAGE_SIZE;

	return entry->level == 2 && !top ? pfn + gfn % PMD_PAGE_NUM : pfn;
}

/*
 * F.5: from addr, not from the page it lies in; what is not mapped is skipped,
 * and nobody learns of it (G57). No bound but the rely's (G38).
 */
static enum option sg_coq(uint32_t vmid, uint64_t addr, uint64_t size,
			  enum option (*one)(uint32_t vmid, uint64_t pfn,
					     struct rdata *adt),
			  bool top, struct rdata *adt)
{
	uint64_t num = (size + PAGE_SIZE - 1) / PAGE_SIZE;

	RELY(addr < KVM_ADDR_SPACE && size < KVM_ADDR_SPACE);
	for (uint64_t i = 0; i < num; i++) {
		uint64_t gfn = addr / PAGE_SIZE + i;
		struct npt_entry entry = npt_get(&adt->npts[vmid], gfn);

		if (entry.level != 0) {
			WHEN(one(vmid, leaf_pfn(&entry, gfn, top), adt));
		}
	}
	return SOME;
}

enum option grant_stage2_sg_gpa_coq(uint32_t vmid, uint64_t addr,
				    uint64_t size, struct rdata *adt)
{
	return sg_coq(vmid, addr, size, grant_vm_page_coq, false, adt);
}

/* In a block it is always the first page (G57). */
enum option grant_stage2_sg_gpa_qtop(uint32_t vmid, uint64_t addr,
				     uint64_t size, struct rdata *adt)
{
	return sg_coq(vmid, addr, size, grant_vm_page_coq, true, adt);
}

enum option revoke_stage2_sg_gpa_coq(uint32_t vmid, uint64_t addr,
				     uint64_t size, struct rdata *adt)
{
	return sg_coq(vmid, addr, size, revoke_vm_page_coq, false, adt);
}

/* F.4: of the VM's own table it takes nothing (G21). */
static void clear_vm_page_coq(uint32_t vmid, uint64_t pfn, struct rdata *adt)
{
	struct s2page *page = record(pfn, adt);

	if (page != NULL && page->owner == vmid) {
		unmap_from_host(pfn, adt);
		*page = (struct s2page){ HOSTVISOR, 0,
					 pfn + SMMU_HOST_OFFSET };
		adt->flatmem[page - adt->s2page] = 0;
	}
}

/* F.4: the host's table is left as it is, and map := 0 (G35). */
static void clear_vm_page_c(uint32_t vmid, uint64_t pfn, struct rdata *adt)
{
	struct s2page *page = record(pfn, adt);

	if (page != NULL && page->owner == vmid) {
		*page = (struct s2page){ HOSTVISOR, 0, 0 };
		adt->flatmem[page - adt->s2page] = 0;
	}
}

/* The RAM of a physical range, however much it is (G37). */
static void clear_ram(uint32_t vmid, uint64_t start, uint64_t size,
		      void (*one)(uint32_t vmid, uint64_t pfn,
				  struct rdata *adt),
		      struct rdata *adt)
{
	for (uint32_t r = 0; r < adt->board.nr_regions; r++) {
		const struct pa_window *region = &adt->board.regions[r];

		for (uint64_t at = 0; at < region->bytes; at += PAGE_SIZE) {
			if (region->base + at - start < size) {
				one(vmid, (region->base + at) / PAGE_SIZE,
				    adt);
			}
		}
	}
}

/*
 * B.14, D.1: of a physical range, all at once (G37), while vCPUs may run and
 * the VM's table stays (G21). Nothing if the VM is not powered off, which the
 * host cannot make it (G22).
 */
enum option clear_vm_stage2_range_coq(uint32_t vmid, uint64_t start,
				      uint64_t size, struct rdata *adt)
{
	RELY(is_vm(vmid));
	RELY(start < KVM_ADDR_SPACE && size < KVM_ADDR_SPACE);
	if (adt->vms[vmid].state == POWEROFF) {
		clear_ram(vmid, start, size, clear_vm_page_coq, adt);
	}
	return SOME;
}

/*
 * D.1, F.4 as the C: no range but the whole, no check of the number (G6), and
 * powered_on is 0 from the beginning, so that any VM is "off" (G20).
 */
enum option clear_vm_stage2_range_c(uint32_t vmid, uint64_t size,
				    struct rdata *adt)
{
	if (size == KVM_PHYS_SIZE) {
		clear_ram(vmid, 0, size, clear_vm_page_c, adt);
	}
	return SOME;
}

/*
 * B.1 as the C: regions that EL2 must not use are indexed from S2_PFN_SIZE on,
 * where there is no record (G29).
 */
uint64_t get_s2_page_index_c(uint64_t addr, const struct pa_window *nomap,
			     const struct rdata *adt)
{
	if (addr >= nomap->base && addr - nomap->base < nomap->bytes) {
		return S2_PFN_SIZE_C + (addr - nomap->base) / PAGE_SIZE;
	}
	return get_s2_page_index_spec(addr, adt);
}

/* B.2: an output address of 0 is "unmapped" (G30). */
uint32_t get_level_s2pt_coq(uint32_t vmid, uint64_t addr,
			    const struct rdata *adt)
{
	struct npt_entry entry = npt_get(&adt->npts[vmid], addr / PAGE_SIZE);

	return (entry.pte & PHYS_MASK) == 0 ? 0 : entry.level;
}
