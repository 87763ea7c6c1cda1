/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for stage-2 tables. Layer: PTAlloc, on AbstractMachine and Locks.
 * Locks: the caller holds pt[vmid].
 *
 * The specification's pools are split by level; one pool per owner serves
 * both levels here, since the worst case of their sum is what is reserved
 * (delta D-003).
 */
#include "core/pt_alloc.h"

#include "arch/barrier.h"
#include "arch/mem.h"
#include "core/locks.h"
#include "core/panic.h"
#include "core/spec_constants.h"

struct pt_pool {
	paddr_t root;
	paddr_t next;
	paddr_t end;
};

static struct pt_pool pools[COREVISOR];

static struct pt_pool *pt_pool(vmid_t vmid)
{
	ASSERT(vmid < COREVISOR);
	return &pools[vmid];
}

void pt_pool_init(vmid_t vmid, paddr_t root, paddr_t base, uint64_t bytes)
{
	ASSERT((root & (PT_ROOT_BYTES - 1)) == 0);
	ASSERT(((base | bytes) & (PAGE_SIZE - 1)) == 0);
	mem_zero(pa_to_el2_va(root), PT_ROOT_BYTES);
	*pt_pool(vmid) = (struct pt_pool){
		.root = root,
		.next = base,
		.end = base + bytes,
	};
}

paddr_t pt_pool_root(vmid_t vmid)
{
	return pt_pool(vmid)->root;
}

uint64_t pt_pool_free_pages(vmid_t vmid)
{
	const struct pt_pool *pool = pt_pool(vmid);

	return (pool->end - pool->next) >> PAGE_SHIFT;
}

/* A zeroed table page, 0 if the pool is empty. */
static paddr_t alloc_table_page(vmid_t vmid)
{
	struct pt_pool *pool = pt_pool(vmid);
	paddr_t page = pool->next;

	ASSERT(lock_pt_is_held());
	if (page == pool->end) {
		return 0;
	}
	pool->next = page + PAGE_SIZE;
	mem_zero(pa_to_el2_va(page), PAGE_SIZE);
	/* The zeros must be visible to a walker before a link to them is. */
	barrier_dsb_ishst();
	return page;
}

/**
 * alloc_pud_page() - a level-2 table
 * @vmid: HOSTVISOR or a VM
 *
 * Spec:    PTAlloc.alloc_pud_page_spec
 * Delta:   D-001: 0 instead of a panic when the pool is empty
 * Locks:   caller holds pt[vmid]
 * Returns: PA of a zeroed page, 0 if the pool is empty
 */
uint64_t alloc_pud_page(uint32_t vmid)
{
	return alloc_table_page(vmid);
}

/**
 * alloc_pmd_page() - a level-3 table
 * @vmid: HOSTVISOR or a VM
 *
 * Spec:    PTAlloc.alloc_pmd_page_spec
 * Delta:   D-001: 0 instead of a panic when the pool is empty
 * Locks:   caller holds pt[vmid]
 * Returns: PA of a zeroed page, 0 if the pool is empty
 */
uint64_t alloc_pmd_page(uint32_t vmid)
{
	return alloc_table_page(vmid);
}
