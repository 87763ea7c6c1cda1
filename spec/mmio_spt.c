/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MmioSPTWalk.v and MmioSPTOps.v: the tables of context banks. Source: facts
 * A.9, B.11; S3 names init_spt, walk_spt, map_spt and unmap_spt.
 *
 * Corrected, G69: what a table does not map any more no TLB of the SMMU
 * translates either, once the step is done. There is no TLB in this state: a
 * device reaches what the table maps now (spec/dma.c), and the test's SMMU has
 * one that forgets nothing by itself.
 */
#include "spec/mmio_spt.h"

#include "spec/locks.h"
#include "spec/npt.h"

#define RELY_SPT(cbndx, index, iova, adt) \
	RELY_CALLER((index) < (adt)->board.nr_smmus && \
		    (cbndx) < SMMU_NUM_CTXT_BANKS && is_paddr(iova))

uint64_t spt_leaf(uint32_t cbndx, uint32_t index, uint64_t iova,
		  const struct rdata *adt)
{
	return adt->smmus[index].bank[cbndx].freeing ? 0 :
	       npt_get(&adt->spts[index][cbndx], iova / PAGE_SIZE).pte;
}

bool spt_has_room(uint32_t cbndx, uint32_t index, uint64_t iova,
		  const struct rdata *adt)
{
	const struct npt *spt = &adt->spts[index][cbndx];

	return npt_tables_needed(spt, iova / PAGE_SIZE, 1, 3) <=
	       (spt->chunks + adt->spt_free) * CHUNK_PAGES - spt->used;
}

/* --- MmioSPTWalk ---------------------------------------------------------- */

/* The tables below the root keep their memory, and nothing leads there. */
enum option clear_smmu_pt_spec(uint32_t cbndx, uint32_t index,
			       struct rdata *adt)
{
	struct npt *spt;

	RELY_SPT(cbndx, index, 0, adt);
	RELY_CALLER(lock_own(adt, LOCK_SPT, 0));
	spt = &adt->spts[index][cbndx];
	spt->nr_runs = 0;
	spt->nr_pmd_tables = 0;
	for (uint32_t i = 0; i < 1024 / 64; i++) {
		spt->pud_tables[i] = 0;
	}
	return SOME;
}

enum option walk_smmu_pt_spec(uint32_t cbndx, uint32_t index, uint64_t iova,
			      const struct rdata *adt, uint64_t *pte)
{
	RELY_SPT(cbndx, index, iova, adt);
	RELY_CALLER(lock_own(adt, LOCK_SPT, 0));
	*pte = spt_leaf(cbndx, index, iova, adt);
	return SOME;
}

/* As the pools of VMs: chunks of an arena that the banks share. */
static void take_pages(struct npt *spt, uint64_t pages, struct rdata *adt)
{
	spt->used += pages;
	while (spt->used > spt->chunks * CHUNK_PAGES) {
		spt->chunks++;
		adt->spt_free--;
	}
}

/*
 * Corrected, G31: an empty pool refuses. The Coq halts; the C goes on behind
 * its end.
 */
enum option set_smmu_pt_spec(uint32_t cbndx, uint32_t index, uint64_t iova,
			     uint64_t pte, struct rdata *adt)
{
	uint64_t gfn = iova / PAGE_SIZE;
	struct npt *spt;

	RELY_SPT(cbndx, index, iova, adt);
	RELY_CALLER(lock_own(adt, LOCK_SPT, 0));
	spt = &adt->spts[index][cbndx];
	if (npt_get(spt, gfn).level != 0) {
		WHEN(npt_remove_page(spt, gfn));
	}
	if (pte == 0) {
		return SOME;
	}
	RELY_OR(spt_has_room(cbndx, index, iova, adt), NONE_NOMEM);
	take_pages(spt, npt_tables_needed(spt, gfn, 1, 3), adt);
	return npt_add_page(spt, gfn, pte);
}

/* --- MmioSPTOps ----------------------------------------------------------- */

/* The chunk with the root is set aside for each bank: there always is one. */
enum option init_spt_spec(uint32_t cbndx, uint32_t index, struct rdata *adt)
{
	struct npt *spt;

	if (adt->halt) {
		return SOME;
	}
	WHEN(acquire_lock_spt_spec(adt));
	WHEN(clear_smmu_pt_spec(cbndx, index, adt));
	spt = &adt->spts[index][cbndx];
	RELY_CALLER(!spt->live);
	spt->live = true;
	spt->chunks = 1;
	spt->used = ROOT_PAGES;
	return release_lock_spt_spec(adt);
}

enum option walk_spt_spec(uint32_t cbndx, uint32_t index, uint64_t iova,
			  struct rdata *adt, uint64_t *pte)
{
	if (adt->halt) {
		*pte = 0;
		return SOME;
	}
	WHEN(acquire_lock_spt_spec(adt));
	WHEN(walk_smmu_pt_spec(cbndx, index, iova, adt, pte));
	return release_lock_spt_spec(adt);
}

/* The caller holds s2page, so that what it found of the page stays so (G11). */
enum option map_spt_spec(uint32_t cbndx, uint32_t index, uint64_t iova,
			 uint64_t pte, struct rdata *adt)
{
	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0));
	WHEN(acquire_lock_spt_spec(adt));
	WHEN(set_smmu_pt_spec(cbndx, index, iova, pte, adt));
	return release_lock_spt_spec(adt);
}

enum option unmap_spt_spec(uint32_t cbndx, uint32_t index, uint64_t iova,
			   struct rdata *adt, uint64_t *pte)
{
	if (adt->halt) {
		*pte = 0;
		return SOME;
	}
	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0));
	WHEN(acquire_lock_spt_spec(adt));
	WHEN(walk_smmu_pt_spec(cbndx, index, iova, adt, pte));
	if (*pte != 0) {
		WHEN(set_smmu_pt_spec(cbndx, index, iova, 0, adt));
	}
	return release_lock_spt_spec(adt);
}

/* Corrected, G69: a bank that is given up maps nothing. */
enum option clear_spt_spec(uint32_t cbndx, uint32_t index, struct rdata *adt)
{
	if (adt->halt) {
		return SOME;
	}
	WHEN(acquire_lock_spt_spec(adt));
	WHEN(clear_smmu_pt_spec(cbndx, index, adt));
	return release_lock_spt_spec(adt);
}

enum option release_spt_spec(uint32_t cbndx, uint32_t index,
			     struct rdata *adt)
{
	struct npt *spt;

	RELY_SPT(cbndx, index, 0, adt);
	spt = &adt->spts[index][cbndx];
	RELY_CALLER(spt->live && spt->nr_runs == 0);
	WHEN(acquire_lock_spt_spec(adt));
	adt->spt_free += spt->chunks - 1;
	spt->live = false;
	spt->chunks = 0;
	spt->used = 0;
	return release_lock_spt_spec(adt);
}
