/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table by which devices of a host that knows no SMMU reach its memory:
 * address is physical address, and nothing but the host's own pages. Not
 * specified. Layer: below PageManager. Without an SMMU all of it does nothing.
 */
#ifndef COREVISOR_CORE_DMA_IDENTITY_H
#define COREVISOR_CORE_DMA_IDENTITY_H

#include "core/types.h"

/**
 * dma_identity_init() - build the table
 * @root:  PA of PT_ROOT_BYTES, aligned to their size
 * @pool:  PA of memory for tables, enough for all RAM by 4 KiB
 * @bytes: its size
 *
 * All RAM goes in, and where devices signal: no page has left the host yet.
 * From now on page_manager.c keeps table and records in step, and what is
 * shared between host and EL2 takes itself out.
 * Locks: caller holds s2page; boot CPU only
 */
void dma_identity_init(paddr_t root, paddr_t pool, uint64_t bytes);

/**
 * dma_identity_remove() - host pages leave
 * @pfn:   first page
 * @pages: how many
 *
 * At return no table and no TLB of any SMMU translates to them, and no
 * transaction that did is under way. Pages that are not in it stay out.
 * Locks: takes spt; caller holds s2page
 */
void dma_identity_remove(pfn_t pfn, uint64_t pages);

/**
 * dma_identity_add() - a page is the host's again
 * @pfn: the page, RAM, zeroed
 *
 * Locks: takes spt; caller holds s2page
 */
void dma_identity_add(pfn_t pfn);

/* PA of the root, 0 without an SMMU. */
paddr_t dma_identity_root(void);

#endif /* COREVISOR_CORE_DMA_IDENTITY_H */
