/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A context by itself. Source: facts A.4 and B.5.
 */
#include "spec/ctxt.h"

#include <stddef.h>
#include <string.h>

bool is_sys_reg(uint32_t index)
{
	return (index >= MPIDR_EL1 && index <= MDCCINT_EL1) ||
	       (index >= CNTV_CTL_EL0 && index < NR_CTXT_INDICES);
}

/* ESR_EL1 lies in the other record; its place here is not used. */
static uint64_t *sys_field(uint32_t index, struct ctxt_regs *regs)
{
	uint32_t own = MDCCINT_EL1 - MPIDR_EL1 + 1;

	return index <= MDCCINT_EL1 ? &regs->sys[index - MPIDR_EL1] :
				      &regs->sys[own + index - CNTV_CTL_EL0];
}

/*
 * Corrected, G52: SP_EL0 and SP_EL1 are registers like others (the Coq reads 0
 * and writes nothing), and so is MDCCINT_EL1. SPSR_ABT to SPSR_FIQ are of
 * AArch32 and not there.
 */
uint64_t *ctxt_field(uint32_t index, struct ctxt_regs *regs,
		     struct ctxt_states *states)
{
	if (index < NUM_GPRS) {
		return &regs->x[index];
	}
	switch (index) {
	case SP_EL0:
		return &regs->sp_el0;
	case PC:
		return &states->pc;
	case PSTATE:
		return &states->pstate;
	case SP_EL1:
		return &regs->sp_el1;
	case ELR_EL1:
		return &regs->elr_el1;
	case SPSR_EL1:
		return &regs->spsr_el1;
	case FAR_EL2:
		return &regs->far_el2;
	case HPFAR_EL2:
		return &regs->hpfar_el2;
	case HCR_EL2:
		return &regs->hcr_el2;
	case EC:
		return &regs->ec;
	case DIRTY:
		return &states->dirty;
	case FLAGS:
		return &states->flags;
	case ESR_EL1:
		return &states->esr_el1;
	case ESR_EL2:
		return &regs->esr_el2;
	default:
		return is_sys_reg(index) ? sys_field(index, regs) : NULL;
	}
}

uint64_t get_shadow_ctxt_specx(uint32_t index, const struct ctxt_regs *regs,
			       const struct ctxt_states *states)
{
	const uint64_t *field = ctxt_field(index, (struct ctxt_regs *)regs,
					   (struct ctxt_states *)states);

	return field == NULL ? 0 : *field;
}

void set_shadow_ctxt_specx(uint32_t index, uint64_t value,
			   struct ctxt_regs *regs, struct ctxt_states *states)
{
	uint64_t *field = ctxt_field(index, regs, states);

	if (field != NULL) {
		*field = value;
	}
}

/* G51: exactly these; the C clears what lies behind them as well. */
void clear_shadow_gp_regs_specx(struct ctxt_regs *regs)
{
	memset(regs->x, 0, sizeof(regs->x));
}

/* G51: zero; the C takes what the host has written. */
void reset_fp_regs_specx(struct ctxt_regs *regs)
{
	regs->fp = (struct fp_regs){ .fpsr = 0 };
}
