/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Invalidation of stage-2 translations on all CPUs. Layer: AbstractMachine.
 * Locks: the caller holds pt of the table.
 *
 * TLBI instructions for EL1&0 act on the VMID in VTTBR_EL2, so it is borrowed
 * where this CPU runs another one. (Arm ARM D8.16, D8.17.)
 */
#include "core/tlb.h"

#include "arch/barrier.h"
#include "arch/tlbi.h"

/* Makes @vttbr the VMID that TLBI acts on; returns the one before. */
static uint64_t borrow_vmid(uint64_t vttbr)
{
	uint64_t current = vttbr_read();

	/* Table stores are seen by walkers before entries are dropped. */
	barrier_dsb_ishst();
	if (current != vttbr) {
		vttbr_write(vttbr);
		barrier_isb();
	}
	return current;
}

/* Waits for the invalidation, on all CPUs, and gives the VMID back. */
static void return_vmid(uint64_t vttbr, uint64_t before)
{
	barrier_dsb_ish();
	barrier_isb();
	if (before != vttbr) {
		vttbr_write(before);
		barrier_isb();
	}
}

void tlb_flush_ipa(uint64_t vttbr, ipa_t ipa)
{
	uint64_t before = borrow_vmid(vttbr);

	tlbi_ipas2e1is(ipa);
	/* Only then may entries that combine both stages be dropped. */
	barrier_dsb_ish();
	tlbi_vmalle1is();
	return_vmid(vttbr, before);
}

void tlb_flush_vmid(uint64_t vttbr)
{
	uint64_t before = borrow_vmid(vttbr);

	tlbi_vmalls12e1is();
	return_vmid(vttbr, before);
}
