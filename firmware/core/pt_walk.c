/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One level of a stage-2 table each. Layer: PTWalk, on PTAlloc; MmioPTWalk.
 * Locks: the caller holds pt[vmid] or s2page to read, both to write; spt in
 * place of pt[vmid] for an SMMU's table.
 */
#include "core/pt_walk.h"

#include "arch/barrier.h"
#include "arch/mem.h"
#include "core/locks.h"
#include "core/panic.h"
#include "core/pt_alloc.h"
#include "core/spec_constants.h"

bool pt_is_valid(uint64_t desc)
{
	return (desc & S2_VALID) != 0;
}

bool pt_is_table(uint64_t desc)
{
	return (desc & PMD_TYPE_TABLE) == PMD_TYPE_TABLE;
}

bool pt_is_leaf(uint64_t desc)
{
	return (desc & (S2_VALID | S2_AF)) == (S2_VALID | S2_AF);
}

/* The entry for @addr in the table page at @table, for index bits from @shift. */
static el2_va_t pt_entry(paddr_t table, uint64_t addr, unsigned int shift)
{
	uint64_t index = (addr >> shift) & (PTRS_PER_PTE - 1);

	return pa_to_el2_va(table + index * sizeof(uint64_t));
}

static uint64_t pt_load(el2_va_t entry)
{
	return *(const volatile uint64_t *)el2_ptr(entry);
}

/* Writes an entry; it is visible to walkers of all CPUs at return. */
static void pt_store(vmid_t vmid, el2_va_t entry, uint64_t desc)
{
	ASSERT(lock_table_is_held(vmid));
	table_store(entry, desc);
	/* The walker sees the entry before the lock is released. */
	barrier_dsb_ishst();
}

/**
 * walk_pgd() - the root page for an address
 * @vmid:  whose table
 * @vttbr: PA of the root
 * @addr:  IPA in bytes, below 2^40
 *
 * Spec:    PTWalk.walk_pgd_spec
 * Delta:   D-004: the top level is the index into the concatenated root,
 *	    which is never absent, so there is no alloc argument
 * Returns: PA of the level-1 page
 */
uint64_t walk_pgd(uint32_t vmid, uint64_t vttbr, uint64_t addr)
{
	ASSERT(vmid < PT_OWNERS && addr < KVM_PHYS_SIZE);
	return vttbr + ((addr >> PGD_SHIFT) << PAGE_SHIFT);
}

/**
 * walk_pud() - the level-1 entry for an address
 * @vmid:  whose table
 * @pgd:   PA of the level-1 page
 * @addr:  IPA in bytes
 * @alloc: 1 links a new level-2 table where there is none
 *
 * Spec:    PTWalk.walk_pud_spec
 * Locks:   caller holds pt[vmid]; s2page too if @alloc
 * Returns: the entry, 0 if there is none and none could be made
 */
uint64_t walk_pud(uint32_t vmid, uint64_t pgd, uint64_t addr, uint32_t alloc)
{
	el2_va_t entry = pt_entry(pgd, addr, PUD_SHIFT);
	uint64_t pud = pt_load(entry);

	if (!pt_is_valid(pud) && alloc == 1) {
		pud = alloc_pud_page(vmid);
		if (pud != 0) {
			pud |= PMD_TYPE_TABLE;
			pt_store(vmid, entry, pud);
		}
	}
	return pt_is_valid(pud) ? pud : 0;
}

/**
 * walk_pmd() - the level-2 entry for an address
 * @vmid:  whose table
 * @pud:   level-1 entry, 0 if there is none
 * @addr:  IPA in bytes
 * @alloc: 1 links a new level-3 table where there is nothing
 *
 * Spec:    PTWalk.walk_pmd_spec
 * Locks:   caller holds pt[vmid]; s2page too if @alloc
 * Returns: the entry, a table or a block; 0 if there is none and none could
 *	    be made
 */
uint64_t walk_pmd(uint32_t vmid, uint64_t pud, uint64_t addr, uint32_t alloc)
{
	el2_va_t entry;
	uint64_t pmd;

	if (!pt_is_valid(pud)) {
		return 0;
	}
	entry = pt_entry(pud & S2_OA_MASK, addr, PMD_SHIFT);
	pmd = pt_load(entry);
	if (!pt_is_valid(pmd) && alloc == 1) {
		pmd = alloc_pmd_page(vmid);
		if (pmd != 0) {
			pmd |= PMD_TYPE_TABLE;
			pt_store(vmid, entry, pmd);
		}
	}
	return pt_is_valid(pmd) ? pmd : 0;
}

/**
 * walk_pte() - the level-3 entry for an address
 * @vmid: whose table
 * @pmd:  level-2 entry that links a table, 0 if there is none
 * @addr: IPA in bytes
 *
 * Spec:    PTWalk.walk_pte_spec
 * Locks:   caller holds pt[vmid]
 * Returns: the entry as it stands, 0 without a table
 */
uint64_t walk_pte(uint32_t vmid, uint64_t pmd, uint64_t addr)
{
	ASSERT(vmid < PT_OWNERS);
	if (!pt_is_table(pmd)) {
		return 0;
	}
	return pt_load(pt_entry(pmd & S2_OA_MASK, addr, PAGE_SHIFT));
}

/**
 * set_pmd() - write a level-2 entry
 * @vmid: whose table
 * @pud:  level-1 entry that links the table
 * @addr: IPA in bytes
 * @pmd:  block or table descriptor, or 0
 *
 * From one valid entry to another the way leads over 0 and tlb_flush_ipa().
 *
 * Spec:  PTWalk.set_pmd_spec
 * Locks: caller holds s2page and pt[vmid]
 */
void set_pmd(uint32_t vmid, uint64_t pud, uint64_t addr, uint64_t pmd)
{
	ASSERT(vmid < PT_OWNERS && pt_is_table(pud));
	pt_store(vmid, pt_entry(pud & S2_OA_MASK, addr, PMD_SHIFT), pmd);
}

/**
 * set_pte() - write a level-3 entry
 * @vmid: whose table
 * @pmd:  level-2 entry that links the table
 * @addr: IPA in bytes
 * @pte:  page descriptor, or PAGE_GUEST
 *
 * Spec:  PTWalk.set_pte_spec
 * Locks: caller holds s2page and pt[vmid]
 */
void set_pte(uint32_t vmid, uint64_t pmd, uint64_t addr, uint64_t pte)
{
	ASSERT(vmid < PT_OWNERS && pt_is_table(pmd));
	pt_store(vmid, pt_entry(pmd & S2_OA_MASK, addr, PAGE_SHIFT), pte);
}

/* Stores @n leaves from @entry on, each @bytes beyond the one before. */
static inline void fill(el2_va_t entry, uint64_t desc, uint64_t bytes,
			uint64_t n)
{
	uint64_t *e = el2_ptr(entry);

	/* Four at a time: a table is long. */
	for (; n >= 4; n -= 4, e += 4, desc += 4 * bytes) {
		table_store((el2_va_t){ (uintptr_t)&e[0] }, desc);
		table_store((el2_va_t){ (uintptr_t)&e[1] }, desc + bytes);
		table_store((el2_va_t){ (uintptr_t)&e[2] }, desc + 2 * bytes);
		table_store((el2_va_t){ (uintptr_t)&e[3] }, desc + 3 * bytes);
	}
	for (; n > 0; n--, e++, desc += bytes) {
		table_store((el2_va_t){ (uintptr_t)e }, desc);
	}
}

void fill_ptes(vmid_t vmid, paddr_t table, uint64_t pte)
{
	ASSERT(lock_table_is_held(vmid));
	fill(pa_to_el2_va(table), pte, PAGE_SIZE, PTRS_PER_PTE);
}

void clear_ptes(vmid_t vmid, paddr_t table, uint64_t addr, uint64_t end)
{
	ASSERT(lock_table_is_held(vmid));
	for (; addr < end; addr += PAGE_SIZE) {
		table_store(pt_entry(table, addr, PAGE_SHIFT), 0);
	}
	barrier_dsb_ishst();
}

uint64_t fill_pmds(vmid_t vmid, uint64_t pud, uint64_t pmd, uint64_t end)
{
	uint64_t addr = pmd & S2_OA_MASK;
	uint64_t table_end = (addr | (PUD_SIZE - 1)) + 1;

	ASSERT(lock_table_is_held(vmid));
	end = end < table_end ? end : table_end;
	fill(pt_entry(pud & S2_OA_MASK, addr, PMD_SHIFT), pmd, PMD_SIZE,
	     (end - addr) >> PMD_SHIFT);
	return end;
}

uint64_t replace_valid(vmid_t vmid, paddr_t table, uint64_t desc)
{
	uint64_t replaced = 0;

	ASSERT(lock_table_is_held(vmid));
	for (uint64_t addr = 0; addr < PMD_SIZE; addr += PAGE_SIZE) {
		el2_va_t entry = pt_entry(table, addr, PAGE_SHIFT);

		if (pt_is_valid(pt_load(entry))) {
			table_store(entry, desc);
			replaced++;
		}
	}
	return replaced;
}

uint64_t load_entry(paddr_t table, uint64_t index)
{
	return pt_load(pt_entry(table, index, 0));
}
