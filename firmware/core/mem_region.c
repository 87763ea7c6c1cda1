/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RAM regions of the board. Layer: MemRegion, on AbstractMachine.
 * Locks: none, written at boot.
 */
#include "core/mem_region.h"

#include "core/panic.h"

static struct mem_region regions[MAX_MEMBLOCK_NUM];
static uint32_t nr_regions;

enum hv_status mem_region_add(paddr_t base, uint64_t size)
{
	if (size == 0 || ((base | size) & (PAGE_SIZE - 1)) != 0 ||
	    base >= KVM_PHYS_SIZE || size > KVM_PHYS_SIZE - base) {
		return HV_EINVAL;
	}
	for (uint32_t i = 0; i < nr_regions; i++) {
		if (base < regions[i].base + regions[i].size &&
		    regions[i].base < base + size) {
			return HV_EINVAL;
		}
	}
	if (nr_regions == MAX_MEMBLOCK_NUM) {
		return HV_ENOMEM;
	}
	regions[nr_regions] = (struct mem_region){
		.base = base,
		.size = size,
		.index = mem_region_pages(),
	};
	nr_regions++;
	return HV_OK;
}

/**
 * mem_region_search() - which region holds an address
 * @addr: PA in bytes
 *
 * Spec:    MemRegion.mem_region_search_spec
 * Returns: the region's number, INVALID if @addr is not RAM
 */
uint32_t mem_region_search(uint64_t addr)
{
	for (uint32_t i = 0; i < nr_regions; i++) {
		if (addr >= regions[i].base &&
		    addr - regions[i].base < regions[i].size) {
			return i;
		}
	}
	return INVALID;
}

const struct mem_region *mem_region_get(uint32_t i)
{
	ASSERT(i < nr_regions);
	return &regions[i];
}

uint32_t mem_region_count(void)
{
	return nr_regions;
}

uint64_t mem_region_pages(void)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < nr_regions; i++) {
		pages += regions[i].size >> PAGE_SHIFT;
	}
	return pages;
}

void mem_region_reset(void)
{
	nr_regions = 0;
}
