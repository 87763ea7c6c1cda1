/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exits of a VM: what EL2 answers itself, and what is the host's.
 * Layer: TrapDispatcher, on VCPUOpsAux and FaultHandler. Locks: none held
 * across the layers below.
 *
 * Whatever a VM does, the worst that happens is an exception inside of it
 * (G55).
 */
#include "core/vm_exit.h"

#include "arch/cpu.h"
#include "core/fault_handler.h"
#include "core/fpsimd.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"
#include "core/trap_frame.h"
#include "core/vcpu_ops_aux.h"
#include "core/vm_idregs.h"
#include "hypsec/abi.h"

/* ISS of an MSR or MRS without direction and register: a SYS_REG(). */
#define ISS_SYS_REG	(FIELD_MASK(ESR_ELX_ISS) & ~ESR_ELX_SYS_READ & \
			 ~FIELD_MASK(ESR_ELX_SYS_RT))

#define OP0_SHIFT	20
#define OP0_WIDTH	2
#define OP1_SHIFT	14
#define OP1_WIDTH	3
#define CRN_SHIFT	10
#define CRN_WIDTH	4
#define CRM_SHIFT	1
#define CRM_WIDTH	4

#define SYS_ACTLR_EL1		SYS_REG(3, 0, 1, 0, 1)
#define SYS_OSLSR_EL1		SYS_REG(2, 0, 1, 1, 4)
#define SYS_CNTP_TVAL_EL0	SYS_REG(3, 3, 14, 2, 0)
#define SYS_CNTP_CTL_EL0	SYS_REG(3, 3, 14, 2, 1)
#define SYS_CNTP_CVAL_EL0	SYS_REG(3, 3, 14, 2, 2)
#define SYS_ICC_SGI1R_EL1	SYS_REG(3, 0, 12, 11, 5)
#define SYS_ICC_ASGI1R_EL1	SYS_REG(3, 0, 12, 11, 6)
#define SYS_ICC_SGI0R_EL1	SYS_REG(3, 0, 12, 11, 7)
#define SYS_ICC_SRE_EL1		SYS_REG(3, 0, 12, 12, 5)

/* The OS lock exists and is open. */
#define OSLSR_OSLM		BIT(3)
/* System registers, and no bypass. */
#define ICC_SRE_ALL		UINT64_C(7)

/* PC and PSTATE of the VM are in the context, EL1's registers in the CPU. */
static void enter_el1(struct shadow_ctxt *ctxt, uint64_t esr)
{
	ctxt->regs[VBAR_EL1] = cpu_el1_vbar();
	ctxt->regs[SCTLR_EL1] = cpu_el1_sctlr();
	vcpu_enter_el1(ctxt, esr);
	cpu_el1_set_exception(ctxt->regs[ELR_EL1], ctxt->regs[SPSR_EL1],
			      ctxt->regs[ESR_EL1]);
}

static void inject_undefined_vm(struct shadow_ctxt *ctxt)
{
	enter_el1(ctxt, INPLACE(ESR_ELX_EC, EC_UNKNOWN) | ESR_ELX_IL);
}

/* An external abort in place of the access. */
static void inject_abort_vm(struct shadow_ctxt *ctxt)
{
	cpu_el1_set_far(ctxt->regs[FAR_EL2]);
	enter_el1(ctxt, vcpu_external_abort(
				ctxt, EXTRACT(ESR_ELX_EC,
					      ctxt->regs[ESR_EL2])));
}

/* What a VM reads from a register that it has only for show, if it is one. */
static bool shown_register(const struct shadow_ctxt *ctxt, uint32_t reg,
			   bool read, uint64_t *value)
{
	uint64_t op1 = EXTRACT(OP1, reg);

	*value = 0;
	if (EXTRACT(OP0, reg) == 2) {
		/* Debug; op1 1 is trace. */
		*value = reg == SYS_OSLSR_EL1 ? OSLSR_OSLM : 0;
		return op1 == 0 || op1 == 3;
	}
	if (reg == SYS_ACTLR_EL1) {
		*value = ctxt->regs[ACTLR_EL1];
		return true;
	}
	if (reg == SYS_ICC_SRE_EL1) {
		*value = ICC_SRE_ALL;
		return vm_has_gicv3();
	}
	if (EXTRACT(OP0, reg) == 3 && op1 == 0 && EXTRACT(CRN, reg) == 0 &&
	    EXTRACT(CRM, reg) != 0 && EXTRACT(CRM, reg) <= 7 && read) {
		*value = vm_id_register(reg);
		return true;
	}
	return false;
}

/* Registers that the host emulates. */
static bool is_for_host(uint32_t reg, bool read)
{
	switch (reg) {
	case SYS_CNTP_TVAL_EL0:
	case SYS_CNTP_CTL_EL0:
	case SYS_CNTP_CVAL_EL0:
		return true;
	case SYS_ICC_SGI1R_EL1:
	case SYS_ICC_ASGI1R_EL1:
	case SYS_ICC_SGI0R_EL1:
		return !read && vm_has_gicv3();
	default:
		return false;
	}
}

/**
 * core_handle_sys64() - answer a VM's access to a system register
 *
 * ID registers show what VMs have, debug registers read as zero and ignore
 * writes, the physical timer and software interrupts are the host's to
 * emulate, and there is no other register (G56).
 *
 * Spec:    TrapDispatcher.core_handle_sys64_spec
 * Delta:   D-037: by register, and the PC that advances is ELR_EL2's (G53)
 * Returns: 0 if it was answered and the VM goes on; 1 if it is the host's to
 *	    answer
 */
uint32_t core_handle_sys64(void)
{
	struct shadow_ctxt *ctxt = this_cpu()->ctxt;
	uint64_t esr = ctxt->regs[ESR_EL2];
	uint32_t reg = (uint32_t)(esr & ISS_SYS_REG);
	bool read = (esr & ESR_ELX_SYS_READ) != 0;
	uint64_t value;

	if (is_for_host(reg, read)) {
		return 1;
	}
	if (!shown_register(ctxt, reg, read, &value)) {
		inject_undefined_vm(ctxt);
		return 0;
	}
	if (read) {
		vcpu_xzr_set(ctxt, EXTRACT(ESR_ELX_SYS_RT, esr), value);
	}
	vcpu_skip_instr(ctxt);
	return 0;
}

/* HVC and SMC; only SMC's PC is not behind it yet. */
static bool handle_call(struct shadow_ctxt *ctxt, uint64_t esr)
{
	bool answered = true;

	if (EXTRACT(ESR_ELX_IMM16, esr) == 0) {
		answered = core_handle_pvops() == 0;
	} else {
		/* The calling convention knows immediate 0 only. */
		ctxt->regs[X0] = (uint64_t)(int64_t)HYPSEC_NOT_SUPPORTED;
	}
	if (answered && EXTRACT(ESR_ELX_EC, esr) == EC_SMC64) {
		vcpu_skip_instr(ctxt);
	}
	return answered;
}

static bool handle_abort(struct shadow_ctxt *ctxt)
{
	if (abort_kind(ctxt) != ABORT_REFUSED) {
		return false;
	}
	inject_abort_vm(ctxt);
	return true;
}

/*
 * A debug exception that came to EL2 instead of the VM's EL1: the same there,
 * where its class may tell that it came from EL1 itself.
 */
static void reflect_debug(struct shadow_ctxt *ctxt, uint64_t esr, bool paired)
{
	if (paired && vcpu_was_at_el1(ctxt)) {
		esr += INPLACE(ESR_ELX_EC, 1);
	}
	if (EXTRACT(ESR_ELX_EC, ctxt->regs[ESR_EL2]) == EC_WATCHPOINT_LOW) {
		cpu_el1_set_far(ctxt->regs[FAR_EL2]);
	}
	enter_el1(ctxt, esr);
}

static bool handle_fp(struct shadow_ctxt *ctxt)
{
	if (!fpsimd_vm_trap()) {
		inject_undefined_vm(ctxt);
	}
	return true;
}

bool vm_exit_answer(struct shadow_ctxt *ctxt, uint64_t esr)
{
	switch (EXTRACT(ESR_ELX_EC, esr)) {
	case EC_WFX:
		return false;
	case EC_HVC32:
	case EC_HVC64:
	case EC_SMC64:
		return handle_call(ctxt, esr);
	case EC_IABT_LOW:
	case EC_DABT_LOW:
		return handle_abort(ctxt);
	case EC_SYS64:
		return core_handle_sys64() == 0;
	case EC_FP:
		return handle_fp(ctxt);
	case EC_BREAKPOINT_LOW:
	case EC_STEP_LOW:
	case EC_WATCHPOINT_LOW:
		reflect_debug(ctxt, esr, true);
		return true;
	case EC_BKPT32:
	case EC_BRK64:
		reflect_debug(ctxt, esr, false);
		return true;
	default:
		inject_undefined_vm(ctxt);
		return true;
	}
}

