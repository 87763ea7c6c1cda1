/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for stage-2 tables, one pool per owner. Layer: PTAlloc, and
 * MmioPTAlloc, whose tables have the same shape.
 *
 * The host's pool is one range, sized for its worst case, and the SMMUs'
 * identity table's is another one. A VM's pool grows by chunks out of an arena
 * that the VMs share; a chunk is one VM's until the whole pool goes back. The
 * SMMUs' other tables share a second arena in the same way.
 */
#ifndef COREVISOR_CORE_PT_ALLOC_H
#define COREVISOR_CORE_PT_ALLOC_H

#include "core/panic.h"
#include "core/spec_constants.h"
#include "core/types.h"

/*
 * Owners of tables from COREVISOR on: the table of the SMMUs' identity bank,
 * then a table for each other bank. Their lock is spt instead of pt[vmid].
 */
#define PT_IDENTITY	COREVISOR
#define PT_OWNERS	(PT_IDENTITY + EL2_SMMU_CFG_SIZE)

/* The owner that stands for a bank's table; the bank is not number 0. */
static inline vmid_t pt_spt(uint32_t cbndx, uint32_t index)
{
	ASSERT(cbndx > 0 && cbndx < SMMU_NUM_CTXT_BANKS && index < SMMU_NUM);
	return PT_IDENTITY + index * SMMU_NUM_CTXT_BANKS + cbndx;
}

/* Two concatenated level-1 pages, 8 KiB aligned. */
#define PT_ROOT_BYTES 8192

/* One chunk, aligned to its size. */
#define PT_CHUNK_SHIFT 16
#define PT_CHUNK_BYTES (1 << PT_CHUNK_SHIFT)
#define PT_CHUNK_PAGES (PT_CHUNK_BYTES / 4096)

/**
 * pt_pool_init() - give the host or the identity table its root and its pool
 * @vmid:  HOSTVISOR or PT_IDENTITY
 * @root:  PA of PT_ROOT_BYTES, aligned to their size
 * @base:  PA of the pool, page aligned
 * @bytes: size of the pool, a multiple of a page
 *
 * The root is zeroed; pool pages are zeroed when they are handed out.
 * Locks: caller holds s2page and pt[vmid], or is the boot CPU alone
 */
void pt_pool_init(vmid_t vmid, paddr_t root, paddr_t base, uint64_t bytes);

/**
 * pt_arena_init() - give all VMs together their memory for tables
 * @base:  PA, PT_CHUNK_BYTES aligned
 * @bytes: a multiple of PT_CHUNK_BYTES, at least one
 *
 * Its first bytes, PT_ARENA_RECORD_BYTES for each chunk, are the arena's own.
 * No VM has a pool afterwards.
 * Locks: none; boot CPU only
 */
void pt_arena_init(paddr_t base, uint64_t bytes);

/**
 * pt_spt_arena_init() - the same for the tables of the SMMUs' banks
 * @base:  as pt_arena_init()
 * @bytes: as pt_arena_init()
 * @banks: that many pools can always be created, whatever others hold
 *
 * Locks: none; boot CPU only
 */
void pt_spt_arena_init(paddr_t base, uint64_t bytes, uint64_t banks);

/* What the arena keeps of each chunk. */
#define PT_ARENA_RECORD_BYTES 4

/* Chunks of the VMs' arena that are no VM's. Locks: caller holds s2page. */
uint64_t pt_arena_free_chunks(void);

/**
 * pt_pool_create() - give a VM an empty root and what is left of its chunk
 * @vmid: a VM or a bank's table, without a pool
 *
 * Locks:   caller holds s2page and pt[vmid] or spt
 * Returns: HV_ENOMEM if there is no free chunk; nothing has changed then
 */
enum hv_status WARN_UNUSED pt_pool_create(vmid_t vmid);

/**
 * pt_pool_release() - give all chunks of a VM back
 * @vmid: a VM or a bank's table; one without a pool keeps none
 *
 * No CPU may have the root in VTTBR_EL2, or a translation from it in its TLB.
 * Locks: caller holds s2page and pt[vmid] or spt
 */
void pt_pool_release(vmid_t vmid);

/**
 * struct pt_pool - memory for one owner's tables
 * @root:  PA of the root, 0 if the owner has no table
 * @first: PA of the first table page
 * @next:  PA of the next page to hand out
 * @end:   end of the range, or of the last chunk
 * @chunk: the first chunk (VMs)
 */
struct pt_pool {
	paddr_t root;
	paddr_t first;
	paddr_t next;
	paddr_t end;
	uint32_t chunk;
};

extern struct pt_pool pt_pools[PT_OWNERS];

static inline struct pt_pool *pt_pool(vmid_t vmid)
{
	ASSERT(vmid < PT_OWNERS);
	return &pt_pools[vmid];
}

/*
 * PA of an owner's root, 0 if it has none. Locks: s2page or pt[vmid], or a vCPU
 * of the VM is ACTIVE on this CPU.
 */
static inline paddr_t pt_pool_root(vmid_t vmid)
{
	return pt_pool(vmid)->root;
}

/*
 * How many pages alloc_pud_page() and alloc_pmd_page() could still give: the
 * rest of the pool and, for a VM, all free chunks.
 * Locks: caller holds s2page.
 */
uint64_t pt_pool_free_pages(vmid_t vmid);

/**
 * pt_pool_next_page() - go through the tables that an owner was given
 * @vmid: HOSTVISOR or a VM
 * @page: PA of the one before; 0 for the first
 *
 * Locks:   caller holds s2page or pt[vmid]
 * Returns: PA of a page from alloc_pud_page() or alloc_pmd_page(), 0 after the
 *	    last; the root is not among them
 */
paddr_t pt_pool_next_page(vmid_t vmid, paddr_t page);

/**
 * pt_pool_array() - where the roots are, for tools
 * @stride: bytes from one owner's entry to the next, filled in
 *
 * Returns: the host's entry; each begins with the root as a paddr_t
 */
const void *pt_pool_array(uint64_t *stride);

uint64_t alloc_pud_page(uint32_t vmid);
uint64_t alloc_pmd_page(uint32_t vmid);

#endif /* COREVISOR_CORE_PT_ALLOC_H */
