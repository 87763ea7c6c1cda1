/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RData.v: the empty state and copies. Source: facts A.15, F (initial state).
 */
#include "spec/rdata.h"

#include <stddef.h>
#include <string.h>

/* The banks are nobody's, and all devices the host's (docs/dma.rst). */
static void empty_smmus(struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_smmus; i++) {
		struct smmu *smmu = &adt->smmus[i];

		smmu->scr0 = SCR0_RESET;
		smmu->sacr = SACR_RESET;
		for (uint32_t n = 0; n < SMMU_HOST_STREAMS; n++) {
			smmu->s2cr[n] = S2CR_RESET;
		}
		for (uint32_t n = 0; n < SMMU_NUM_CTXT_BANKS; n++) {
			smmu_bank_reset(&smmu->bank[n]);
			smmu->bank[n].vmid = INVALID;
		}
		smmu->bank[SMMU_IDENTITY_BANK].vmid = COREVISOR;
	}
	for (uint32_t i = 0; i < adt->board.nr_dma; i++) {
		adt->dma[i] = (struct dma_owner){ HOSTVISOR,
						  SMMU_IDENTITY_BANK,
						  false, false };
	}
	adt->spt_free = adt->board.spt_chunks;
}

void smmu_bank_reset(struct smmu_bank *bank)
{
	bank->freeing = false;
	bank->cbar = CBAR_RESET;
	bank->cba2r = 0;
	bank->sctlr = CB_SCTLR_RESET;
	bank->actlr = CB_ACTLR_RESET;
	bank->tcr = 0;
	bank->ttbr0[0] = bank->ttbr0[1] = 0;
}

void empty_adt(const struct board *board, uint64_t chunks, struct rdata *adt)
{
	uint64_t index = 0;

	memset(adt, 0, sizeof(*adt));
	adt->board = *board;
	adt->arena_free = chunks;
	/* The host's table has a pool of its own that is never empty. */
	adt->npts[HOSTVISOR].live = true;
	for (uint32_t i = 0; i < board->nr_regions; i++) {
		uint64_t pfn = board->regions[i].base / PAGE_SIZE;
		uint64_t pages = board->regions[i].bytes / PAGE_SIZE;

		for (uint64_t k = 0; k < pages; k++) {
			adt->s2page[index++].gfn = pfn + k + SMMU_HOST_OFFSET;
		}
	}
	adt->nr_pages = index;
	empty_smmus(adt);
}

static void npt_copy(struct npt *to, const struct npt *from)
{
	to->live = from->live;
	to->nr_runs = from->nr_runs;
	memcpy(to->runs, from->runs, from->nr_runs * sizeof(from->runs[0]));
	memcpy(to->pud_tables, from->pud_tables, sizeof(from->pud_tables));
	to->nr_pmd_tables = from->nr_pmd_tables;
	memcpy(to->pmd_tables, from->pmd_tables,
	       from->nr_pmd_tables * sizeof(from->pmd_tables[0]));
	to->used = from->used;
	to->chunks = from->chunks;
}

void rdata_copy(struct rdata *to, const struct rdata *from)
{
	uint32_t vmids = to->vmids | from->vmids;

	memcpy(to, from, offsetof(struct rdata, npts));
	for (uint32_t vmid = 0; vmid < COREVISOR; vmid++) {
		if (to->npts[vmid].live || from->npts[vmid].live) {
			npt_copy(&to->npts[vmid], &from->npts[vmid]);
		}
	}
	for (uint32_t i = 0; i < from->board.nr_smmus; i++) {
		for (uint32_t n = 0; n < SMMU_NUM_CTXT_BANKS; n++) {
			npt_copy(&to->spts[i][n], &from->spts[i][n]);
		}
	}
	for (uint32_t vmid = 0; vmid < COREVISOR; vmid++) {
		/* Of a VM that is not there they are zero. */
		if (vmid == HOSTVISOR || (vmids >> vmid & 1) != 0) {
			memcpy(to->shadow_ctxts[vmid], from->shadow_ctxts[vmid],
			       sizeof(from->shadow_ctxts[vmid]));
			memcpy(to->int_vcpus[vmid], from->int_vcpus[vmid],
			       sizeof(from->int_vcpus[vmid]));
		}
	}
	memcpy(to->s2page, from->s2page,
	       from->nr_pages * sizeof(from->s2page[0]));
	memcpy(to->flatmem, from->flatmem,
	       from->nr_pages * sizeof(from->flatmem[0]));
}
