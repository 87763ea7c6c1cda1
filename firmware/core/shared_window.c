/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of what host and EL2 tell each other. Layer: boot.
 * Locks: s2page and spt, boot CPU only.
 */
#include "core/shared_window.h"

#include "arch/mem.h"
#include "core/dma_identity.h"
#include "core/int_state.h"
#include "core/locks.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/spec_constants.h"
#include "hypsec/abi.h"

void shared_window_init(paddr_t base)
{
	acquire_lock_s2page();
	for (uint64_t i = 0; i < HYPSEC_SHARED_SIZE >> PAGE_SHIFT; i++) {
		pfn_t pfn = (base >> PAGE_SHIFT) + i;

		ASSERT(get_pfn_owner(pfn) == HOSTVISOR);
		set_pfn_count(pfn, 1);
	}
	/* No device writes what EL2 reads. */
	dma_identity_remove(base >> PAGE_SHIFT, HYPSEC_SHARED_SIZE >> PAGE_SHIFT);
	release_lock_s2page();
	mem_zero(pa_to_el2_va(base), HYPSEC_SHARED_SIZE);
	/* The host may look before its caches are on. */
	mem_clean_poc(pa_to_el2_va(base), HYPSEC_SHARED_SIZE);
	int_state_init(base);
}
