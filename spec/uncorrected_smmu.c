/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The definitions about SMMUs that spec/ corrects; suffixes as in
 * uncorrected.c. Nobody owns a bank's tables, TLB or streams here but the
 * tables' map itself: that is all that the Coq and the C keep.
 */
#include "spec/uncorrected_smmu.h"

#include <stddef.h>

#include "spec/abstract_machine.h"
#include "spec/npt.h"
#include "spec/page_manager.h"
#include "spec/uncorrected.h"

/* --- Registers ------------------------------------------------------------ */

/*
 * F.9: one bit of sCR0, so that CLIENTPD and USFCFG are the host's; of CBAR a
 * type of more than 2 bits may hide in what is not looked at (G66).
 */
enum option handle_smmu_global_access_coq(uint64_t data, uint64_t offset,
					  uint32_t index,
					  const struct rdata *adt,
					  uint32_t *res)
{
	uint64_t n = (offset - SMMU_GR1_BASE) / 4;
	uint32_t vmid;

	*res = 1;
	if (offset == SMMU_SCR0) {
		*res = (data & SCR0_SMCFCFG) != 0;
	} else if (offset == SMMU_SCR2) {
		*res = (data & 0xff) == 0;
	} else if (offset >= SMMU_GR1_BASE && offset < SMMU_GR1_END) {
		RELY(n < SMMU_NUM_CTXT_BANKS);
		vmid = adt->smmus[index].bank[n].vmid;
		*res = vmid == HOSTVISOR ||
		       (data >> 16 == 0 && (data & 0xff) == vmid);
	}
	return SOME;
}

/* F.9: SCTLR, TCR, TTBR1 and the rest pass (G66). */
uint32_t handle_smmu_cb_access_coq(uint64_t offset)
{
	switch (offset % PAGE_SIZE) {
	case SMMU_CB_TTBR0:
		return 2;
	case SMMU_CB_CONTEXTIDR:
		return 0;
	default:
		return 1;
	}
}

/* smmu_cfg[8 * index + cbndx], whatever is there. */
uint32_t smmu_cfg_vmid_c(uint64_t cbndx, uint32_t index,
			 const struct rdata *adt)
{
	uint64_t at = SMMU_NUM_CTXT_BANKS * index + cbndx;

	return at < EL2_SMMU_CFG_SIZE ?
	       adt->smmus[at / SMMU_NUM_CTXT_BANKS]
		       .bank[at % SMMU_NUM_CTXT_BANKS].vmid : INVALID;
}

/* How the sources differ in what they write, and in where they find it. */
struct mmio_style {
	bool is_c;
};

static void mmio(uint64_t addr, uint64_t value, uint32_t bytes, bool write,
		 struct rdata *adt)
{
	adt->mmio = (struct mmio_access){ addr, value, bytes, write };
	adt->nr_mmio++;
}

/*
 * F.9: what is less than 8 bytes is 0 in the Coq (G67); in the C it is the
 * host's data, TTBR0's too (G66).
 */
static void write_smmu(uint64_t addr, uint32_t res, uint64_t data,
		       uint32_t bytes, struct mmio_style style,
		       struct rdata *adt)
{
	uint64_t offset = addr - adt->board.smmus[0].base;

	if (bytes == 4) {
		mmio(addr, style.is_c ? data & UINT32_MAX : 0, 4, true, adt);
		return;
	}
	if (res == 2) {
		data = SMMU_TTBR_START + (offset - SMMU_GLOBAL_BASE) /
		       PAGE_SIZE * SMMU_TTBR_PER_BANK;
	}
	mmio(addr, data, 8, true, adt);
}

static enum option handle_smmu_write(uint64_t addr, uint64_t data,
				     uint32_t bytes, uint32_t index,
				     struct mmio_style style,
				     struct rdata *adt)
{
	uint64_t offset = addr - adt->board.smmus[index].base;
	uint32_t res;

	if (offset < SMMU_GLOBAL_BASE) {
		WHEN(handle_smmu_global_access_coq(data, offset, index, adt,
						   &res));
	} else {
		res = handle_smmu_cb_access_coq(offset);
	}
	if (res == 0) {
		return panic_spec(adt);
	}
	write_smmu(addr, res, data, bytes, style, adt);
	return SOME;
}

/*
 * B.10, F.9: the syndrome is taken as valid, and as a load's or store's (G14,
 * G71). Register 31 is SP, which reads as 0 and takes nothing. The C takes the
 * offset from the host's virtual address (G66).
 */
static enum option handle_host_mmio(uint64_t addr, uint32_t index,
				    uint64_t esr, struct mmio_style style,
				    struct rdata *adt)
{
	uint32_t bytes, write, rd;
	uint64_t ipa, value;

	WHEN(host_get_fault_ipa_spec(addr, adt, &ipa));
	if (style.is_c) {
		ipa = adt->board.smmus[index].base | (adt->far_el2 & 0xffff);
	}
	WHEN(host_dabt_get_as_spec(esr, &bytes));
	WHEN(host_dabt_is_write_spec(esr, &write));
	WHEN(host_dabt_get_rd_spec(esr, &rd));
	if (bytes != 4 && bytes != 8) {
		return panic_spec(adt);
	}
	if (write != 0) {
		value = rd < NUM_GPRS ? adt->host_regs[rd] : 0;
		WHEN(handle_smmu_write(ipa, value, bytes, index, style, adt));
	} else {
		RELY_CALLER(adt->doracle.next < adt->doracle.count);
		value = adt->doracle.values[adt->doracle.next++];
		value = bytes == 4 ? value & UINT32_MAX : value;
		mmio(ipa, value, bytes, false, adt);
		if (rd < NUM_GPRS) {
			adt->host_regs[rd] = value;
		}
	}
	return style.is_c ? host_skip_instr_spec(adt) :
			    host_skip_instr_coq(adt);
}

static enum option emulate_mmio(uint64_t addr, uint64_t esr,
				struct mmio_style style, struct rdata *adt,
				uint32_t *ret)
{
	*ret = INVALID;
	for (uint32_t i = 0; i < adt->board.nr_smmus; i++) {
		const struct smmu_place *s = &adt->board.smmus[i];

		*ret = addr >= s->base && addr - s->base < s->bytes ? i : *ret;
	}
	return *ret == INVALID ? SOME :
	       handle_host_mmio(addr, *ret, esr, style, adt);
}

enum option emulate_mmio_coq(uint64_t addr, uint64_t esr, struct rdata *adt,
			     uint32_t *ret)
{
	return emulate_mmio(addr, esr, (struct mmio_style){ false }, adt, ret);
}

enum option emulate_mmio_c(uint64_t addr, uint64_t esr, struct rdata *adt,
			   uint32_t *ret)
{
	return emulate_mmio(addr, esr, (struct mmio_style){ true }, adt, ret);
}

/* --- Tables --------------------------------------------------------------- */

/* What the TLB has counts, and what it has not it takes from the table. */
bool dev_translates_coq(uint64_t iova, uint32_t cbndx, uint32_t index,
			struct iotlb *tlb, const struct rdata *adt,
			uint64_t *pfn)
{
	uint64_t gfn = iova / PAGE_SIZE;
	struct npt_entry entry = npt_get(&adt->spts[index][cbndx], gfn);

	for (uint32_t i = 0; i < tlb->nr; i++) {
		if (tlb->entry[i].gfn == gfn &&
		    tlb->entry[i].cbndx == cbndx &&
		    tlb->entry[i].index == index) {
			*pfn = tlb->entry[i].pfn;
			return true;
		}
	}
	if (entry.level == 0) {
		return false;
	}
	*pfn = entry.pfn;
	if (tlb->nr < IOTLB_ENTRIES) {
		tlb->entry[tlb->nr].index = index;
		tlb->entry[tlb->nr].cbndx = cbndx;
		tlb->entry[tlb->nr].gfn = gfn;
		tlb->entry[tlb->nr++].pfn = entry.pfn;
	}
	return true;
}

static struct s2page *record(uint64_t pfn, struct rdata *adt)
{
	uint64_t i = is_pfn(pfn) ?
		     get_s2_page_index_spec(pfn * PAGE_SIZE, adt) : INVALID64;

	return i == INVALID64 ? NULL : &adt->s2page[i];
}

static enum option set_leaf(uint32_t cbndx, uint32_t index, uint64_t iova,
			    uint64_t pte, struct rdata *adt)
{
	struct npt *spt = &adt->spts[index][cbndx];
	uint64_t gfn = iova / PAGE_SIZE;

	if (npt_get(spt, gfn).level != 0) {
		WHEN(npt_remove_page(spt, gfn));
	}
	return pte == 0 ? SOME : npt_add_page(spt, gfn, pte);
}

/* F.6: the page keeps what the host had in it (G34). */
enum option assign_pfn_to_smmu_coq(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				   struct rdata *adt)
{
	struct s2page *page = record(pfn, adt);

	if (page != NULL && page->owner == vmid) {
		return SOME;
	}
	if (page == NULL || page->owner != HOSTVISOR || page->count != 0) {
		return panic_spec(adt);
	}
	if (npt_get(&adt->npts[HOSTVISOR], pfn).level != 0) {
		WHEN(npt_remove_page(&adt->npts[HOSTVISOR], pfn));
	}
	*page = (struct s2page){ vmid, INVALID, gfn };
	return SOME;
}

/* F.6 as the C: what is not RAM passes (G68), and a panic returns (G2). */
enum option assign_pfn_to_smmu_c(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				 struct rdata *adt)
{
	const struct s2page *page = record(pfn, adt);

	if (page == NULL || page->owner != HOSTVISOR || page->count != 0) {
		return SOME;
	}
	return assign_pfn_to_smmu_coq(vmid, gfn, pfn, adt);
}

/* F.7: the host's map is 10^9 pages above any IOVA (G68). */
enum option update_smmu_page_coq(uint32_t vmid, uint32_t cbndx,
				 uint32_t index, uint64_t iova, uint64_t pte,
				 struct rdata *adt)
{
	struct s2page *page = record((pte & PHYS_MASK) / PAGE_SIZE, adt);

	if (page == NULL || page->owner != vmid ||
	    page->gfn != iova / PAGE_SIZE) {
		return panic_spec(adt);
	}
	WHEN(set_leaf(cbndx, index, iova, pte, adt));
	if (vmid == HOSTVISOR && page->count < SMMU_MAX_COUNT) {
		page->count++;
	}
	return SOME;
}

/* F.7 as the C: devices are mapped, and what is not mapped counts (G68). */
enum option update_smmu_page_c(uint32_t vmid, uint32_t cbndx, uint32_t index,
			       uint64_t iova, uint64_t pte, struct rdata *adt)
{
	uint64_t pfn = (pte & PHYS_MASK) / PAGE_SIZE, map;
	struct s2page *page = record(pfn, adt);

	if (page == NULL) {
		return set_leaf(cbndx, index, iova, pte, adt);
	}
	if (page->owner == HOSTVISOR) {
		page->count++;
	}
	map = page->owner == HOSTVISOR ? pfn + SMMU_HOST_OFFSET : page->gfn;
	return page->owner == vmid && map == iova / PAGE_SIZE ?
	       set_leaf(cbndx, index, iova, pte, adt) : SOME;
}

/* F.8: of TLBs not a word (G69). */
enum option unmap_smmu_page_coq(uint32_t cbndx, uint32_t index,
				uint64_t iova, struct rdata *adt)
{
	uint64_t gfn = iova / PAGE_SIZE;
	struct npt_entry old = npt_get(&adt->spts[index][cbndx], gfn);
	struct s2page *page = record(old.pfn, adt);

	WHEN(set_leaf(cbndx, index, iova, 0, adt));
	if (page != NULL && page->owner == HOSTVISOR && page->count > 0) {
		page->count--;
	}
	return SOME;
}

/* --- Calls ---------------------------------------------------------------- */

static void empty_table(uint32_t cbndx, uint32_t index, struct rdata *adt)
{
	adt->spts[index][cbndx].nr_runs = 0;
	adt->spts[index][cbndx].nr_pmd_tables = 0;
}

/* D.1: a bank that has an owner stays as it is. */
enum option el2_alloc_smmu_pgd_coq(uint32_t cbndx, uint32_t vmid,
				   uint32_t index, struct rdata *adt)
{
	uint32_t *owner = &adt->smmus[index].bank[cbndx].vmid;

	if (*owner != INVALID) {
		return SOME;
	}
	if (adt->vms[vmid].state == VERIFIED) {
		return panic_spec(adt);
	}
	*owner = vmid;
	empty_table(cbndx, index, adt);
	return SOME;
}

/* As the C: for any VM in any state (G69). */
enum option el2_alloc_smmu_pgd_c(uint32_t cbndx, uint32_t vmid,
				 uint32_t index, struct rdata *adt)
{
	uint32_t *owner = &adt->smmus[index].bank[cbndx].vmid;

	if (*owner == INVALID) {
		*owner = vmid;
		empty_table(cbndx, index, adt);
	}
	return SOME;
}

/* D.1: the owner and nothing else (G69). */
enum option el2_free_smmu_pgd_coq(uint32_t cbndx, uint32_t index,
				  struct rdata *adt)
{
	uint32_t *owner = &adt->smmus[index].bank[cbndx].vmid;

	if (*owner != INVALID && adt->vms[*owner].state != POWEROFF) {
		return panic_spec(adt);
	}
	*owner = INVALID;
	return SOME;
}

/* A.9: bits that are no encoding (G54), and all of prot (G66). */
enum option smmu_lpae_map_coq(uint64_t iova, uint64_t paddr, uint64_t prot,
			      uint32_t cbndx, uint32_t index,
			      struct rdata *adt)
{
	uint32_t owner = adt->smmus[index].bank[cbndx].vmid;

	if (is_vm(owner)) {
		if (adt->vms[owner].state == VERIFIED) {
			return panic_spec(adt);
		}
		WHEN(assign_pfn_to_smmu_coq(owner, iova / PAGE_SIZE,
					    paddr / PAGE_SIZE, adt));
	}
	return adt->halt ? SOME :
	       update_smmu_page_coq(owner, cbndx, index, iova,
				    paddr | prot | PTE_AF_OR_SH_IS_COQ, adt);
}

/* As the C: in any state, and on after each panic (G2, G69). */
enum option smmu_lpae_map_c(uint64_t iova, uint64_t paddr, uint64_t prot,
			    uint32_t cbndx, uint32_t index,
			    struct rdata *adt)
{
	uint32_t owner = adt->smmus[index].bank[cbndx].vmid;

	if (is_vm(owner)) {
		WHEN(assign_pfn_to_smmu_c(owner, iova / PAGE_SIZE,
					  paddr / PAGE_SIZE, adt));
	}
	return update_smmu_page_c(owner, cbndx, index, iova,
				  paddr | prot | PTE_AF_OR_SH_IS | 3, adt);
}
