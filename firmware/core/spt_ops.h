/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SMMUs' tables with their lock and their TLBs. Layer: MmioSPTOps.
 *
 * One table for each context bank but the identity bank. A bank and an SMMU
 * are named by numbers in range, an IOVA is below 2^40. The caller holds
 * s2page, and smmu too for what empties a whole table; each function takes spt.
 */
#ifndef COREVISOR_CORE_SPT_OPS_H
#define COREVISOR_CORE_SPT_OPS_H

#include "core/types.h"

/**
 * spt_init_pool() - give all SMMU tables together their memory
 * @base:  PA, PT_CHUNK_BYTES aligned
 * @bytes: a multiple of them; the roots of all banks come out of it
 *
 * Locks: none; boot CPU only
 */
void spt_init_pool(paddr_t base, uint64_t bytes);

void init_spt(uint32_t cbndx, uint32_t index);
uint64_t walk_spt(uint32_t cbndx, uint32_t index, uint64_t iova);

/*
 * HV_ENOMEM if a table is missing and the pool empty; HV_EBUSY if another page
 * is mapped there; HV_EPERM before init_spt(). Nothing has changed then.
 */
enum hv_status WARN_UNUSED map_spt(uint32_t cbndx, uint32_t index,
				   uint64_t iova, uint64_t pte);

/* Whether map_spt() there has the memory it needs. Locks: s2page held. */
bool spt_can_map(uint32_t cbndx, uint32_t index, uint64_t iova);

/*
 * The old leaf, 0 if there was none. At return no table and no TLB of the SMMU
 * translates @iova any more.
 */
uint64_t unmap_spt(uint32_t cbndx, uint32_t index, uint64_t iova);

/**
 * clear_spt() - unmap everything from a bank's table
 * @cbndx: the bank
 * @index: its SMMU
 *
 * The root is emptied and the bank's TLB entries go, in constant time. The
 * tables below stay with what they mapped, for spt_next_leaf().
 */
void clear_spt(uint32_t cbndx, uint32_t index);

/* Where spt_next_leaf() is; zero is the start. */
struct spt_cursor {
	uint64_t page;
	uint64_t entry;
};

/**
 * spt_next_leaf() - the next page that a bank's tables name
 * @cbndx: the bank
 * @index: its SMMU
 * @c:	   where to go on
 * @pte:   the leaf, 0 if the rest of one table page held none
 *
 * One call reads one table page at most. Finds leaves also after clear_spt().
 * Returns: false after the last table page
 */
bool spt_next_leaf(uint32_t cbndx, uint32_t index, struct spt_cursor *c,
		   uint64_t *pte);

/* clear_spt(), then all of the bank's memory goes back, the root as well. */
void release_spt(uint32_t cbndx, uint32_t index);

#endif /* COREVISOR_CORE_SPT_OPS_H */
