/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Contents of physical pages at a change of owner. Layer: AbstractMachine.
 *
 * Both leave nothing of the page in any data cache, so that a party that
 * reads memory around the caches sees the same (G25). Whoever makes pages
 * executable for their new owner calls icache_invalidate_all() of arch/mem.h
 * after that, once for all of them.
 */
#ifndef COREVISOR_CORE_PHYS_PAGE_H
#define COREVISOR_CORE_PHYS_PAGE_H

#include "core/types.h"

void clear_phys_page(uint64_t pfn);

/**
 * page_clean() - make memory hold what the caches have of pages
 * @pfn:   the first one, RAM
 * @pages: how many, all RAM
 *
 * The content stays. Complete at return, for all observers.
 * Locks: caller holds s2page
 */
void page_clean(pfn_t pfn, uint64_t pages);

#endif /* COREVISOR_CORE_PHYS_PAGE_H */
