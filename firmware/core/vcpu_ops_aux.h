/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of vCPU operations: reset, what an exit tells the host, what comes
 * back, and exceptions into a VM. Layer: VCPUOpsAux.
 */
#ifndef COREVISOR_CORE_VCPU_OPS_AUX_H
#define COREVISOR_CORE_VCPU_OPS_AUX_H

#include "core/int_state.h"
#include "core/psci_numbers.h"
#include "core/shadow_ctxt.h"
#include "core/trap_frame.h"
#include "core/types.h"

void reset_gp_regs(uint32_t vmid, uint32_t vcpuid);
void reset_sys_regs(uint32_t vmid, uint32_t vcpuid);
void prep_wfx(uint32_t vmid, uint32_t vcpuid);
void prep_abort(uint32_t vmid, uint32_t vcpuid);
void update_exception_gp_regs(uint32_t vmid, uint32_t vcpuid);
enum hv_status WARN_UNUSED post_handle_shadow_s2pt_fault(uint32_t vmid,
							 uint32_t vcpuid,
							 uint64_t addr);
uint64_t get_exception_vector(uint64_t pstate);
uint64_t get_sys_reg_desc_val(uint32_t index);
uint64_t read_actlr_el1(void);

/**
 * prep_sys64() - tell the host about an access to a system register
 * @vmid:   the current VM
 * @vcpuid: its vCPU
 *
 * A value that the VM writes is shown; for a read the host's is awaited.
 */
void prep_sys64(uint32_t vmid, uint32_t vcpuid);

/* What becomes of an abort of a VM. */
enum abort_kind {
	ABORT_MMIO,	/* the host emulates the access */
	ABORT_MEMORY,	/* the host gives a page */
	ABORT_REFUSED,	/* there is nothing: an external abort for the VM */
};

/* The one decision; @ctxt is of a vCPU that left by an abort (G46). */
enum abort_kind abort_kind(const struct shadow_ctxt *ctxt);

/**
 * vcpu_enter_el1() - have a vCPU take a synchronous exception
 * @ctxt: its context, with VBAR_EL1 and SCTLR_EL1
 * @esr:  what ESR_EL1 says
 *
 * Source: Arm ARM D1.3.3
 */
void vcpu_enter_el1(struct shadow_ctxt *ctxt, uint64_t esr);

/* ESR_EL1 of an external abort, by class EC_IABT_LOW or EC_DABT_LOW. */
uint64_t vcpu_external_abort(const struct shadow_ctxt *ctxt, uint64_t class);

/* Whether a vCPU was at EL1 when it left. */
bool vcpu_was_at_el1(const struct shadow_ctxt *ctxt);

/**
 * vcpu_skip_instr() - go on behind the instruction by which a vCPU left
 * @ctxt: its context, with the exit's ESR_EL2
 *
 * As if it had been executed: BTYPE is cleared and a software step is over, and
 * an instruction of AArch32 may have two bytes and be in an IT block.
 */
void vcpu_skip_instr(struct shadow_ctxt *ctxt);

/* Writes Xn of a context; 31 is XZR. */
void vcpu_xzr_set(struct shadow_ctxt *ctxt, uint64_t n, uint64_t value);

/* What a VM's load gets when the host answers @value; @esr is its syndrome. */
uint64_t vcpu_loaded_value(uint64_t esr, uint64_t value);

/* Shows the arguments of a PSCI function, and does what EL2 does about it. */
void vcpu_psci_call(uint32_t vmid, uint32_t vcpuid, uint32_t fn);

/* The bit that SMC64 and HVC64 functions have. */
#define SMCCC_64		UINT32_C(0x40000000)

/* What the host may know of a syndrome: its class, and of a call more. */
#define ESR_EC_MASK		FIELD_MASK(ESR_ELX_EC)
#define ESR_CALL_MASK		(ESR_EC_MASK | FIELD_MASK(ESR_ELX_IMM16))

/* Functions of PSCI with arguments to show, or an effect: by their number. */
#define PSCI_BIT(fn)	(1u << ((fn) & PSCI_FN_MASK))
#define PSCI_SPECIAL							\
	(PSCI_BIT(PSCI_CPU_SUSPEND) | PSCI_BIT(PSCI_CPU_OFF) |		\
	 PSCI_BIT(PSCI_CPU_ON) | PSCI_BIT(PSCI_AFFINITY_INFO) |		\
	 PSCI_BIT(PSCI_SYSTEM_OFF) | PSCI_BIT(PSCI_SYSTEM_RESET) |	\
	 PSCI_BIT(PSCI_FEATURES) | PSCI_BIT(PSCI_SYSTEM_RESET2))

static inline bool is_special_psci(uint32_t fn)
{
	return (fn & ~(SMCCC_64 | PSCI_FN_MASK)) == PSCI_FN_BASE &&
	       (PSCI_SPECIAL & PSCI_BIT(fn)) != 0;
}

/* The bit of DIRTY that takes Xn from the host; none for XZR (G45). */
static inline uint64_t dirty_bit(uint64_t n)
{
	return n <= X30 ? BIT(n) : 0;
}

/* The class of a vCPU's last trap. */
static inline uint64_t esr_class(const struct shadow_ctxt *ctxt)
{
	return EXTRACT(ESR_ELX_EC, ctxt->regs[ESR_EL2]);
}

/**
 * sync_dirty_to_shadow() - take the registers that the exit asked for
 * @vmid:   the current VM
 * @vcpuid: its vCPU
 *
 * Spec:   VCPUOpsAux.sync_dirty_to_shadow_spec
 * Delta:  D-036: a load's value is cut and extended as the load asks (G46)
 * Panics: a number out of range - nobody
 */
static inline void sync_dirty_to_shadow(uint32_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);
	uint64_t dirty = ctxt->regs[DIRTY] & GENMASK(X30, X0);
	bool load = esr_class(ctxt) == EC_DABT_LOW;

	while (dirty != 0) {
		uint32_t i = (uint32_t)__builtin_ctzll(dirty);
		uint64_t value = get_int_gpr(vmid, vcpuid, i);

		ctxt->regs[i] = load ? vcpu_loaded_value(ctxt->regs[ESR_EL2],
							 value) : value;
		dirty &= dirty - 1;
	}
}

/**
 * prep_hvc() - tell the host what a vCPU calls for
 * @vmid:   the current VM
 * @vcpuid: its vCPU, which left by HVC or SMC
 *
 * The function and the arguments that PSCI gives it are shown, and x0 is
 * awaited in every case (G47).
 *
 * Spec:   VCPUOpsAux.prep_hvc_spec
 * Delta:  D-034: CPU_ON and CPU_OFF are EL2's too (G41), SYSTEM_RESET ends a
 *	   VM as SYSTEM_OFF does. D-037: more functions, and SMC
 * Locks:  takes vm[vmid]; caller holds none
 * Panics: a number out of range - nobody
 */
static inline void prep_hvc(uint32_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);
	uint32_t fn = (uint32_t)ctxt->regs[X0];

	ctxt->regs[DIRTY] |= dirty_bit(X0);
	if (esr_class(ctxt) == EC_SMC64) {
		/* A trapped SMC returns to itself, unlike an HVC (G56). */
		ctxt->regs[DIRTY] |= DIRTY_PC_FLAG;
	}
	/* Need not be zeroed: it is shown anew. */
	ctxt->released &= ~(1u << X0);
	int_state_show(ctxt, ctxt->regs[ESR_EL2] & ESR_CALL_MASK, 0, 0);
	set_int_gpr(vmid, vcpuid, X0, ctxt->regs[X0]);
	if (is_special_psci(fn)) {
		vcpu_psci_call(vmid, vcpuid, fn);
	}
}

#endif /* COREVISOR_CORE_VCPU_OPS_AUX_H */
