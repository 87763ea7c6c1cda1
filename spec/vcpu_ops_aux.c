/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VCPUOpsAux.v: what S1's low forms are made of. Source: facts B.5, C.5,
 * C.6, A.4 to A.7; S3 names the getters and setters.
 */
#include "spec/vcpu_ops_aux.h"

#include <stddef.h>

#include "spec/abstract_machine.h"
#include "spec/boot_ops.h"
#include "spec/ctxt.h"
#include "spec/int_state.h"
#include "spec/locks.h"
#include "spec/memory_ops.h"
#include "spec/vm_power.h"

/* --- Dirty word and the like (B.5) ---------------------------------------- */

enum option get_shadow_dirty_bit_spec(uint32_t vmid, uint32_t vcpuid,
				      const struct rdata *adt,
				      uint64_t *dirty)
{
	return get_shadow_ctxt_spec(vmid, vcpuid, DIRTY, adt, dirty);
}

/*
 * An assignment, as in the Coq. Corrected, G47: who sets a bit keeps the
 * others; see set_dirty().
 */
enum option set_shadow_dirty_bit_spec(uint32_t vmid, uint32_t vcpuid,
				      uint64_t dirty, struct rdata *adt)
{
	return set_shadow_ctxt_spec(vmid, vcpuid, DIRTY, dirty, adt);
}

static enum option set_dirty(uint32_t vmid, uint32_t vcpuid, uint64_t bits,
			     struct rdata *adt)
{
	uint64_t dirty;

	WHEN(get_shadow_dirty_bit_spec(vmid, vcpuid, adt, &dirty));
	return set_shadow_dirty_bit_spec(vmid, vcpuid, dirty | bits, adt);
}

enum option get_shadow_esr_spec(uint32_t vmid, uint32_t vcpuid,
				const struct rdata *adt, uint64_t *esr)
{
	return get_shadow_ctxt_spec(vmid, vcpuid, ESR_EL2, adt, esr);
}

enum option clear_shadow_gp_regs_spec(uint32_t vmid, uint32_t vcpuid,
				      struct rdata *adt)
{
	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid));
	if (!adt->halt) {
		clear_shadow_gp_regs_specx(
			&adt->shadow_ctxts[vmid][vcpuid].ctxt_regs);
	}
	return SOME;
}

enum option reset_fp_regs_spec(uint32_t vmid, uint32_t vcpuid,
			       struct rdata *adt)
{
	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid));
	if (!adt->halt) {
		reset_fp_regs_specx(
			&adt->shadow_ctxts[vmid][vcpuid].ctxt_regs);
	}
	return SOME;
}

enum option read_actlr_el1_spec(const struct rdata *adt, uint64_t *value)
{
	*value = adt->halt ? 0 : adt->board.actlr_el1;
	return SOME;
}

/* --- Reset (B.5) ---------------------------------------------------------- */

/*
 * Corrected, G50: by register. The C's table is in another order than its
 * index, so that most registers get the value of another. MMU and caches off,
 * what is RES1 set; all else 0.
 */
enum option get_sys_reg_desc_val_spec(uint32_t index, const struct rdata *adt,
				      uint64_t *value)
{
	*value = !adt->halt && index == SCTLR_EL1 ? SCTLR_RESET : 0;
	return SOME;
}

/*
 * Corrected, G50: @n registers from @index on, and the caller begins with the
 * first system register (47); the seed begins with 1, hence with X1.
 */
void reset_sys_regs_loop(uint32_t n, uint32_t index, uint32_t vmid,
			 uint32_t vcpuid, struct ctxt_regs *cregs,
			 struct ctxt_states *cstates, const struct rdata *adt)
{
	for (; n > 0; n--, index++) {
		uint64_t value;

		if (!is_sys_reg(index)) {
			continue;	/* ELR_EL2, SPSR_0, ESR_EL2 */
		}
		if (index == MPIDR_EL1) {
			value = (vcpuid & 15) | (vcpuid / 16 & 255) << 8 |
				(vcpuid / 4096 & 255) << 16 |
				UINT64_C(0x80000000);
		} else if (index == ACTLR_EL1) {
			value = adt->board.actlr_el1;
		} else if (index == CNTVOFF_EL2) {
			value = adt->vms[vmid].cntvoff;
		} else {
			(void)get_sys_reg_desc_val_spec(index, adt, &value);
		}
		set_shadow_ctxt_specx(index, value, cregs, cstates);
	}
}

/*
 * Corrected, G41: where it starts and with what in x0 EL2 knows, from the
 * manifest or from the VM's own CPU_ON; the PSTATE is fixed. The Coq takes PC
 * and PSTATE from the host and wants the PC in some image.
 */
enum option reset_gp_regs_spec(uint32_t vmid, uint32_t vcpuid,
			       struct rdata *adt)
{
	const struct vcpu_boot *boot;

	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid));
	boot = &adt->vms[vmid].boot[vcpuid];
	WHEN(clear_shadow_gp_regs_spec(vmid, vcpuid, adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, X0, boot->context, adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, PC, boot->entry, adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, PSTATE, PSTATE_FAULT_BITS_64,
				  adt));
	return reset_fp_regs_spec(vmid, vcpuid, adt);
}

/*
 * Corrected, G50 and G52: stack pointers, ELR_EL1 and SPSR_EL1 as well; and
 * nothing is left of a trap before.
 */
enum option reset_sys_regs_spec(uint32_t vmid, uint32_t vcpuid,
				struct rdata *adt)
{
	static const uint32_t others[] = {
		SP_EL0, SP_EL1, ELR_EL1, SPSR_EL1, FAR_EL2, HPFAR_EL2, HCR_EL2,
		EC, FLAGS, ESR_EL2,
	};
	struct shadow_ctxt *ctxt;

	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid));
	ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	if (adt->halt) {
		return SOME;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		WHEN(set_shadow_ctxt_spec(vmid, vcpuid, others[i], 0, adt));
	}
	reset_sys_regs_loop(NR_CTXT_INDICES - MPIDR_EL1, MPIDR_EL1, vmid,
			    vcpuid, &ctxt->ctxt_regs, &ctxt->ctxt_states,
			    adt);
	return SOME;
}

/* --- Exceptions into the VM (A.7) ----------------------------------------- */

/*
 * Corrected, G49: VBAR_EL1 and an offset by where the VM is. The C says 0, of
 * the Coq's function nothing is known.
 */
uint64_t exception_vector(uint64_t pstate, const struct ctxt_regs *cregs)
{
	uint64_t offset = 0x200;

	if ((pstate & PSTATE_AARCH32) != 0) {
		offset = 0x600;
	} else if ((pstate & PSTATE_MODE) == PSTATE_EL0T) {
		offset = 0x400;
	} else if ((pstate & PSTATE_MODE) == PSTATE_EL1T) {
		offset = 0;
	}
	return (cregs->sys[VBAR_EL1 - MPIDR_EL1] & ~UINT64_C(0x7ff)) + offset;
}

/* G49: the C's PSTATE is 11, which is no mode. */
uint64_t exception_pstate(uint64_t pstate, const struct ctxt_regs *cregs,
			  const struct rdata *adt)
{
	uint64_t sctlr = cregs->sys[SCTLR_EL1 - MPIDR_EL1];
	uint64_t entry = PSTATE_FAULT_BITS_64 | (pstate & PSTATE_KEPT);

	if (adt->board.pan) {
		entry |= (sctlr & SCTLR_SPAN) == 0 ? PSTATE_PAN :
						     pstate & PSTATE_PAN;
	}
	if (adt->board.ssbs && (sctlr & SCTLR_DSSBS) != 0) {
		entry |= PSTATE_SSBS;
	}
	if (adt->board.mte) {
		entry |= PSTATE_TCO;
	}
	if (adt->board.nmi && (sctlr & SCTLR_SPINTMASK) == 0) {
		entry |= PSTATE_ALLINT;
	}
	return entry;
}

static bool is_at_el1(uint64_t pstate)
{
	return (pstate & PSTATE_AARCH32) == 0 &&
	       (pstate & PSTATE_MODE) != PSTATE_EL0T;
}

/* ITSTATE of AArch32 is PSTATE[15:10, 26:25]; ITAdvance() of the Arm ARM. */
static uint64_t next_it(uint64_t pstate)
{
	uint64_t it = (pstate >> 10 & 63) << 2 | (pstate >> 25 & 3);
	uint64_t next = (it & 7) == 0 ? 0 : (it & 0xe0) | (it * 2 & 0x1f);

	pstate &= ~(UINT64_C(63) << 10 | UINT64_C(3) << 25);
	return pstate | next >> 2 << 10 | (next & 3) << 25;
}

/*
 * The instruction of a trap counts as executed. The Coq adds 4 to PC, but one
 * of AArch32 may have two bytes; and what PSTATE says of the next one alone is
 * over with it.
 */
void skip_instruction(uint64_t esr, struct ctxt_states *cstates)
{
	cstates->pc += (esr & ESR_IL) != 0 ? 4 : 2;
	cstates->pstate &= ~PSTATE_SS;
	if ((cstates->pstate & PSTATE_AARCH32) != 0) {
		cstates->pstate = next_it(cstates->pstate);
	} else {
		cstates->pstate &= ~PSTATE_BTYPE;
	}
}

/* G49: of an access, or of a walk of the VM's own tables for it. */
static uint64_t external_abort(uint64_t esr_el2)
{
	return (esr_el2 & ESR_ELx_S1PTW) != 0 ?
	       FSC_EXTERNAL_WALK | (esr_el2 & 3) : FSC_EXTERNAL_ABORT;
}

/*
 * What the VM reads as ESR_EL1. Corrected, G49: the class in its place and IL
 * set (the Coq: 0); and an abort is an external abort.
 */
uint64_t exception_esr(uint64_t dirty, uint64_t esr_el2, uint64_t pstate)
{
	uint64_t level = is_at_el1(pstate) ? 1 : 0;

	if ((dirty & PENDING_UNDEF_INJECT) != 0) {
		return ESR_ELx_EC_UNKNOWN << ESR_ELx_EC_SHIFT | ESR_IL;
	}
	if ((dirty & PENDING_IABT_INJECT) != 0) {
		return (ESR_ELx_EC_IABT_LOW + level) << ESR_ELx_EC_SHIFT |
		       ESR_IL | external_abort(esr_el2);
	}
	return (ESR_ELx_EC_DABT_LOW + level) << ESR_ELx_EC_SHIFT | ESR_IL |
	       (esr_el2 & ESR_ELx_WNR) | external_abort(esr_el2);
}

enum option get_exception_vector_spec(uint64_t pstate, const struct rdata *adt,
				      uint64_t *vector)
{
	const struct shadow_ctxt *ctxt;

	RELY_CALLER(is_vm(adt->cur_vmid) && is_vcpu(adt->cur_vcpuid));
	ctxt = &adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid];
	*vector = adt->halt ? 0 : exception_vector(pstate, &ctxt->ctxt_regs);
	return SOME;
}

/*
 * Corrected, G49: SPSR_EL1 (index 36) and not another register, FAR_EL1 for an
 * abort, and ESR_EL1 as the architecture wants it. Which exception it is, the
 * dirty word says.
 */
enum option update_exception_gp_regs_spec(uint32_t vmid, uint32_t vcpuid,
					  struct rdata *adt)
{
	struct shadow_ctxt *ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	uint64_t pstate, pc, vector, dirty, esr, far;

	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid));
	WHEN(get_shadow_dirty_bit_spec(vmid, vcpuid, adt, &dirty));
	WHEN(get_shadow_esr_spec(vmid, vcpuid, adt, &esr));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, PSTATE, adt, &pstate));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, PC, adt, &pc));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, FAR_EL2, adt, &far));
	WHEN(get_exception_vector_spec(pstate, adt, &vector));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, ELR_EL1, pc, adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, PC, vector, adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, SPSR_EL1, pstate, adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, PSTATE,
				  exception_pstate(pstate, &ctxt->ctxt_regs,
						   adt), adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, ESR_EL1,
				  exception_esr(dirty, esr, pstate), adt));
	if ((dirty & PENDING_UNDEF_INJECT) == 0) {
		WHEN(set_shadow_ctxt_spec(vmid, vcpuid, FAR_EL1, far, adt));
	}
	return SOME;
}

/* The same by primitives. */
enum option skip_instruction_steps(uint32_t vmid, uint32_t vcpuid,
				  struct rdata *adt)
{
	struct ctxt_states states = { .dirty = 0 };
	uint64_t esr;

	WHEN(get_shadow_esr_spec(vmid, vcpuid, adt, &esr));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, PC, adt, &states.pc));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, PSTATE, adt, &states.pstate));
	skip_instruction(esr, &states);
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, PC, states.pc, adt));
	return set_shadow_ctxt_spec(vmid, vcpuid, PSTATE, states.pstate, adt);
}

/* --- What the host is shown (C.5) ----------------------------------------- */

/*
 * Corrected, G58: the class, and of the rest what an emulation needs. The C
 * shows all of ESR_EL2, and FAR_EL2.
 */
uint64_t shown_esr(uint64_t esr, bool mmio)
{
	uint64_t shown = ESR_ELx_EC_MASK;

	switch ((esr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT) {
	case ESR_ELx_EC_WFx:
		shown |= ESR_WFX_TI;
		break;
	case ESR_ELx_EC_HVC32:
	case ESR_ELx_EC_HVC64:
	case ESR_ELx_EC_SMC64:
		shown |= ESR_IMM16;
		break;
	case ESR_ELx_EC_SYS64:
		shown |= ESR_ISS;
		break;
	case ESR_ELx_EC_DABT_LOW:
		shown |= ESR_ELx_WNR;
		shown |= mmio ? ESR_ISV | UINT64_C(3) << ESR_SAS_SHIFT |
				ESR_SSE | UINT64_C(31) << ESR_SRT_SHIFT |
				ESR_SF : 0;
		break;
	default:
		break;
	}
	return esr & shown;
}

uint64_t timer_deadline(const struct ctxt_regs *cregs, uint64_t cntvoff)
{
	const uint64_t *own = &cregs->sys[MDCCINT_EL1 - MPIDR_EL1 + 1];
	uint64_t ctl = own[CNTV_CTL_EL0 - CNTV_CTL_EL0];
	uint64_t cval = own[CNTV_CVAL_EL0 - CNTV_CTL_EL0];

	if ((ctl & CNTV_CTL_ENABLE) == 0 || (ctl & CNTV_CTL_IMASK) != 0) {
		return NO_DEADLINE;
	}
	/* Beyond the counter's end, if the VM is not ahead of it. */
	if (cval + cntvoff < cntvoff && cntvoff >> 63 == 0) {
		return NO_DEADLINE;
	}
	return cval + cntvoff;
}

/* Until when the host may let it sleep: a WFI alone waits for the timer. */
uint64_t wfx_deadline(const struct ctxt_regs *cregs, uint64_t cntvoff)
{
	return (cregs->esr_el2 & ESR_WFX_TI) == 0 ?
	       timer_deadline(cregs, cntvoff) : NO_DEADLINE;
}

enum option prep_wfx_spec(uint32_t vmid, uint32_t vcpuid, struct rdata *adt)
{
	const struct shadow_ctxt *ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	uint64_t esr;

	WHEN(get_shadow_esr_spec(vmid, vcpuid, adt, &esr));
	WHEN(set_int_exit(vmid, vcpuid, shown_esr(esr, false), 0,
			  wfx_deadline(&ctxt->ctxt_regs,
				       adt->vms[vmid].cntvoff), adt));
	return set_dirty(vmid, vcpuid, DIRTY_PC_FLAG, adt);
}

/*
 * Corrected, G54 and G58: by the architecture's numbers, and no argument that
 * is not the host's affair.
 */
uint32_t call_arguments(uint64_t psci_fn)
{
	switch (psci_fn) {
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
	case PSCI_0_2_FN_CPU_SUSPEND:
	case PSCI_0_2_FN64_CPU_SUSPEND:
		return 3;
	case PSCI_0_2_FN_AFFINITY_INFO:
	case PSCI_0_2_FN64_AFFINITY_INFO:
		return 2;
	case PSCI_1_0_FN_FEATURES:
		return 1;
	default:
		return 0;
	}
}

/* A function of 32 bits has arguments of 32 bits. */
uint64_t call_argument(uint64_t value, uint32_t reg, uint64_t psci_fn)
{
	return reg == 0 || (psci_fn & SMCCC_64) != 0 ? value :
						       value & UINT32_MAX;
}

/*
 * Corrected, G47: bit 0 for every call that the host answers, as the seed, and
 * PC + 4 for an SMC, which traps before it is done (G56).
 */
enum option prep_hvc_spec(uint32_t vmid, uint32_t vcpuid, struct rdata *adt)
{
	uint64_t psci_fn, esr, value;

	WHEN(get_shadow_esr_spec(vmid, vcpuid, adt, &esr));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, X0, adt, &psci_fn));
	psci_fn &= INVALID;
	WHEN(set_int_exit(vmid, vcpuid, shown_esr(esr, false), 0, 0, adt));
	WHEN(set_dirty(vmid, vcpuid, 1, adt));
	if ((esr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT ==
	    ESR_ELx_EC_SMC64) {
		WHEN(set_dirty(vmid, vcpuid, DIRTY_PC_FLAG, adt));
	}
	for (uint32_t reg = 0; reg <= call_arguments(psci_fn); reg++) {
		WHEN(get_shadow_ctxt_spec(vmid, vcpuid, reg, adt, &value));
		value = call_argument(value, reg, psci_fn);
		WHEN(set_int_gpr_spec(vmid, vcpuid, reg, value, adt));
	}
	return psci_effect(vmid, vcpuid, psci_fn, adt);
}

/* The bytes of an access (SAS), and what fits into them. */
static uint64_t cut(uint64_t value, uint64_t esr)
{
	uint32_t bits = UINT32_C(8) << (esr >> ESR_SAS_SHIFT & 3);

	return bits == 64 ? value : value & ((UINT64_C(1) << bits) - 1);
}

uint64_t mmio_store_value(uint64_t value, uint64_t esr)
{
	return cut(value, esr);
}

/* G46: the host's answer in the form in which a load leaves it. */
uint64_t mmio_load_value(uint64_t value, uint64_t esr)
{
	uint32_t bits = UINT32_C(8) << (esr >> ESR_SAS_SHIFT & 3);

	value = cut(value, esr);
	if ((esr & ESR_SSE) != 0 && bits < 64 &&
	    (value >> (bits - 1) & 1) != 0) {
		value |= ~UINT64_C(0) << bits;
	}
	return (esr & ESR_SF) != 0 ? value : value & UINT32_MAX;
}

bool is_mmio_load(uint64_t esr)
{
	return (esr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT ==
	       ESR_ELx_EC_DABT_LOW && (esr & ESR_ELx_WNR) == 0;
}

/*
 * Corrected, G44: by the syndrome that EL2 has kept, not by its copy in the
 * window. Corrected, G45: 31 is XZR: nothing is taken for it and 0 is shown.
 * Corrected, G46: only a data abort with a valid syndrome comes here as MMIO
 * (vm_exit_dispatcher_spec).
 * Corrected, G47: a load also wants PC + 4.
 */
enum option prep_abort_spec(uint32_t vmid, uint32_t vcpuid, struct rdata *adt)
{
	uint64_t esr, hpfar, far, fault_ipa, value;
	uint32_t rd;

	WHEN(get_shadow_esr_spec(vmid, vcpuid, adt, &esr));
	rd = (uint32_t)(esr >> ESR_SRT_SHIFT & 31);
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, HPFAR_EL2, adt, &hpfar));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, FAR_EL2, adt, &far));
	fault_ipa = (hpfar & HPFAR_MASK) * 256;
	if (fault_ipa >= MAX_MMIO_ADDR) {
		WHEN(set_shadow_ctxt_spec(vmid, vcpuid, FLAGS,
					  PENDING_FSC_FAULT, adt));
		return set_int_exit(vmid, vcpuid, shown_esr(esr, false),
				    fault_ipa, 0, adt);
	}
	WHEN(set_int_exit(vmid, vcpuid, shown_esr(esr, true),
			  fault_ipa | (far & (PAGE_SIZE - 1)), 0, adt));
	WHEN(set_dirty(vmid, vcpuid, DIRTY_PC_FLAG, adt));
	if (rd == XZR) {
		return SOME;
	}
	if ((esr & ESR_ELx_WNR) == 0) {
		return set_dirty(vmid, vcpuid, UINT64_C(1) << rd, adt);
	}
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, rd, adt, &value));
	return set_int_gpr_spec(vmid, vcpuid, rd,
				mmio_store_value(value, esr), adt);
}

/* Not in the Coq, G56b: a system register that the host emulates. */
enum option prep_sys64_spec(uint32_t vmid, uint32_t vcpuid,
			    struct rdata *adt)
{
	uint64_t esr, value;
	uint32_t rt;

	WHEN(get_shadow_esr_spec(vmid, vcpuid, adt, &esr));
	rt = (uint32_t)(esr >> 5 & 31);
	WHEN(set_int_exit(vmid, vcpuid, shown_esr(esr, false), 0, 0, adt));
	WHEN(set_dirty(vmid, vcpuid, DIRTY_PC_FLAG, adt));
	if (rt == XZR) {
		return SOME;
	}
	if ((esr & 1) != 0) {
		return set_dirty(vmid, vcpuid, UINT64_C(1) << rt, adt);
	}
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, rt, adt, &value));
	return set_int_gpr_spec(vmid, vcpuid, rt, value, adt);
}

/* --- What the host gives back (C.6) --------------------------------------- */

/*
 * Corrected: each register has a value of its own, and all of them are kept;
 * in the seed's high form all get the same one, in its low form only the last.
 */
enum option sync_dirty_to_shadow_spec(uint32_t vmid, uint32_t vcpuid,
				      struct rdata *adt)
{
	uint64_t dirty, esr, value;

	WHEN(get_shadow_dirty_bit_spec(vmid, vcpuid, adt, &dirty));
	WHEN(get_shadow_esr_spec(vmid, vcpuid, adt, &esr));
	for (uint32_t i = 0; i < NUM_GPRS; i++) {
		if ((dirty & UINT64_C(1) << i) != 0) {
			WHEN(get_int_gpr_spec(vmid, vcpuid, i, adt, &value));
			if (is_mmio_load(esr)) {
				value = mmio_load_value(value, esr);
			}
			WHEN(set_shadow_ctxt_spec(vmid, vcpuid, i, value,
						  adt));
		}
	}
	return SOME;
}

/*
 * Corrected, G19: no page (0) is no error, the VM faults again; neither is a
 * page that has come meanwhile, for another vCPU's fault.
 */
enum option post_handle_shadow_s2pt_fault_spec(uint32_t vmid,
					       uint32_t vcpuid,
					       uint64_t addr,
					       struct rdata *adt)
{
	uint64_t pte, level;
	enum option done;

	WHEN(get_int_new_pte_spec(vmid, vcpuid, adt, &pte));
	WHEN(get_int_new_level_spec(vmid, vcpuid, adt, &level));
	if (pte == 0) {
		return SOME;
	}
	done = prot_and_map_vm_s2pt_spec(vmid, addr, pte,
					 level == 2 ? 2 : 3, adt);
	if (done == NONE_BUSY) {
		/* Nothing has changed but that locks were taken. */
		WHEN(release_lock_s2page_spec(adt));
		return release_lock_vm_spec(vmid, adt);
	}
	return done;
}
