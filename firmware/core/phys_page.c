/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Contents of physical pages at a change of owner. Layer: AbstractMachine.
 * Locks: the caller holds s2page.
 */
#include "core/phys_page.h"

#include "arch/mem.h"
#include "core/locks.h"
#include "core/panic.h"
#include "core/spec_constants.h"

/**
 * clear_phys_page() - zero a page for its next owner
 * @pfn: page frame number of RAM
 *
 * The zeros are in memory, not only in a cache, at return.
 *
 * Spec:   AbstractMachine.clear_phys_page_spec
 * Locks:  caller holds s2page
 * Panics: @pfn out of range - nobody
 */
void clear_phys_page(uint64_t pfn)
{
	ASSERT(pfn < KVM_PFN_SPACE);
	mem_zero(pa_to_el2_va(pfn << PAGE_SHIFT), PAGE_SIZE);
	page_clean(pfn, 1);
}

void page_clean(pfn_t pfn, uint64_t pages)
{
	ASSERT(lock_s2page_is_held());
	mem_clean_poc(pa_to_el2_va(pfn << PAGE_SHIFT), pages << PAGE_SHIFT);
}
