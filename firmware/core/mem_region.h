/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RAM regions of the board. Layer: MemRegion.
 */
#ifndef COREVISOR_CORE_MEM_REGION_H
#define COREVISOR_CORE_MEM_REGION_H

#include "core/spec_constants.h"
#include "core/types.h"

/**
 * struct mem_region - one range of RAM
 * @base:  PA in bytes, page aligned
 * @size:  bytes, a multiple of a page
 * @index: page index of its first page
 */
struct mem_region {
	paddr_t base;
	uint64_t size;
	uint64_t index;
};

/**
 * mem_region_add() - register a range of RAM at boot
 * @base: PA in bytes
 * @size: bytes
 *
 * Returns: HV_EINVAL if it is empty, not page aligned, beyond 40 bits or
 * overlaps another; HV_ENOMEM with MAX_MEMBLOCK_NUM registered
 * Locks:   none; boot CPU only
 */
enum hv_status WARN_UNUSED mem_region_add(paddr_t base, uint64_t size);

uint32_t mem_region_search(uint64_t addr);

/* A region by number; @i below mem_region_count(). */
const struct mem_region *mem_region_get(uint32_t i);

uint32_t mem_region_count(void);

/* Pages in all regions. */
uint64_t mem_region_pages(void);

/* Forgets all regions (tests). */
void mem_region_reset(void);

#endif /* COREVISOR_CORE_MEM_REGION_H */
