/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The definitions that spec/ corrects, as the Coq has them. Nothing but tests
 * uses this file. Locks are left out: they are not what differs.
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

static void unmap_run(struct npt *npt, uint32_t i)
{
	npt->nr_runs--;
	for (; i < npt->nr_runs; i++) {
		npt->runs[i] = npt->runs[i + 1];
	}
}

/* Unmaps every run that begins in the range: enough for the tests. */
static void unmap_range(struct npt *npt, uint64_t gfn, uint64_t pages)
{
	for (uint32_t i = 0; i < npt->nr_runs;) {
		if (npt->runs[i].gfn - gfn < pages) {
			unmap_run(npt, i);
		} else {
			i++;
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

	if (level == 3 && npt_get(npt, gfn).level == 2) {
		return panic_spec(adt);
	}
	unmap_range(npt, gfn, pages);
	while (i < npt->nr_runs && npt->runs[i].gfn < gfn) {
		i++;
	}
	RELY_CALLER(npt->nr_runs < MAX_RUNS);
	for (uint32_t k = npt->nr_runs; k > i; k--) {
		npt->runs[k] = npt->runs[k - 1];
	}
	npt->nr_runs++;
	npt->runs[i] = (struct pt_run){
		.gfn = gfn, .pfn = (pte & PHYS_MASK) / PAGE_SIZE,
		.pages = pages, .pte = pte & ~PHYS_MASK, .level = level,
	};
	return SOME;
}

/* F.1: any count but 0 is a share (G16), any hole a device (design 4.2). */
enum option map_page_host_coq(uint64_t addr, struct rdata *adt)
{
	const struct s2page *page = record(addr / PAGE_SIZE, adt);
	uint64_t base = addr / PAGE_SIZE * PAGE_SIZE;

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

/* F.2 as Q-top: the reserved page's new record is not stored (G63). */
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
	if (page->count != INVALID) {
		page->gfn = gfn;
	}
	return SOME;
}

/* F.2 as the C: another owner's page passes without a word (G15). */
enum option assign_pfn_to_vm_c(uint32_t vmid, uint64_t gfn, uint64_t pfn,
			       struct rdata *adt)
{
	struct s2page *page = record(pfn, adt);

	if (page == NULL ||
	    (page->owner != HOSTVISOR && page->owner != vmid)) {
		return SOME;
	}
	return assign_pfn_to_vm_coq(vmid, gfn, pfn, adt);
}

/* F.3: no check of what is mapped, nor of alignment, nor a scrub (G34). */
enum option prot_and_map_vm_s2pt_coq(uint32_t vmid, uint64_t addr,
				     uint64_t pte, uint32_t level,
				     struct rdata *adt)
{
	uint64_t num = level == 2 ? PMD_PAGE_NUM : 1;
	uint64_t gfn = addr / PAGE_SIZE / num * num;
	uint64_t leaf = PAGE_S2_KERNEL_COQ;

	for (uint64_t i = 0; i < num && !adt->halt; i++) {
		WHEN(assign_pfn_to_vm_coq(vmid, gfn + i, pte / PAGE_SIZE + i,
					  adt));
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

/*
 * F.5: from addr, not from the page it lies in; what is not mapped is skipped,
 * and in a block it is always the first page (G57).
 */
enum option grant_stage2_sg_gpa_coq(uint32_t vmid, uint64_t addr,
				    uint64_t size, struct rdata *adt)
{
	uint64_t num = (size + PAGE_SIZE - 1) / PAGE_SIZE;

	for (uint64_t i = 0; i < num; i++) {
		struct npt_entry entry = npt_get(&adt->npts[vmid],
						 addr / PAGE_SIZE + i);
		struct s2page *page = entry.level == 0 ? NULL :
			record((entry.pte & PHYS_MASK) / PAGE_SIZE, adt);

		if (page != NULL && page->owner == vmid &&
		    page->count < MAX_SHARE_COUNT) {
			page->count++;
		}
	}
	return SOME;
}

/* F.4: the VM's table stays, and vCPUs may run (G21); all at once (G37). */
enum option clear_vm_stage2_range_coq(uint32_t vmid, uint64_t start,
				      uint64_t size, struct rdata *adt)
{
	if (adt->vms[vmid].state != POWEROFF) {
		return SOME;
	}
	for (uint64_t i = 0; i < adt->nr_pages; i++) {
		struct s2page *page = &adt->s2page[i];

		if (page->owner == vmid &&
		    page->gfn * PAGE_SIZE - start < size) {
			*page = (struct s2page){ HOSTVISOR, 0, 0 };
			adt->flatmem[i] = 0;
		}
	}
	return SOME;
}

/* F.10: whatever is not RAM by its whole number, over whatever there is. */
enum option kvm_phys_addr_ioremap_coq(uint32_t vmid, uint64_t gpa,
				      uint64_t pa, uint64_t size,
				      struct rdata *adt)
{
	for (uint64_t i = 0; i * PAGE_SIZE < size; i++) {
		uint64_t page = pa + i * PAGE_SIZE;

		if (get_s2_page_index_spec(page, adt) == INVALID64) {
			WHEN(local_mmap_coq(vmid, gpa + i * PAGE_SIZE, 3,
					    page | PAGE_S2_DEVICE | S2_RDWR,
					    adt));
		}
	}
	return SOME;
}

/* Seed 002 with its own HPFAR_MASK (G54), and no look at the fault (G14). */
enum option handle_host_stage2_fault_coq(struct rdata *adt)
{
	uint64_t addr = (adt->hpfar_el2 & HPFAR_MASK_COQ) * 256;

	RELY(adt->esr_el2 <= UINT32_MAX);
	return map_page_host_coq(addr, adt);
}

/* Seed 002: X0 is left as it was. */
enum option core_handle_pvops_coq(struct rdata *adt, uint32_t *res)
{
	const uint64_t *x = adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid];

	*res = 1;
	if (x[X0] == HVC_KVM_SET_DESC_PFN) {
		*res = 0;
		return grant_stage2_sg_gpa_coq(adt->cur_vmid, x[X2], x[X3],
					       adt);
	}
	return SOME;
}

/* G53: the syndrome in place of the program counter. */
enum option host_skip_instr_coq(struct rdata *adt)
{
	adt->esr_el2 = adt->elr_el2 + 4;
	return SOME;
}
