/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MemRegion.v, PageIndex.v and PageManager.v: who owns each page of RAM.
 * Source: facts B.1; S3 names the six fresh primitives.
 *
 * Corrected, G29: a page index exists only for RAM, as many as there is RAM.
 * Corrected, G32: no map is cut to 32 bits.
 */
#include "spec/page_manager.h"

#include <stddef.h>

#include "spec/locks.h"

uint32_t mem_region_search_spec(uint64_t addr, const struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_regions; i++) {
		const struct pa_window *region = &adt->board.regions[i];

		if (addr >= region->base &&
		    addr - region->base < region->bytes) {
			return i;
		}
	}
	return INVALID;
}

uint64_t get_s2_page_index_spec(uint64_t addr, const struct rdata *adt)
{
	uint32_t i = mem_region_search_spec(addr, adt);
	uint64_t index = 0;

	if (i == INVALID) {
		return INVALID64;
	}
	for (uint32_t k = 0; k < i; k++) {
		index += adt->board.regions[k].bytes / PAGE_SIZE;
	}
	return index + (addr - adt->board.regions[i].base) / PAGE_SIZE;
}

/* The page's number in the array, INVALID64 if it is not RAM. */
static uint64_t page(uint64_t pfn, const struct rdata *adt)
{
	/* pfn * 4096 would wrap (G38). */
	return is_pfn(pfn) ? get_s2_page_index_spec(pfn * PAGE_SIZE, adt) :
			     INVALID64;
}

enum option get_pfn_owner_spec(uint64_t pfn, const struct rdata *adt,
			       uint32_t *owner)
{
	uint64_t i = page(pfn, adt);

	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0) || adt->halt);
	*owner = adt->halt ? 0 :
		 i == INVALID64 ? INVALID : adt->s2page[i].owner;
	return SOME;
}

enum option set_pfn_owner_spec(uint64_t pfn, uint32_t vmid,
			       struct rdata *adt)
{
	uint64_t i = page(pfn, adt);

	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0) || adt->halt);
	RELY_CALLER(is_vmid(vmid));
	if (!adt->halt && i != INVALID64) {
		adt->s2page[i].owner = vmid;
	}
	return SOME;
}

enum option get_pfn_count_spec(uint64_t pfn, const struct rdata *adt,
			       uint32_t *count)
{
	uint64_t i = page(pfn, adt);

	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0) || adt->halt);
	*count = adt->halt ? 0 :
		 i == INVALID64 ? INVALID : adt->s2page[i].count;
	return SOME;
}

enum option set_pfn_count_spec(uint64_t pfn, uint32_t count,
			       struct rdata *adt)
{
	uint64_t i = page(pfn, adt);

	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0) || adt->halt);
	if (!adt->halt && i != INVALID64) {
		adt->s2page[i].count = count;
	}
	return SOME;
}

enum option get_pfn_map_spec(uint64_t pfn, const struct rdata *adt,
			     uint64_t *gfn)
{
	uint64_t i = page(pfn, adt);

	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0) || adt->halt);
	*gfn = adt->halt ? 0 :
	       i == INVALID64 ? INVALID64 : adt->s2page[i].gfn;
	return SOME;
}

enum option set_pfn_map_spec(uint64_t pfn, uint64_t gfn, struct rdata *adt)
{
	uint64_t i = page(pfn, adt);

	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0) || adt->halt);
	RELY_CALLER(gfn < KVM_GFN_SPACE || gfn == INVALID64);
	if (!adt->halt && i != INVALID64) {
		adt->s2page[i].gfn = gfn;
	}
	return SOME;
}
