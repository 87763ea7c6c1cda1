/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA. Source: facts B.13 for dev_load_ref and dev_store_ref; else
 * docs/dma.rst, of which the Coq has nothing: in it a bank's table is all that
 * there is between a device and memory.
 *
 * Corrected, G66 and G70: the Coq knows no streams, and the C lets the host
 * send any of them where it likes, past the SMMU too. Here each stream has one
 * bank or faults, from the first instruction of the host on.
 */
#include "spec/dma.h"

#include <stddef.h>

#include "spec/abstract_machine.h"
#include "spec/locks.h"
#include "spec/mmio_spt.h"
#include "spec/npt.h"
#include "spec/page_manager.h"
#include "spec/smmu_cfg.h"

/* --- Devices -------------------------------------------------------------- */

uint32_t dma_owner_of(uint64_t pa, const struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_dma; i++) {
		const struct pa_window *regs = &adt->board.dma[i].regs;

		if (pa - regs->base < regs->bytes) {
			return adt->dma[i].vmid;
		}
	}
	return INVALID;
}

uint32_t dma_device_of(uint32_t index, uint64_t stream,
		       const struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_dma; i++) {
		if (adt->board.dma[i].index == index &&
		    adt->board.dma[i].stream == stream) {
			return i;
		}
	}
	return MAX_DMA_DEVICES;
}

bool dma_agrees(uint32_t vmid, uint64_t gfn, uint64_t pfn,
		const struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_smmus; i++) {
		for (uint32_t n = 0; n < SMMU_NUM_CTXT_BANKS; n++) {
			struct npt_entry entry = npt_get(&adt->spts[i][n],
							 gfn);

			if (adt->smmus[i].bank[n].vmid == vmid &&
			    entry.level != 0 && entry.pfn != pfn) {
				return false;
			}
		}
	}
	return true;
}

/* --- What a transaction reaches ------------------------------------------- */

/*
 * All RAM of the host's but the window, and the doorbell. It is a function of
 * the page records: a page leaves it and comes back with its owner.
 */
bool dma_identity_allows(uint64_t pfn, bool write, const struct rdata *adt)
{
	uint64_t i = is_pfn(pfn) ?
		     get_s2_page_index_spec(pfn * PAGE_SIZE, adt) : INVALID64;

	if (i == INVALID64) {
		return write && pfn == adt->board.doorbell / PAGE_SIZE;
	}
	return adt->s2page[i].owner == HOSTVISOR &&
	       pfn * PAGE_SIZE - adt->board.shared.base >=
	       adt->board.shared.bytes;
}

bool dma_bank_translates(uint32_t cbndx, uint32_t index, uint64_t iova,
			 bool write, const struct rdata *adt, uint64_t *pa)
{
	uint64_t allowed = write ? UINT64_C(0x80) : UINT64_C(0x40);
	uint64_t pte;

	if (!is_paddr(iova)) {
		return false;
	}
	if (cbndx == SMMU_IDENTITY_BANK) {
		*pa = iova;
		return dma_identity_allows(iova / PAGE_SIZE, write, adt);
	}
	pte = spt_leaf(cbndx, index, iova, adt);
	*pa = (pte & PHYS_MASK) | iova % PAGE_SIZE;
	return pte != 0 && (pte & allowed) != 0;
}

bool smr_matches(uint32_t smr, uint32_t stream)
{
	return (smr & SMR_VALID) != 0 &&
	       ((smr ^ stream) & ~(smr >> 16) & 0x7fff) == 0;
}

bool dma_host_entry_matches(uint32_t index, uint32_t stream,
			    const struct rdata *adt)
{
	for (uint32_t n = 0; n < SMMU_HOST_STREAMS; n++) {
		if (smr_matches(adt->smmus[index].smr[n], stream)) {
			return true;
		}
	}
	return false;
}

/* The host's entries, of which one has to match; "bypass" is the identity. */
static uint32_t host_stream_bank(uint32_t index, uint32_t stream,
				 const struct rdata *adt)
{
	const struct smmu *smmu = &adt->smmus[index];
	uint32_t matches = 0, s2cr = S2CR_RESET, cbndx;

	for (uint32_t n = 0; n < SMMU_HOST_STREAMS; n++) {
		if (smr_matches(smmu->smr[n], stream)) {
			matches++;
			s2cr = smmu->s2cr[n];
		}
	}
	cbndx = s2cr & 0xff;
	if (matches != 1 || (s2cr >> 16 & 3) > S2CR_BYPASS) {
		return SMMU_STREAM_FAULT;
	}
	if ((s2cr >> 16 & 3) == S2CR_BYPASS) {
		return SMMU_IDENTITY_BANK;
	}
	return cbndx < SMMU_NUM_CTXT_BANKS &&
	       smmu->bank[cbndx].vmid == HOSTVISOR ? cbndx :
						     SMMU_STREAM_FAULT;
}

/*
 * Corrected, G33: a VM's device has its bank once the VM has consented. A host
 * that has switched the SMMU "off" (sCR0.CLIENTPD, its reset value) finds its
 * memory behind the identity table by any requester of PCIe and by the devices
 * that the board knows; any other stream faults. Else its entries count, and
 * what it has chosen by a call for a device that none of them matches.
 */
uint32_t dma_stream_bank(uint32_t index, uint32_t stream,
			 const struct rdata *adt)
{
	uint32_t i = dma_device_of(index, stream, adt);

	if (i != MAX_DMA_DEVICES && is_vm(adt->dma[i].vmid)) {
		return adt->dma[i].accepted ? adt->dma[i].cbndx :
					      SMMU_STREAM_FAULT;
	}
	if ((adt->smmus[index].scr0 & SCR0_CLIENTPD) == 0 &&
	    (i == MAX_DMA_DEVICES || !adt->dma[i].chosen ||
	     dma_host_entry_matches(index, stream, adt))) {
		return host_stream_bank(index, stream, adt);
	}
	if (i != MAX_DMA_DEVICES) {
		return adt->dma[i].cbndx;
	}
	return index == 0 ? SMMU_IDENTITY_BANK : SMMU_STREAM_FAULT;
}

/* --- What the hardware holds ---------------------------------------------- */

uint32_t smmu_hw_scr0(uint32_t index, const struct rdata *adt)
{
	return (uint32_t)(SCR0_EL2 | (adt->smmus[index].scr0 & SCR0_GFIE));
}

/* A bank that is nobody's is off, and no stream selects it. */
uint32_t smmu_hw_sctlr(uint32_t cbndx, uint32_t index,
		       const struct rdata *adt)
{
	const struct smmu_bank *bank = &adt->smmus[index].bank[cbndx];

	if (bank->vmid == INVALID) {
		return 0;
	}
	return (uint32_t)(CB_SCTLR_EL2 | (bank->vmid == HOSTVISOR ?
					  bank->sctlr & CB_SCTLR_CFIE : 0));
}

/* Corrected, G66: no two banks share a tag, so that their TLB entries do not
 * mix. */
uint32_t smmu_hw_vmid(uint32_t cbndx, uint32_t index,
		      const struct rdata *adt)
{
	return cbndx == SMMU_IDENTITY_BANK ? 0 :
	       adt->smmus[index].bank[cbndx].vmid | cbndx << 4;
}

/* --- Loads and stores (B.13) ---------------------------------------------- */

/* What a page of RAM holds; NULL for any other. */
static uint64_t *content(uint64_t pfn, struct rdata *adt)
{
	uint64_t i = get_s2_page_index_spec(pfn * PAGE_SIZE, adt);

	return i == INVALID64 ? NULL : &adt->flatmem[i];
}

static enum option bank_load(uint32_t cbndx, uint32_t index, uint64_t iova,
			     struct rdata *adt, uint64_t *value)
{
	uint64_t pa;

	RELY_OR(dma_bank_translates(cbndx, index, iova, false, adt, &pa),
		NONE_PERM);
	*value = *content(pa / PAGE_SIZE, adt);
	return SOME;
}

/* A store to the doorbell is an interrupt, and memory as it was. */
static enum option bank_store(uint32_t cbndx, uint32_t index, uint64_t iova,
			      uint64_t value, struct rdata *adt)
{
	uint64_t *page, pa;

	RELY_OR(dma_bank_translates(cbndx, index, iova, true, adt, &pa),
		NONE_PERM);
	page = content(pa / PAGE_SIZE, adt);
	if (page != NULL) {
		*page = value;
	}
	return SOME;
}

enum option dma_load(uint32_t index, uint32_t stream, uint64_t iova,
		     struct rdata *adt, uint64_t *value)
{
	uint32_t cbndx = dma_stream_bank(index, stream, adt);

	RELY_OR(cbndx != SMMU_STREAM_FAULT, NONE_PERM);
	return bank_load(cbndx, index, iova, adt, value);
}

enum option dma_store(uint32_t index, uint32_t stream, uint64_t iova,
		      uint64_t value, struct rdata *adt)
{
	uint32_t cbndx = dma_stream_bank(index, stream, adt);

	RELY_OR(cbndx != SMMU_STREAM_FAULT, NONE_PERM);
	return bank_store(cbndx, index, iova, value, adt);
}

/* May the world that runs have a device use this bank? */
static enum option check_dev_ref(uint64_t gfn, uint32_t reg, uint32_t cbndx,
				 uint32_t index, const struct rdata *adt)
{
	uint32_t vmid;

	RELY_CALLER(is_gfn(gfn) && reg < 30 && adt->cur_vmid < COREVISOR);
	RELY_CALLER(index < adt->board.nr_smmus &&
		    cbndx < SMMU_NUM_CTXT_BANKS);
	vmid = adt->smmus[index].bank[cbndx].vmid;
	RELY_OR(vmid == adt->cur_vmid ||
		(vmid == COREVISOR && adt->cur_vmid == HOSTVISOR), NONE_PERM);
	return SOME;
}

static uint64_t *gpr(uint32_t reg, struct rdata *adt)
{
	return adt->cur_vmid == HOSTVISOR ? &adt->host_regs[reg] :
	       &adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid]
			.ctxt_regs.x[reg];
}

/*
 * B.13. Unmapped is a fault, and no successor state. The Coq gives the value of
 * a page that is shared from its oracle; flatmem holds what all have stored,
 * devices too.
 */
enum option dev_load_ref_spec(uint64_t gfn, uint32_t reg, uint32_t cbndx,
			      uint32_t index, struct rdata *adt)
{
	if (adt->halt) {
		return SOME;
	}
	WHEN(check_dev_ref(gfn, reg, cbndx, index, adt));
	return bank_load(cbndx, index, gfn * PAGE_SIZE, adt, gpr(reg, adt));
}

enum option dev_store_ref_spec(uint64_t gfn, uint32_t reg, uint32_t cbndx,
			       uint32_t index, struct rdata *adt)
{
	if (adt->halt) {
		return SOME;
	}
	WHEN(check_dev_ref(gfn, reg, cbndx, index, adt));
	return bank_store(cbndx, index, gfn * PAGE_SIZE, *gpr(reg, adt), adt);
}

/* --- Who a device works for ----------------------------------------------- */

/*
 * Corrected, G33: in the Coq and the C a bank is given to a VM and the device
 * stays the host's to program. Here the device goes with it: its registers
 * leave the host's table, it is reset, and it does no DMA until the VM agrees.
 */
static enum option give_device(uint32_t i, uint32_t vmid, uint32_t cbndx,
			       struct rdata *adt)
{
	const struct pa_window *regs = &adt->board.dma[i].regs;

	WHEN(acquire_lock_s2page_spec(adt));
	adt->dma[i] = (struct dma_owner){ vmid, cbndx, false, true };
	for (uint64_t at = 0; at < regs->bytes; at += PAGE_SIZE) {
		WHEN(clear_pfn_host_spec((regs->base + at) / PAGE_SIZE, adt));
	}
	return release_lock_s2page_spec(adt);
}

enum option dma_device_set_stream_spec(uint32_t index, uint64_t stream,
				       uint32_t cbndx, struct rdata *adt)
{
	uint32_t i, vmid, state = READY;

	if (adt->halt) {
		return SOME;
	}
	i = dma_device_of(index, stream, adt);
	RELY(i != MAX_DMA_DEVICES && cbndx < adt->board.smmus[index].banks);
	WHEN(acquire_lock_smmu_spec(adt));
	RELY_OR(adt->dma[i].vmid == HOSTVISOR, NONE_PERM);
	WHEN(get_smmu_cfg_vmid_spec(cbndx, index, adt, &vmid));
	RELY_OR(vmid != INVALID, NONE_PERM);
	RELY_OR(!adt->smmus[index].bank[cbndx].freeing, NONE_BUSY);
	if (is_vm(vmid)) {
		WHEN(acquire_lock_vm_spec(vmid, adt));
		WHEN(get_vm_state_spec(vmid, adt, &state));
	}
	RELY_OR(state == READY, NONE_PERM);
	RELY_OR(!dma_host_entry_matches(index, (uint32_t)stream, adt),
		NONE_BUSY);
	if (is_vm(vmid)) {
		WHEN(give_device(i, vmid, cbndx, adt));
		WHEN(release_lock_vm_spec(vmid, adt));
	} else {
		adt->dma[i].cbndx = cbndx;
		adt->dma[i].chosen = true;
	}
	return release_lock_smmu_spec(adt);
}

/*
 * The device whose register page the VM maps at @gfn, if it is the VM's and has
 * a bank.
 */
static uint32_t device_at(uint32_t vmid, uint64_t gfn,
			  const struct rdata *adt)
{
	struct npt_entry entry = npt_get(&adt->npts[vmid], gfn);

	for (uint32_t i = 0; i < adt->board.nr_dma; i++) {
		const struct pa_window *regs = &adt->board.dma[i].regs;

		if (entry.level != 0 && adt->dma[i].vmid == vmid &&
		    adt->dma[i].cbndx != SMMU_STREAM_FAULT &&
		    entry.pfn * PAGE_SIZE - regs->base < regs->bytes) {
			return i;
		}
	}
	return MAX_DMA_DEVICES;
}

/* Each of the pages shows the VM a device of its own. */
static bool are_own_devices(uint32_t vmid, uint64_t gfn, uint64_t num,
			    const struct rdata *adt)
{
	for (uint64_t k = 0; k < num; k++) {
		if (device_at(vmid, gfn + k, adt) == MAX_DMA_DEVICES) {
			return false;
		}
	}
	return true;
}

enum option dma_device_accept_spec(uint32_t vmid, uint64_t gpa, uint64_t size,
				   struct rdata *adt)
{
	uint64_t gfn = gpa / PAGE_SIZE, num;
	bool own;

	if (adt->halt || size == 0) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	RELY(is_paddr(gpa) && is_range(gpa, size, KVM_PHYS_SIZE));
	num = (gpa + size - 1) / PAGE_SIZE - gfn + 1;
	RELY(num <= MAX_PAGES_PER_CALL);
	WHEN(acquire_lock_smmu_spec(adt));
	own = are_own_devices(vmid, gfn, num, adt);
	for (uint64_t k = 0; own && k < num; k++) {
		adt->dma[device_at(vmid, gfn + k, adt)].accepted = true;
	}
	WHEN(release_lock_smmu_spec(adt));
	return own ? SOME : NONE_PERM;
}

/*
 * Corrected, G69: what a VM's devices reached is the VM's until no table and
 * no TLB of an SMMU translates to it.
 */
enum option dma_device_stop_vm_spec(uint32_t vmid, struct rdata *adt)
{
	RELY_CALLER(lock_own(adt, LOCK_SMMU, 0));
	RELY_CALLER(lock_own(adt, LOCK_VM, vmid));
	for (uint32_t i = 0; i < adt->board.nr_dma; i++) {
		if (adt->dma[i].vmid == vmid) {
			adt->dma[i] = (struct dma_owner){
				HOSTVISOR, SMMU_IDENTITY_BANK, false, true };
		}
	}
	for (uint32_t i = 0; i < adt->board.nr_smmus; i++) {
		for (uint32_t n = 0; n < SMMU_NUM_CTXT_BANKS; n++) {
			if (adt->smmus[i].bank[n].vmid == vmid) {
				WHEN(clear_spt_spec(n, i, adt));
			}
		}
	}
	return SOME;
}

void dma_leave_bank(uint32_t cbndx, uint32_t index, struct rdata *adt)
{
	struct smmu *smmu = &adt->smmus[index];

	for (uint32_t n = 0; n < SMMU_HOST_STREAMS; n++) {
		uint32_t s2cr = smmu->s2cr[n];

		if ((s2cr >> 16 & 3) == S2CR_TRANSLATE &&
		    (s2cr & 0xff) == cbndx) {
			smmu->s2cr[n] = S2CR_RESET;
		}
	}
	for (uint32_t i = 0; i < adt->board.nr_dma; i++) {
		if (adt->board.dma[i].index == index &&
		    adt->dma[i].cbndx == cbndx) {
			adt->dma[i].cbndx = SMMU_STREAM_FAULT;
		}
	}
	smmu_bank_reset(&smmu->bank[cbndx]);
}
