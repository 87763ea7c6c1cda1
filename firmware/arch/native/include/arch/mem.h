/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EL2's view of the host build's physical memory. */
#ifndef COREVISOR_ARCH_MEM_H
#define COREVISOR_ARCH_MEM_H

#include "arch/native.h"
#include "core/types.h"

/* Aborts the test if @pa is outside the memory of native_memory_add(). */
el2_va_t pa_to_el2_va(paddr_t pa);

static inline void *el2_ptr(el2_va_t va)
{
	return (void *)va.addr;
}

/* Stores and records NATIVE_TABLE_STORE. */
void table_store(el2_va_t entry, uint64_t desc);

/* Records NATIVE_ZERO. */
void mem_zero(el2_va_t va, uint64_t bytes);

/* Records NATIVE_CLEAN. */
void mem_clean_poc(el2_va_t va, uint64_t bytes);

/* Records NATIVE_ICACHE. */
static inline void icache_invalidate_all(void)
{
	native_record(NATIVE_ICACHE, 0, 0);
}

#endif /* COREVISOR_ARCH_MEM_H */
