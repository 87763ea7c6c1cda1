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

/* What a CPU runs while it borrows a VMID. */
struct borrower {
	uint64_t vttbr;
	struct el1_walks walks;
};

/* Makes @vttbr's VMID the one that TLBI acts on. */
static void borrow_vmid(uint64_t vttbr, struct borrower *self)
{
	self->vttbr = vttbr_read();
	/* Walkers see the changed tables before TLBs forget the old ones. */
	barrier_dsb_ishst();
	if (self->vttbr != vttbr) {
		self->walks = el1_walks_stop();
		vttbr_write(vttbr);
		barrier_isb();
	}
}

/* Waits for the invalidation, on all CPUs, and gives the VMID back. */
static void return_vmid(uint64_t vttbr, const struct borrower *self)
{
	barrier_dsb_ish();
	barrier_isb();
	if (self->vttbr != vttbr) {
		vttbr_write(self->vttbr);
		barrier_isb();
		el1_walks_resume(self->walks);
	}
}

void tlb_flush_ipa(uint64_t vttbr, ipa_t ipa)
{
	struct borrower self;

	borrow_vmid(vttbr, &self);
	tlbi_ipas2e1is(ipa);
	/* Only then may entries that combine both stages be dropped. */
	barrier_dsb_ish();
	tlbi_vmalle1is();
	return_vmid(vttbr, &self);
}

void tlb_flush_vmid(uint64_t vttbr)
{
	struct borrower self;

	borrow_vmid(vttbr, &self);
	tlbi_vmalls12e1is();
	return_vmid(vttbr, &self);
}
