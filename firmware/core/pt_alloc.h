/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for stage-2 tables, one pool per owner. Layer: PTAlloc.
 */
#ifndef COREVISOR_CORE_PT_ALLOC_H
#define COREVISOR_CORE_PT_ALLOC_H

#include "core/types.h"

/* Two concatenated level-1 pages, 8 KiB aligned. */
#define PT_ROOT_BYTES 8192

/**
 * pt_pool_init() - give an owner its root and its pool
 * @vmid:  HOSTVISOR or a VM
 * @root:  PA of PT_ROOT_BYTES, aligned to their size
 * @base:  PA of the pool, page aligned
 * @bytes: size of the pool, a multiple of a page
 *
 * The root is zeroed; pool pages are zeroed when they are handed out.
 * Locks: caller holds pt[vmid], or is the boot CPU alone
 */
void pt_pool_init(vmid_t vmid, paddr_t root, paddr_t base, uint64_t bytes);

/* PA of an owner's root, 0 if it has none. */
paddr_t pt_pool_root(vmid_t vmid);

/* Pages left in an owner's pool. Locks: as alloc_pud_page(). */
uint64_t pt_pool_free_pages(vmid_t vmid);

uint64_t alloc_pud_page(uint32_t vmid);
uint64_t alloc_pmd_page(uint32_t vmid);

#endif /* COREVISOR_CORE_PT_ALLOC_H */
