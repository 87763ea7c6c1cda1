/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an address to the number of its page record. Layer: PageIndex, on
 * MemRegion. Locks: none.
 */
#include "core/page_index.h"

#include "core/mem_region.h"
#include "core/spec_constants.h"

/**
 * get_s2_page_index() - number of a page's record
 * @addr: PA in bytes
 *
 * Spec:    PageIndex.get_s2_page_index_spec
 * Returns: the index, INVALID64 if @addr is not RAM
 */
uint64_t get_s2_page_index(uint64_t addr)
{
	uint32_t i = mem_region_search(addr);
	const struct mem_region *region;

	if (i == INVALID) {
		return INVALID64;
	}
	region = mem_region_get(i);
	return region->index + ((addr - region->base) >> PAGE_SHIFT);
}
