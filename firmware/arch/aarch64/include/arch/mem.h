/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EL2's view of physical memory. Same interface in arch/native. */
#ifndef COREVISOR_ARCH_MEM_H
#define COREVISOR_ARCH_MEM_H

#include "arch/barrier.h"
#include "arch/layout.h"
#include "core/types.h"

/**
 * pa_to_el2_va() - where EL2's linear map shows physical memory
 * @pa: bytes; RAM outside the firmware's image
 *
 * Returns: the address; no promise that @pa is RAM
 */
static inline el2_va_t pa_to_el2_va(paddr_t pa)
{
	return (el2_va_t){ pa + LINEAR_BASE };
}

/* The pointer behind an EL2 address. */
static inline void *el2_ptr(el2_va_t va)
{
	return (void *)va.addr;
}

/**
 * table_store() - write one translation table entry
 * @entry: EL2 address of the entry
 * @desc:  descriptor
 *
 * A single 64-bit store, so that a walker sees the old or the new entry. The
 * caller orders it with barrier_dsb_ishst().
 */
static inline void table_store(el2_va_t entry, uint64_t desc)
{
	*(volatile uint64_t *)entry.addr = desc;
}

/**
 * mem_zero() - zero memory by whole cache lines
 * @va:    EL2 address, 64-byte aligned, Normal memory
 * @bytes: a multiple of 64
 */
void mem_zero(el2_va_t va, uint64_t bytes);

/**
 * mem_clean_poc() - write back and drop cache lines to the point of coherency
 * @va:    EL2 address
 * @bytes: length
 *
 * Complete at return.
 */
void mem_clean_poc(el2_va_t va, uint64_t bytes);

/* Drops all instruction cache lines of all CPUs; complete at return. */
static inline void icache_invalidate_all(void)
{
	__asm__ volatile("ic ialluis" ::: "memory");
	barrier_dsb_ish();
	barrier_isb();
}

#endif /* COREVISOR_ARCH_MEM_H */
