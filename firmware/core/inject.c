/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions that EL2 makes the host take at EL1. Layer: FaultHandler.
 * Locks: none.
 */
#include "core/inject.h"

#include "arch/cpu.h"

#define VECTOR_CURRENT_SP0	0x000
#define VECTOR_CURRENT_SPX	0x200
#define VECTOR_LOWER_AARCH64	0x400
#define VECTOR_LOWER_AARCH32	0x600

/* VBAR_EL1 has no bits below this. */
#define VBAR_ALIGN		0x800

uint64_t inject_entry_pstate(uint64_t spsr, uint64_t sctlr,
			     const struct cpu_features *features)
{
	uint64_t pstate = PSTATE_FAULT_BITS_64 | (spsr & (SPSR_NZCV | SPSR_DIT));

	if (features->pan) {
		pstate |= (sctlr & SCTLR_EL1_SPAN) == 0 ? SPSR_PAN :
							  spsr & SPSR_PAN;
	}
	if (features->ssbs && (sctlr & SCTLR_EL1_DSSBS) != 0) {
		pstate |= SPSR_SSBS;
	}
	if (features->mte) {
		pstate |= SPSR_TCO;
	}
	if (features->nmi && (sctlr & SCTLR_EL1_SPINTMASK) == 0) {
		pstate |= SPSR_ALLINT;
	}
	return pstate;
}

uint64_t inject_vector(uint64_t vbar, uint64_t spsr)
{
	uint64_t offset;

	if ((spsr & SPSR_M4_AARCH32) != 0) {
		offset = VECTOR_LOWER_AARCH32;
	} else if ((spsr & SPSR_MODE_MASK) == SPSR_MODE_EL0T) {
		offset = VECTOR_LOWER_AARCH64;
	} else if ((spsr & SPSR_MODE_MASK) == SPSR_MODE_EL1T) {
		offset = VECTOR_CURRENT_SP0;
	} else {
		offset = VECTOR_CURRENT_SPX;
	}
	return (vbar & ~(uint64_t)(VBAR_ALIGN - 1)) + offset;
}

static bool from_el1(const struct trap_frame *frame)
{
	uint64_t mode = frame->spsr & SPSR_MODE_MASK;

	return mode == SPSR_MODE_EL1T || mode == SPSR_MODE_EL1H;
}

/* Enters EL1's synchronous vector with @esr. */
static void enter_el1(struct trap_frame *frame, uint64_t esr)
{
	uint64_t spsr = frame->spsr;

	cpu_el1_set_exception(frame->elr, spsr, esr);
	frame->elr = inject_vector(cpu_el1_vbar(), spsr);
	frame->spsr = inject_entry_pstate(spsr, cpu_el1_sctlr(),
					  &this_cpu()->features);
}

void inject_external_abort(struct trap_frame *frame)
{
	/* IL is set for every abort without ISV, and EL1 gets none with it. */
	uint64_t esr = FSC_EXTERNAL_ABORT | ESR_ELX_IL;

	if (EXTRACT(ESR_ELX_EC, frame->esr) == EC_IABT_LOW) {
		esr |= INPLACE(ESR_ELX_EC, from_el1(frame) ? EC_IABT_CUR :
							     EC_IABT_LOW);
	} else {
		esr |= INPLACE(ESR_ELX_EC, from_el1(frame) ? EC_DABT_CUR :
							     EC_DABT_LOW);
		esr |= frame->esr & ESR_ELX_WNR;
	}
	cpu_el1_set_far(frame->far);
	enter_el1(frame, esr);
}

void inject_undefined(struct trap_frame *frame)
{
	enter_el1(frame, INPLACE(ESR_ELX_EC, EC_UNKNOWN) | ESR_ELX_IL);
}
