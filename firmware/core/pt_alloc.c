/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for stage-2 tables. Layer: PTAlloc, on AbstractMachine and Locks.
 * Locks: the caller holds s2page and pt[vmid], or spt for an SMMU's table.
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
#include "hypsec/inspect.h"

/* Ends a chain of chunks. */
#define NO_CHUNK UINT32_C(0xffffffff)

/**
 * struct pt_arena - chunks that several owners share
 * @base:     PA of chunk 0
 * @follows:  for each chunk the next one of its chain: of an owner's pool, or
 *	      of the free ones
 * @free:     first free chunk
 * @nr_free:  how many
 * @reserved: of them, those that only a new pool may take
 */
struct pt_arena {
	paddr_t base;
	uint32_t *follows;
	uint32_t free;
	uint64_t nr_free;
	uint64_t reserved;
};

struct pt_pool pt_pools[PT_OWNERS];
static struct pt_arena vm_arena, spt_arena;

_Static_assert(PT_CHUNK_PAGES * PAGE_SIZE == PT_CHUNK_BYTES, "chunk size");
_Static_assert(sizeof(*vm_arena.follows) == PT_ARENA_RECORD_BYTES, "one each");

/* Whether an owner's pool is one range of its own, not chunks of an arena. */
static bool is_range(vmid_t vmid)
{
	return vmid == HOSTVISOR || vmid == PT_IDENTITY;
}

static struct pt_arena *arena_of(vmid_t vmid)
{
	return vmid < COREVISOR ? &vm_arena : &spt_arena;
}

static paddr_t chunk_pa(const struct pt_arena *arena, uint32_t chunk)
{
	return arena->base + ((uint64_t)chunk << PT_CHUNK_SHIFT);
}

static uint32_t chunk_of(const struct pt_arena *arena, paddr_t pa)
{
	return (uint32_t)((pa - arena->base) >> PT_CHUNK_SHIFT);
}

void pt_pool_init(vmid_t vmid, paddr_t root, paddr_t base, uint64_t bytes)
{
	ASSERT(is_range(vmid));
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

/* @first to @end: who shares it; none of them has a pool afterwards. */
static void arena_init(vmid_t first, vmid_t end, paddr_t base, uint64_t bytes)
{
	struct pt_arena *arena = arena_of(first);
	uint64_t chunks = bytes >> PT_CHUNK_SHIFT;
	uint64_t own = (chunks * PT_ARENA_RECORD_BYTES + PT_CHUNK_BYTES - 1) >>
		       PT_CHUNK_SHIFT;

	ASSERT(((base | bytes) & (PT_CHUNK_BYTES - 1)) == 0);
	ASSERT(chunks > 0 && chunks < NO_CHUNK);
	for (vmid_t vmid = first; vmid < end; vmid++) {
		pt_pools[vmid] = (struct pt_pool){ .root = 0 };
	}
	*arena = (struct pt_arena){
		.base = base,
		.follows = el2_ptr(pa_to_el2_va(base)),
		.free = NO_CHUNK,
		.nr_free = chunks - own,
	};
	/* From the end, so that the first one is given out first. */
	for (uint64_t chunk = chunks; chunk-- > own;) {
		arena->follows[chunk] = arena->free;
		arena->free = (uint32_t)chunk;
	}
}

void pt_arena_init(paddr_t base, uint64_t bytes)
{
	arena_init(HOSTVISOR + 1, COREVISOR, base, bytes);
}

void pt_spt_arena_init(paddr_t base, uint64_t bytes, uint64_t banks)
{
	arena_init(PT_IDENTITY + 1, PT_OWNERS, base, bytes);
	ASSERT(spt_arena.nr_free >= banks);
	spt_arena.reserved = banks;
}

_Static_assert(offsetof(struct pt_pool, root) == 0, "told by inspect.h");
_Static_assert(HYPSEC_INSPECT_POOL_OF_BANK(COREVISOR, 0, 0) == PT_IDENTITY &&
	       HYPSEC_INSPECT_POOL_OF_BANK(COREVISOR, 1, 0) ==
		       PT_IDENTITY + SMMU_NUM_CTXT_BANKS, "told by inspect.h");

const void *pt_pool_array(uint64_t *stride)
{
	*stride = sizeof(pt_pools[0]);
	return pt_pools;
}

uint64_t pt_arena_free_chunks(void)
{
	return vm_arena.nr_free;
}

uint64_t pt_pool_free_pages(vmid_t vmid)
{
	const struct pt_arena *arena = arena_of(vmid);
	const struct pt_pool *pool = pt_pool(vmid);
	uint64_t pages = (pool->end - pool->next) >> PAGE_SHIFT;

	return is_range(vmid) ? pages :
		pages + (arena->nr_free - arena->reserved) * PT_CHUNK_PAGES;
}

/* Appends a free chunk to a pool, whose last one is used up. */
static bool take_chunk(struct pt_arena *arena, struct pt_pool *pool)
{
	uint32_t chunk = arena->free;

	if (chunk == NO_CHUNK) {
		return false;
	}
	arena->free = arena->follows[chunk];
	arena->nr_free--;
	arena->follows[chunk] = NO_CHUNK;
	if (pool->root != 0) {
		arena->follows[chunk_of(arena, pool->end - 1)] = chunk;
	}
	pool->next = chunk_pa(arena, chunk);
	pool->end = pool->next + PT_CHUNK_BYTES;
	return true;
}

enum hv_status pt_pool_create(vmid_t vmid)
{
	struct pt_arena *arena = arena_of(vmid);
	struct pt_pool *pool = pt_pool(vmid);

	ASSERT(!is_range(vmid) && pool->root == 0);
	ASSERT(lock_table_is_held(vmid));
	if (arena->reserved > 0) {
		/* This one's. */
		arena->reserved--;
	}
	if (!take_chunk(arena, pool)) {
		return HV_ENOMEM;
	}
	pool->chunk = chunk_of(arena, pool->next);
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
	struct pt_arena *arena = arena_of(vmid);
	struct pt_pool *pool = pt_pool(vmid);
	uint32_t chunk;

	ASSERT(!is_range(vmid));
	ASSERT(lock_table_is_held(vmid));
	if (pool->root == 0) {
		return;
	}
	for (chunk = pool->chunk; arena->follows[chunk] != NO_CHUNK;
	     chunk = arena->follows[chunk]) {
		arena->nr_free++;
	}
	arena->nr_free++;
	arena->reserved += vmid < COREVISOR ? 0 : 1;
	arena->follows[chunk] = arena->free;
	arena->free = pool->chunk;
	*pool = (struct pt_pool){ .root = 0 };
}

paddr_t pt_pool_next_page(vmid_t vmid, paddr_t page)
{
	const struct pt_arena *arena = arena_of(vmid);
	const struct pt_pool *pool = pt_pool(vmid);
	paddr_t next = page == 0 ? pool->first : page + PAGE_SIZE;

	if (next == pool->next) {
		return 0;
	}
	/* On from the end of a chunk; the last one's was the way out above. */
	if (!is_range(vmid) && next % PT_CHUNK_BYTES == 0) {
		next = chunk_pa(arena, arena->follows[chunk_of(arena, page)]);
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
	    (is_range(vmid) || !take_chunk(arena_of(vmid), pool))) {
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
 * @vmid: HOSTVISOR, a VM or an SMMU's table
 *
 * Spec:    PTAlloc.alloc_pud_page_spec
 * Delta:   D-001: 0 instead of a panic when the pool is empty
 * Locks:   caller holds s2page and pt[vmid] or spt
 * Returns: PA of a zeroed page, 0 if the pool is empty
 */
uint64_t alloc_pud_page(uint32_t vmid)
{
	return alloc_table_page(vmid);
}

/**
 * alloc_pmd_page() - a level-3 table
 * @vmid: HOSTVISOR, a VM or an SMMU's table
 *
 * Spec:    PTAlloc.alloc_pmd_page_spec
 * Delta:   D-001: 0 instead of a panic when the pool is empty
 * Locks:   caller holds s2page and pt[vmid] or spt
 * Returns: PA of a zeroed page, 0 if the pool is empty
 */
uint64_t alloc_pmd_page(uint32_t vmid)
{
	return alloc_table_page(vmid);
}
