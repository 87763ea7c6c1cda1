/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BootOps.v and MmioOps.v: context banks and what they map, by calls of the
 * host. Source: facts B.11, D.1 and F.6 to F.8.
 *
 * Corrected, G6: a bank, an SMMU and a VM are numbers in range before anything
 * is looked at; the C has no check. Bank 0 of each is EL2's (docs/dma.rst).
 * Corrected, G69: a bank that is nobody's is one to refuse, where the C takes
 * its owner, 0xffffffff, as a number of a VM; and nothing is mapped or cleared
 * for a VM that is not READY, as in the Coq's topmost layer.
 */
#include "spec/smmu_ops.h"

#include "spec/abstract_machine.h"
#include "spec/dma.h"
#include "spec/locks.h"
#include "spec/mem_manager.h"
#include "spec/mmio_core.h"
#include "spec/mmio_spt.h"
#include "spec/npt.h"
#include "spec/page_manager.h"
#include "spec/smmu_cfg.h"

/* --- BootOps -------------------------------------------------------------- */

/*
 * The vm lock of a bank's owner, who has to be in a state; the host has none.
 * The Coq panics for a VM that is VERIFIED.
 */
static enum option enter_vm(uint32_t vmid, uint32_t wanted, struct rdata *adt)
{
	uint32_t state;

	if (vmid == HOSTVISOR) {
		return SOME;
	}
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	RELY_OR(state == wanted, NONE_PERM);
	return SOME;
}

static enum option leave_vm(uint32_t vmid, struct rdata *adt)
{
	return vmid == HOSTVISOR ? SOME : release_lock_vm_spec(vmid, adt);
}

enum option alloc_smmu_spec(uint32_t vmid, uint32_t cbndx, uint32_t index,
			    struct rdata *adt)
{
	WHEN(enter_vm(vmid, READY, adt));
	WHEN(init_spt_spec(cbndx, index, adt));
	return leave_vm(vmid, adt);
}

/*
 * Corrected, G33: the VM's CPUs and its devices see one page at a gfn, or the
 * host could show a device another page than the VM.
 */
static bool is_seen_alike(uint32_t vmid, uint64_t gfn, uint64_t pfn,
			  const struct rdata *adt)
{
	struct npt_entry entry = npt_get(&adt->npts[vmid], gfn);

	return (entry.level == 0 || entry.pfn == pfn) &&
	       dma_agrees(vmid, gfn, pfn, adt);
}

enum option assign_smmu_spec(uint32_t vmid, uint64_t pfn, uint64_t gfn,
			     struct rdata *adt)
{
	if (vmid == HOSTVISOR) {
		return SOME;
	}
	RELY_OR(is_seen_alike(vmid, gfn, pfn, adt), NONE_PERM);
	return assign_pfn_to_smmu_spec(vmid, gfn, pfn, adt);
}

/*
 * Corrected, G18 and G69: what is mapped stays. The Coq replaces it and counts
 * the new page; the old one keeps its count for ever.
 * Corrected, G11: the page is assigned and mapped in one hold of s2page, where
 * the Coq's two calls are two.
 */
enum option map_smmu_spec(uint32_t vmid, uint32_t cbndx, uint32_t index,
			  uint64_t iova, uint64_t pte, struct rdata *adt)
{
	uint64_t pfn = (pte & PHYS_MASK) / PAGE_SIZE, old;

	WHEN(enter_vm(vmid, READY, adt));
	WHEN(acquire_lock_s2page_spec(adt));
	WHEN(walk_spt_spec(cbndx, index, iova, adt, &old));
	RELY_OR(old == 0 || old == pte, NONE_BUSY);
	if (old == 0) {
		WHEN(assign_smmu_spec(vmid, pfn, iova / PAGE_SIZE, adt));
		WHEN(update_smmu_page_spec(vmid, cbndx, index, iova, pte,
					   adt));
	}
	WHEN(release_lock_s2page_spec(adt));
	return leave_vm(vmid, adt);
}

enum option clear_smmu_spec(uint32_t vmid, uint32_t cbndx, uint32_t index,
			    uint64_t iova, struct rdata *adt)
{
	WHEN(enter_vm(vmid, READY, adt));
	WHEN(acquire_lock_s2page_spec(adt));
	WHEN(unmap_smmu_page_spec(cbndx, index, iova, adt));
	WHEN(release_lock_s2page_spec(adt));
	return leave_vm(vmid, adt);
}

/* --- MmioOps -------------------------------------------------------------- */

static bool is_bank(uint64_t cbndx, uint64_t index, const struct rdata *adt)
{
	return index < adt->board.nr_smmus &&
	       cbndx < adt->board.smmus[index].banks;
}

/* smmu, and the owner of the bank, which is the host or a VM. */
static enum option enter_bank(uint64_t cbndx, uint64_t index,
			      struct rdata *adt, uint32_t *vmid)
{
	WHEN(acquire_lock_smmu_spec(adt));
	WHEN(get_smmu_cfg_vmid_spec((uint32_t)cbndx, (uint32_t)index, adt,
				    vmid));
	RELY_OR(*vmid < COREVISOR, NONE_PERM);
	return SOME;
}

/* The host's pages that a bank still counts are counted down (G37, G68). */
static enum option uncount(uint32_t cbndx, uint32_t index, uint64_t pfn,
			   struct rdata *adt)
{
	struct npt *spt = &adt->spts[index][cbndx];
	uint32_t count;

	RELY_CALLER(npt_get(spt, pfn).level != 0);
	WHEN(npt_remove_page(spt, pfn));
	WHEN(get_pfn_count_spec(pfn, adt, &count));
	RELY_CALLER(count > 0);
	return set_pfn_count_spec(pfn, count - 1, adt);
}

/*
 * A host's bank. In steps, and how much one step does is the implementation's
 * choice: core_doracle holds 1 for the last step, else 0, and the pfns that it
 * counts down. None is mapped from the first step on.
 */
static enum option free_host_bank(uint32_t cbndx, uint32_t index,
				  struct rdata *adt)
{
	struct oracle *o = &adt->core_doracle;
	bool last;

	RELY_CALLER(o->next < o->count);
	last = o->values[o->next++] == 1;
	adt->smmus[index].bank[cbndx].freeing = true;
	WHEN(acquire_lock_s2page_spec(adt));
	while (o->next < o->count) {
		WHEN(uncount(cbndx, index, o->values[o->next++], adt));
	}
	WHEN(release_lock_s2page_spec(adt));
	RELY_CALLER(!last || adt->spts[index][cbndx].nr_runs == 0);
	return last ? SOME : AGAIN;
}

/*
 * Corrected, G69: the table is emptied, and no stream and no TLB knows it any
 * more, before the bank is free; the Coq clears the owner and nothing else.
 * Of a VM's bank the pages stay the VM's, as in the Coq.
 */
static enum option give_up_bank(uint32_t cbndx, uint32_t index,
				struct rdata *adt)
{
	dma_leave_bank(cbndx, index, adt);
	WHEN(clear_spt_spec(cbndx, index, adt));
	WHEN(release_spt_spec(cbndx, index, adt));
	return set_smmu_cfg_vmid_spec(cbndx, index, INVALID, adt);
}

enum option el2_free_smmu_pgd_spec(uint64_t cbndx, uint64_t index,
				   struct rdata *adt)
{
	uint32_t bank = (uint32_t)cbndx, smmu = (uint32_t)index, vmid;
	enum option done = SOME;

	if (adt->halt) {
		return SOME;
	}
	RELY(is_bank(cbndx, index, adt));
	WHEN(acquire_lock_smmu_spec(adt));
	WHEN(get_smmu_cfg_vmid_spec(bank, smmu, adt, &vmid));
	RELY_OR(vmid != COREVISOR, NONE_PERM);
	if (vmid == INVALID) {
		return release_lock_smmu_spec(adt);
	}
	WHEN(enter_vm(vmid, POWEROFF, adt));
	if (vmid == HOSTVISOR) {
		done = free_host_bank(bank, smmu, adt);
	}
	if (done == SOME) {
		WHEN(give_up_bank(bank, smmu, adt));
	}
	WHEN(leave_vm(vmid, adt));
	WHEN(release_lock_smmu_spec(adt));
	return done;
}

enum option el2_alloc_smmu_pgd_spec(uint64_t cbndx, uint64_t vmid,
				    uint64_t index, struct rdata *adt)
{
	uint32_t bank = (uint32_t)cbndx, smmu = (uint32_t)index, owner;

	if (adt->halt) {
		return SOME;
	}
	RELY(is_bank(cbndx, index, adt) && vmid < COREVISOR);
	WHEN(acquire_lock_smmu_spec(adt));
	WHEN(get_smmu_cfg_vmid_spec(bank, smmu, adt, &owner));
	RELY_OR(owner != COREVISOR, NONE_PERM);
	/* The Coq: nothing happens. */
	RELY_OR(owner == INVALID, NONE_BUSY);
	WHEN(set_smmu_cfg_vmid_spec(bank, smmu, (uint32_t)vmid, adt));
	WHEN(alloc_smmu_spec((uint32_t)vmid, bank, smmu, adt));
	return release_lock_smmu_spec(adt);
}

/*
 * Corrected, G38 and G66: iova and paddr are addresses of pages. Of prot
 * reading and writing count and nothing else, so that no attribute is the
 * host's choice; the Coq takes all of prot but the address.
 */
enum option el2_arm_lpae_map_spec(uint64_t iova, uint64_t paddr,
				  uint64_t prot, uint64_t cbndx,
				  uint64_t index, struct rdata *adt)
{
	uint64_t pte = smmu_init_pte_spec(prot, paddr);
	uint32_t vmid;

	if (adt->halt) {
		return SOME;
	}
	RELY(is_paddr(iova) && is_aligned(iova, PAGE_SIZE));
	RELY(is_paddr(paddr) && is_aligned(paddr, PAGE_SIZE));
	RELY((prot & PHYS_MASK) == 0 && (prot & S2_RDWR) != 0);
	RELY(is_bank(cbndx, index, adt));
	WHEN(enter_bank(cbndx, index, adt, &vmid));
	RELY_OR(!adt->smmus[index].bank[cbndx].freeing, NONE_BUSY);
	WHEN(map_smmu_spec(vmid, (uint32_t)cbndx, (uint32_t)index, iova, pte,
			   adt));
	return release_lock_smmu_spec(adt);
}

/* Corrected: what is not mapped is 0; the Coq gives the offset then. */
enum option el2_arm_lpae_iova_to_phys_spec(uint64_t iova, uint64_t cbndx,
					   uint64_t index, struct rdata *adt,
					   uint64_t *paddr)
{
	uint32_t vmid;
	uint64_t pte;

	*paddr = 0;
	if (adt->halt) {
		return SOME;
	}
	RELY(is_paddr(iova) && is_bank(cbndx, index, adt));
	WHEN(enter_bank(cbndx, index, adt, &vmid));
	WHEN(walk_spt_spec((uint32_t)cbndx, (uint32_t)index, iova, adt,
			   &pte));
	if (pte != 0) {
		*paddr = (pte & PHYS_MASK) | iova % PAGE_SIZE;
	}
	return release_lock_smmu_spec(adt);
}

enum option el2_arm_lpae_clear_spec(uint64_t iova, uint64_t cbndx,
				    uint64_t index, struct rdata *adt)
{
	uint32_t vmid;

	if (adt->halt) {
		return SOME;
	}
	RELY(is_paddr(iova) && is_aligned(iova, PAGE_SIZE));
	RELY(is_bank(cbndx, index, adt));
	WHEN(enter_bank(cbndx, index, adt, &vmid));
	RELY_OR(!adt->smmus[index].bank[cbndx].freeing, NONE_BUSY);
	WHEN(clear_smmu_spec(vmid, (uint32_t)cbndx, (uint32_t)index, iova,
			     adt));
	return release_lock_smmu_spec(adt);
}

enum option smmu_forget_vm(uint32_t vmid, struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_smmus; i++) {
		for (uint32_t n = 0; n < adt->board.smmus[i].banks; n++) {
			if (adt->smmus[i].bank[n].vmid == vmid) {
				WHEN(give_up_bank(n, i, adt));
			}
		}
	}
	return SOME;
}
