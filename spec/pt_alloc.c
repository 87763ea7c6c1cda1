/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PTAlloc.v: memory for stage-2 tables. Source: facts B.2 and A.9.
 *
 * Corrected, G31: an empty pool refuses; the Coq halts, the C returns the next
 * VM's root. Changed, D-003: in place of one fixed pool per VM and level there
 * are chunks of 16 pages from one arena, each owned by one VM. Only
 * their number matters here: a page of a pool is as good as another.
 */
#include "spec/pt_alloc.h"

#include "spec/locks.h"

uint64_t pool_free_pages(uint32_t vmid, const struct rdata *adt)
{
	const struct npt *npt = &adt->npts[vmid];

	return npt->chunks * CHUNK_PAGES - npt->used +
	       adt->arena_free * CHUNK_PAGES;
}

static enum option alloc_page(uint32_t vmid, struct rdata *adt)
{
	struct npt *npt = &adt->npts[vmid];

	RELY_CALLER(lock_own(adt, LOCK_PT, vmid));
	if (vmid == HOSTVISOR) {
		return SOME;	/* sized for the worst case (D-003) */
	}
	if (npt->used == npt->chunks * CHUNK_PAGES) {
		RELY_OR(adt->arena_free > 0, NONE_NOMEM);
		adt->arena_free--;
		npt->chunks++;
	}
	npt->used++;
	return SOME;
}

enum option alloc_pud_page_spec(uint32_t vmid, struct rdata *adt)
{
	return alloc_page(vmid, adt);
}

enum option alloc_pmd_page_spec(uint32_t vmid, struct rdata *adt)
{
	return alloc_page(vmid, adt);
}

enum option pool_create(uint32_t vmid, struct rdata *adt)
{
	struct npt *npt = &adt->npts[vmid];

	RELY_OR(adt->arena_free > 0, NONE_NOMEM);
	adt->arena_free--;
	npt->live = true;
	npt->chunks = 1;
	npt->used = ROOT_PAGES;
	return SOME;
}

void pool_release(uint32_t vmid, struct rdata *adt)
{
	struct npt *npt = &adt->npts[vmid];

	adt->arena_free += npt->chunks;
	npt->live = false;
	npt->chunks = 0;
	npt->used = 0;
}
