/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for stage-2 tables. Layer: PTAlloc, on AbstractMachine and Locks.
 * Locks: the caller holds s2page and pt[vmid].
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

/* Ends a chain of chunks. */
#define NO_CHUNK UINT32_C(0xffffffff)

/**
 * struct pt_arena - the VMs' chunks
 * @base:    PA of chunk 0
 * @follows: for each chunk the next one of its chain: of a VM's pool, or of
 *	     the free ones
 * @free:    first free chunk
 * @nr_free: how many
 */
struct pt_arena {
	paddr_t base;
	uint32_t *follows;
	uint32_t free;
	uint64_t nr_free;
};

struct pt_pool pt_pools[COREVISOR];
static struct pt_arena arena;

_Static_assert(PT_CHUNK_PAGES * PAGE_SIZE == PT_CHUNK_BYTES, "chunk size");
_Static_assert(sizeof(*arena.follows) == PT_ARENA_RECORD_BYTES, "one each");

static paddr_t chunk_pa(uint32_t chunk)
{
	return arena.base + ((uint64_t)chunk << PT_CHUNK_SHIFT);
}

static uint32_t chunk_of(paddr_t pa)
{
	return (uint32_t)((pa - arena.base) >> PT_CHUNK_SHIFT);
}

void pt_pool_init(vmid_t vmid, paddr_t root, paddr_t base, uint64_t bytes)
{
	ASSERT(vmid == HOSTVISOR);
	ASSERT((root & (PT_ROOT_BYTES - 1)) == 0);
	ASSERT(((base | bytes) & (PAGE_SIZE - 1)) == 0);
	mem_zero(pa_to_el2_va(root), PT_ROOT_BYTES);
	*pt_pool(vmid) = (struct pt_pool){
		.root = root,
		.first = base,
		.next = base,
		.end = base + bytes,
	};
}

void pt_arena_init(paddr_t base, uint64_t bytes)
{
	uint64_t chunks = bytes >> PT_CHUNK_SHIFT;
	uint64_t own = (chunks * PT_ARENA_RECORD_BYTES + PT_CHUNK_BYTES - 1) >>
		       PT_CHUNK_SHIFT;

	ASSERT(((base | bytes) & (PT_CHUNK_BYTES - 1)) == 0);
	ASSERT(chunks > 0 && chunks < NO_CHUNK);
	for (vmid_t vmid = HOSTVISOR + 1; vmid < COREVISOR; vmid++) {
		pt_pools[vmid] = (struct pt_pool){ .root = 0 };
	}
	arena = (struct pt_arena){
		.base = base,
		.follows = el2_ptr(pa_to_el2_va(base)),
		.free = NO_CHUNK,
		.nr_free = chunks - own,
	};
	/* From the end, so that the first one is given out first. */
	for (uint64_t chunk = chunks; chunk-- > own;) {
		arena.follows[chunk] = arena.free;
		arena.free = (uint32_t)chunk;
	}
}

_Static_assert(offsetof(struct pt_pool, root) == 0, "told by inspect.h");

const void *pt_pool_array(uint64_t *stride)
{
	*stride = sizeof(pt_pools[0]);
	return pt_pools;
}

uint64_t pt_arena_free_chunks(void)
{
	return arena.nr_free;
}

uint64_t pt_pool_free_pages(vmid_t vmid)
{
	const struct pt_pool *pool = pt_pool(vmid);
	uint64_t pages = (pool->end - pool->next) >> PAGE_SHIFT;

	return vmid == HOSTVISOR ? pages :
				   pages + arena.nr_free * PT_CHUNK_PAGES;
}

/* Appends a free chunk to a VM's pool, whose last one is used up. */
static bool take_chunk(struct pt_pool *pool)
{
	uint32_t chunk = arena.free;

	if (chunk == NO_CHUNK) {
		return false;
	}
	arena.free = arena.follows[chunk];
	arena.nr_free--;
	arena.follows[chunk] = NO_CHUNK;
	if (pool->root != 0) {
		arena.follows[chunk_of(pool->end - 1)] = chunk;
	}
	pool->next = chunk_pa(chunk);
	pool->end = pool->next + PT_CHUNK_BYTES;
	return true;
}

enum hv_status pt_pool_create(vmid_t vmid)
{
	struct pt_pool *pool = pt_pool(vmid);

	ASSERT(vmid != HOSTVISOR && pool->root == 0);
	ASSERT(lock_table_is_held(vmid));
	if (!take_chunk(pool)) {
		return HV_ENOMEM;
	}
	pool->chunk = chunk_of(pool->next);
	pool->root = pool->next;
	pool->next += PT_ROOT_BYTES;
	pool->first = pool->next;
	mem_zero(pa_to_el2_va(pool->root), PT_ROOT_BYTES);
	/* The empty root is there before any VTTBR_EL2 names it. */
	barrier_dsb_ishst();
	return HV_OK;
}

void pt_pool_release(vmid_t vmid)
{
	struct pt_pool *pool = pt_pool(vmid);
	uint32_t chunk;

	ASSERT(vmid != HOSTVISOR);
	ASSERT(lock_table_is_held(vmid));
	if (pool->root == 0) {
		return;
	}
	for (chunk = pool->chunk; arena.follows[chunk] != NO_CHUNK;
	     chunk = arena.follows[chunk]) {
		arena.nr_free++;
	}
	arena.nr_free++;
	arena.follows[chunk] = arena.free;
	arena.free = pool->chunk;
	*pool = (struct pt_pool){ .root = 0 };
}

paddr_t pt_pool_next_page(vmid_t vmid, paddr_t page)
{
	const struct pt_pool *pool = pt_pool(vmid);
	paddr_t next = page == 0 ? pool->first : page + PAGE_SIZE;

	if (next == pool->next) {
		return 0;
	}
	/* On from the end of a chunk; the last one's was the way out above. */
	if (vmid != HOSTVISOR && next % PT_CHUNK_BYTES == 0) {
		next = chunk_pa(arena.follows[chunk_of(page)]);
	}
	return next;
}

/* A zeroed table page, 0 if there is none. */
static paddr_t alloc_table_page(vmid_t vmid)
{
	struct pt_pool *pool = pt_pool(vmid);
	paddr_t page;

	ASSERT(pool->root != 0 && lock_table_is_held(vmid));
	if (pool->next == pool->end &&
	    (vmid == HOSTVISOR || !take_chunk(pool))) {
		return 0;
	}
	page = pool->next;
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
 * Locks:   caller holds s2page and pt[vmid]
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
 * Locks:   caller holds s2page and pt[vmid]
 * Returns: PA of a zeroed page, 0 if the pool is empty
 */
uint64_t alloc_pmd_page(uint32_t vmid)
{
	return alloc_table_page(vmid);
}
