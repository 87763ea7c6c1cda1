/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls about SMMUs and devices, and what devices and the host do with them.
 */
#include "generate.h"

#include <string.h>

#include "fw.h"
#include "spec/dma.h"
#include "spec/npt.h"
#include "values.h"

static uint32_t some_smmu(struct bytes *bytes)
{
	return pick(bytes, 3) == 0 ? 0 : FW_DMA_SMMU;
}

/* A bank of an owner's; INVALID if he has none. */
static uint32_t bank_of(struct bytes *bytes, uint32_t index, uint32_t owner,
			const struct rdata *adt)
{
	uint32_t start = pick(bytes, SMMU_NUM_CTXT_BANKS);

	for (uint32_t i = 0; i < SMMU_NUM_CTXT_BANKS; i++) {
		uint32_t n = (start + i) % SMMU_NUM_CTXT_BANKS;

		if (adt->smmus[index].bank[n].vmid == owner) {
			return n;
		}
	}
	return INVALID;
}

/* A VM that can still be given something. */
static uint32_t ready_vm(struct bytes *bytes, const struct rdata *adt)
{
	uint32_t start = pick(bytes, 4);

	for (uint32_t i = 0; i < 4; i++) {
		if (adt->vms[1 + (start + i) % 4].state == READY) {
			return 1 + (start + i) % 4;
		}
	}
	return live_vm(bytes, adt);
}

/* One that somebody has, mostly, and one who can use it. */
static uint32_t owned_bank(struct bytes *bytes, uint32_t index,
			   const struct rdata *adt)
{
	uint32_t n = pick(bytes, 16), bank = INVALID;

	if (n > 1) {
		bank = bank_of(bytes, index, n < 8 ? HOSTVISOR : n < 14 ?
			       ready_vm(bytes, adt) : live_vm(bytes, adt),
			       adt);
	}
	return bank != INVALID ? bank : pick(bytes, SMMU_NUM_CTXT_BANKS);
}

static uint64_t some_stream(struct bytes *bytes)
{
	static const uint64_t others[] = {
		0, 1, 0x0f, 0x18, 0x100, 0x4010, 0x7fff,
	};
	uint32_t n = pick(bytes, 12);

	return n < 4 ? FW_DMA_STREAM + n % 3 :
	       n < 9 ? FW_DMA_STREAM + pick(bytes, FW_DMA_DEVICES) :
	       PICK(bytes, others);
}

/* Where a bank maps something, or next to it. */
static uint64_t some_iova(struct bytes *bytes, uint32_t index, uint32_t cbndx,
			  const struct rdata *adt)
{
	const struct npt *spt = &adt->spts[index][cbndx % SMMU_NUM_CTXT_BANKS];
	const struct pt_run *run;

	if (spt->nr_runs == 0 || pick(bytes, 4) == 0) {
		return (pick(bytes, 2) == 0 ? some_pfn(bytes, adt) :
					      new_gfn(bytes)) * PAGE_SIZE;
	}
	run = &spt->runs[pick(bytes, spt->nr_runs)];
	return (run->gfn + (pick(bytes, 8) == 0 ? run->pages : 0)) * PAGE_SIZE;
}

/* --- Calls of the host ---------------------------------------------------- */

/* x1 iova, x2 pa, x3 prot, x4 bank, x5 smmu */
static void map_arguments(struct bytes *bytes, const struct rdata *adt,
			  uint64_t *arg)
{
	static const uint64_t prots[] = {
		0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0x40, 0x80, 0xc0, 0xc0, 0xc0,
		0x7ff, 0, 0x3f, 0x10c0, UINT64_C(1) << 63 | 0xc0, 0xc0,
	};
	uint32_t index = some_smmu(bytes);
	uint32_t cbndx = owned_bank(bytes, index, adt);
	uint32_t owner = adt->smmus[index].bank[cbndx].vmid;
	const struct s2page *page = NULL;

	arg[2] = some_pfn(bytes, adt) * PAGE_SIZE;
	arg[1] = arg[2];
	if (is_vm(owner)) {
		arg[1] = pick(bytes, 2) == 0 ? new_gfn(bytes) * PAGE_SIZE :
			 some_gfn(bytes, owner, adt) * PAGE_SIZE;
		page = pick(bytes, 3) == 0 ? some_owned(bytes, owner, adt) :
					     NULL;
	}
	if (page != NULL) {
		arg[1] = page->gfn * PAGE_SIZE;
		arg[2] = pfn_of(page, adt) * PAGE_SIZE;
	}
	if (pick(bytes, 8) == 0) {
		arg[1] = some_iova(bytes, index, cbndx, adt);
	}
	arg[3] = PICK(bytes, prots);
	arg[4] = cbndx;
	arg[5] = index;
}

/* Now and then one of them is a number that only an attacker passes. */
static void spoil(struct bytes *bytes, uint64_t *arg)
{
	uint32_t n = pick(bytes, 40);

	if (n > 0 && n < 6) {
		arg[n] = hostile(bytes);
	} else if (n >= 6 && n < 8) {
		arg[n - 5] += byte(bytes);
	}
}

void smmu_call(struct bytes *bytes, const struct rdata *adt, uint64_t *arg)
{
	static const uint64_t numbers[] = {
		HVC_SMMU_ALLOC_PGD, HVC_SMMU_ALLOC_PGD, HVC_SMMU_LPAE_MAP,
		HVC_SMMU_LPAE_MAP, HVC_SMMU_LPAE_MAP, HVC_SMMU_LPAE_MAP,
		HVC_SMMU_LPAE_MAP, HVC_SMMU_LPAE_MAP, HVC_SMMU_LPAE_MAP,
		HVC_SMMU_CLEAR, HVC_SMMU_LPAE_IOVA_TO_PHYS,
		HVC_SMMU_SET_STREAM, HVC_SMMU_SET_STREAM,
	};
	uint32_t index = some_smmu(bytes);

	arg[0] = pick(bytes, 32) == 0 ? HVC_SMMU_FREE_PGD :
					PICK(bytes, numbers);
	switch (arg[0]) {
	case HVC_SMMU_ALLOC_PGD:
		arg[1] = bank_of(bytes, index, INVALID, adt);
		arg[2] = pick(bytes, 3) == 0 ? HOSTVISOR : ready_vm(bytes, adt);
		arg[3] = index;
		break;
	case HVC_SMMU_FREE_PGD:
		arg[1] = owned_bank(bytes, index, adt);
		arg[2] = index;
		break;
	case HVC_SMMU_LPAE_MAP:
		map_arguments(bytes, adt, arg);
		break;
	case HVC_SMMU_SET_STREAM:
		arg[1] = pick(bytes, 8) == 0 ? 0 : FW_DMA_SMMU;
		arg[2] = some_stream(bytes);
		arg[3] = pick(bytes, 4) == 0 ? SMMU_IDENTITY_BANK :
			 owned_bank(bytes, (uint32_t)arg[1], adt);
		break;
	default:
		arg[2] = owned_bank(bytes, index, adt);
		arg[1] = some_iova(bytes, index, (uint32_t)arg[2], adt);
		arg[3] = index;
		if (arg[0] == HVC_SMMU_LPAE_IOVA_TO_PHYS) {
			arg[1] = addr_in(arg[1] / PAGE_SIZE, bytes);
		}
		break;
	}
	spoil(bytes, arg);
}

/* --- Registers ------------------------------------------------------------ */

static uint64_t some_register(struct bytes *bytes, uint32_t index,
			      const struct rdata *adt)
{
	static const uint64_t page0[] = {
		SMMU_SCR0, SMMU_SCR0, SMMU_SCR2, SMMU_SACR, SMMU_IDR0,
		SMMU_IDR0 + 4, SMMU_IDR0 + 8, SMMU_IDR0 + 12, SMMU_IDR7,
		SMMU_SGFAR, SMMU_SGFAR + 4, SMMU_SGFSR, SMMU_SGFSRRESTORE,
		SMMU_SGFSYNR0, SMMU_SGFSYNR2, 0x060, SMMU_TLBIVMID,
		SMMU_TLBIALLNSNH, SMMU_TLBIALLH, SMMU_STLBGSYNC,
		SMMU_TLBIVMID, SMMU_TLBIALLNSNH, SMMU_STLBGSTATUS, 0x100,
		0x004, 0x400, SMMU_PIDR4, 0xffc,
	};
	static const uint64_t bank[] = {
		SMMU_CB_SCTLR, SMMU_CB_SCTLR, SMMU_CB_ACTLR, SMMU_CB_RESUME,
		SMMU_CB_TCR2, SMMU_CB_TTBR0, SMMU_CB_TTBR0 + 4,
		SMMU_CB_TTBR1, SMMU_CB_TCR, SMMU_CB_CONTEXTIDR,
		SMMU_CB_MAIR0, SMMU_CB_PAR, SMMU_CB_FSR, SMMU_CB_FSR,
		SMMU_CB_FSRRESTORE, SMMU_CB_FAR, SMMU_CB_FSYNR0,
		SMMU_CB_IPAFAR, SMMU_CB_TLBIVA, 0x610, SMMU_CB_TLBIIPAS2,
		SMMU_CB_TLBIIPAS2L, SMMU_CB_TLBIIPAS2L + 4, SMMU_CB_TLBSYNC,
		SMMU_CB_TLBSTATUS, SMMU_CB_ATS1PR, SMMU_CB_ATSR, 0xe00,
	};
	static const uint64_t of_bank[] = {
		SMMU_CBAR, SMMU_CBAR, SMMU_CBFRSYNRA, SMMU_CBA2R,
	};
	uint64_t cbndx = owned_bank(bytes, index, adt);
	uint32_t n = pick(bytes, 16);

	if (n == 0) {
		return word(bytes) % FW_SMMU_BYTES;
	}
	if (n < 5) {
		return SMMU_SMR + 4 * pick(bytes, 5) * (n == 1 ? 7 : 1);
	}
	if (n < 7) {
		return SMMU_S2CR + 4 * pick(bytes, 5) * (n == 5 ? 7 : 1);
	}
	if (n < 11) {
		return PICK(bytes, page0);
	}
	if (n < 12) {
		return PICK(bytes, of_bank) + 4 * cbndx;
	}
	return SMMU_GLOBAL_BASE + cbndx * PAGE_SIZE + PICK(bytes, bank);
}

static uint64_t some_data(struct bytes *bytes, uint32_t index, uint64_t offset,
			  const struct rdata *adt)
{
	static const uint64_t scr0[] = {
		0, 1, 0x200000, 0x200001, 0x200c36, 0x4, 0x400, 0xffffffff,
	};
	static const uint64_t masks[] = { 0, 0, 0, 0, 0, 1, 7, 0x7fff, 0xff };

	if (offset == SMMU_SCR0) {
		return PICK(bytes, scr0);
	}
	if (offset >= SMMU_SMR && offset < SMMU_S2CR) {
		return (pick(bytes, 2) == 0 ? 0 : SMR_VALID) |
		       PICK(bytes, masks) << 16 | some_stream(bytes);
	}
	if (offset >= SMMU_S2CR && offset < PAGE_SIZE) {
		return (uint64_t)pick(bytes, 4) << 16 |
		       owned_bank(bytes, index, adt);
	}
	return pick(bytes, 2) == 0 ? hostile(bytes) : word(bytes);
}

static void register_arguments(struct bytes *bytes, const struct rdata *adt,
			       uint64_t *arg)
{
	arg[0] = some_smmu(bytes);
	arg[1] = some_register(bytes, (uint32_t)arg[0], adt);
	arg[2] = pick(bytes, 5) == 0 ? 8 : 4;
	arg[3] = some_data(bytes, (uint32_t)arg[0], arg[1], adt);
}

/* --- All of them ---------------------------------------------------------- */

static void dma_access(struct bytes *bytes, const struct rdata *adt,
		       uint64_t *arg)
{
	uint32_t start = byte(bytes), cbndx;

	arg[0] = some_smmu(bytes);
	arg[1] = some_stream(bytes);
	/* A device that somebody has given a bank, if there is one. */
	for (uint32_t k = 0; start % 2 == 0 && k < adt->board.nr_dma; k++) {
		uint32_t i = (start / 2 + k) % adt->board.nr_dma;

		if (adt->dma[i].cbndx != SMMU_IDENTITY_BANK) {
			arg[0] = FW_DMA_SMMU;
			arg[1] = FW_DMA_STREAM + i;
			break;
		}
	}
	cbndx = dma_stream_bank((uint32_t)arg[0], (uint32_t)arg[1], adt);
	arg[2] = cbndx == SMMU_STREAM_FAULT || cbndx == SMMU_IDENTITY_BANK ?
		 addr_in(some_pfn(bytes, adt), bytes) :
		 some_iova(bytes, (uint32_t)arg[0], cbndx, adt);
	if (pick(bytes, 16) == 0) {
		arg[2] = pick(bytes, 2) == 0 ? FW_DOORBELL : hostile(bytes);
	}
	arg[3] = byte(bytes);
}

void dma_arguments(struct bytes *bytes, const struct rdata *adt,
		   struct call *call)
{
	static const uint64_t recorded[] = {
		SMMU_SGFSR, SMMU_SGFAR, SMMU_SGFSYNR0, SMMU_CBFRSYNRA + 4,
		SMMU_CBFRSYNRA + 8,
	};
	static const uint64_t of_bank[] = {
		SMMU_CB_FSR, SMMU_CB_FSR, SMMU_CB_FAR, SMMU_CB_FSYNR0,
		SMMU_CB_IPAFAR + 4,
	};
	uint64_t *arg = call->arg;

	switch ((int)call->op) {
	case OP_DMA_LOAD:
	case OP_DMA_STORE:
		dma_access(bytes, adt, arg);
		break;
	case OP_SMMU_FAULT:
		arg[0] = some_smmu(bytes);
		arg[1] = pick(bytes, 2) == 0 ? PICK(bytes, recorded) :
			 SMMU_GLOBAL_BASE + PICK(bytes, of_bank) +
			 owned_bank(bytes, (uint32_t)arg[0], adt) * PAGE_SIZE;
		arg[2] = word(bytes) & UINT64_C(0xc00001fe);
		break;
	default:
		register_arguments(bytes, adt, arg);
		break;
	}
}

/* --- One step of a VM that gets a device ---------------------------------- */

static bool hvc(struct call *call, uint64_t number, uint64_t x1, uint64_t x2,
		uint64_t x3)
{
	*call = (struct call){ OP_HVC, { number, x1, x2, x3 } };
	return true;
}

/* A page into a VM's bank, until there are some. */
static bool fill_bank(struct bytes *bytes, uint32_t cbndx,
		      const struct rdata *adt, struct call *call)
{
	if (adt->spts[FW_DMA_SMMU][cbndx].nr_runs > 2) {
		return false;
	}
	*call = (struct call){ OP_HVC, {
		HVC_SMMU_LPAE_MAP, new_gfn(bytes) * PAGE_SIZE,
		some_pfn(bytes, adt) * PAGE_SIZE, S2_RDWR, cbndx,
		FW_DMA_SMMU } };
	return true;
}

/* A device for a VM's bank; entries of the host's are in the way. */
static bool give_device(struct bytes *bytes, uint32_t cbndx,
			const struct rdata *adt, struct call *call)
{
	uint32_t stream = FW_DMA_STREAM + pick(bytes, FW_DMA_DEVICES);

	for (uint32_t n = 0; n < SMMU_HOST_STREAMS; n++) {
		if (smr_matches(adt->smmus[FW_DMA_SMMU].smr[n], stream)) {
			*call = (struct call){ OP_SMMU_WRITE, {
				FW_DMA_SMMU, SMMU_SMR + 4 * n, 4, 0 } };
			return true;
		}
	}
	if (pick(bytes, 4) == 0) {
		/* The host has used it. */
		*call = (struct call){ OP_MAP_PAGE_HOST, {
			FW_DMA_BASE + (stream - FW_DMA_STREAM) * PAGE_SIZE } };
		return true;
	}
	return hvc(call, HVC_SMMU_SET_STREAM, FW_DMA_SMMU, stream, cbndx);
}

/* The VM has it: its registers, its consent, what it does. */
static bool use_device(struct bytes *bytes, uint32_t i,
		       const struct rdata *adt, struct call *call)
{
	const struct dma_owner *owner = &adt->dma[i];
	uint64_t gpa = FW_DMA_BASE + i * PAGE_SIZE;
	struct npt_entry entry = npt_get(&adt->npts[owner->vmid],
					 gpa / PAGE_SIZE);

	if (owner->accepted || (entry.level == 0 &&
				adt->vms[owner->vmid].state != READY)) {
		*call = (struct call){ pick(bytes, 2) == 0 ? OP_DMA_LOAD :
							     OP_DMA_STORE, {
			FW_DMA_SMMU, FW_DMA_STREAM + i,
			some_iova(bytes, FW_DMA_SMMU, owner->cbndx, adt),
			byte(bytes) } };
	} else if (entry.level == 0) {
		*call = (struct call){ OP_IOREMAP, {
			owner->vmid, gpa, adt->board.dma[i].regs.base,
			PAGE_SIZE } };
	} else {
		*call = (struct call){ OP_PVOP, {
			owner->vmid, 0, HVC_KVM_ACCEPT_DEVICE,
			addr_in(gpa / PAGE_SIZE, bytes),
			pick(bytes, 4) == 0 ? some_size(bytes) : 1 } };
	}
	return true;
}

static uint32_t device_of(uint32_t vmid, struct bytes *bytes,
			  const struct rdata *adt)
{
	uint32_t start = byte(bytes);

	for (uint32_t k = 0; k < adt->board.nr_dma; k++) {
		uint32_t i = (start + k) % adt->board.nr_dma;

		if (adt->dma[i].vmid == vmid) {
			return i;
		}
	}
	return MAX_DMA_DEVICES;
}

/* The same for a bank of the host's, by a call or by its own stream entries. */
static bool host_step(struct bytes *bytes, uint32_t cbndx,
		      const struct rdata *adt, struct call *call)
{
	uint64_t pa = some_pfn(bytes, adt) * PAGE_SIZE;
	uint32_t n = pick(bytes, 4);

	if (adt->spts[FW_DMA_SMMU][cbndx].nr_runs < 3) {
		*call = (struct call){ OP_HVC, {
			HVC_SMMU_LPAE_MAP, pa, pa, S2_RDWR, cbndx,
			FW_DMA_SMMU } };
		return true;
	}
	for (uint32_t i = 0; i < adt->board.nr_dma; i++) {
		uint32_t stream = FW_DMA_STREAM + i;

		if (dma_stream_bank(FW_DMA_SMMU, stream, adt) == cbndx) {
			*call = (struct call){ n < 2 ? OP_DMA_LOAD :
						       OP_DMA_STORE, {
				FW_DMA_SMMU, stream,
				some_iova(bytes, FW_DMA_SMMU, cbndx, adt),
				byte(bytes) } };
			return true;
		}
	}
	if (n == 0) {
		return give_device(bytes, cbndx, adt, call);
	}
	*call = (struct call){ OP_SMMU_WRITE, { FW_DMA_SMMU, SMMU_SCR0, 4,
						0x200c36 } };
	if (n == 1) {
		call->arg[1] = SMMU_S2CR;
		call->arg[3] = cbndx;
	} else if (n == 2) {
		call->arg[1] = SMMU_SMR;
		call->arg[3] = SMR_VALID | FW_DMA_STREAM;
	}
	return true;
}

bool dma_next_step(struct bytes *bytes, const struct rdata *adt,
		   struct call *call)
{
	uint32_t hosts = bank_of(bytes, FW_DMA_SMMU, HOSTVISOR, adt);
	uint32_t vmid = pick(bytes, 2) == 0 ? ready_vm(bytes, adt) :
					      live_vm(bytes, adt);
	uint32_t cbndx = bank_of(bytes, FW_DMA_SMMU, vmid, adt);
	uint32_t free = bank_of(bytes, FW_DMA_SMMU, INVALID, adt);
	uint32_t i = device_of(vmid, bytes, adt);

	if (hosts == INVALID) {
		return hvc(call, HVC_SMMU_ALLOC_PGD, free, HOSTVISOR,
			   FW_DMA_SMMU);
	}
	if (pick(bytes, 3) == 0) {
		return host_step(bytes, hosts, adt, call);
	}
	if (adt->vms[vmid].state == READY && cbndx == INVALID) {
		return hvc(call, HVC_SMMU_ALLOC_PGD, free, vmid, FW_DMA_SMMU);
	}
	if (cbndx == INVALID) {
		return false;
	}
	if (adt->vms[vmid].state == READY &&
	    fill_bank(bytes, cbndx, adt, call)) {
		return true;
	}
	if (i != MAX_DMA_DEVICES) {
		return use_device(bytes, i, adt, call);
	}
	return adt->vms[vmid].state == READY &&
	       give_device(bytes, cbndx, adt, call);
}
