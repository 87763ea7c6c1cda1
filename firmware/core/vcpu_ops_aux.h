/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of vCPU operations: reset, what an exit tells the host, what comes
 * back, and exceptions into a VM. Layer: VCPUOpsAux.
 */
#ifndef COREVISOR_CORE_VCPU_OPS_AUX_H
#define COREVISOR_CORE_VCPU_OPS_AUX_H

#include "core/shadow_ctxt.h"
#include "core/types.h"

void reset_gp_regs(uint32_t vmid, uint32_t vcpuid);
void reset_sys_regs(uint32_t vmid, uint32_t vcpuid);
void sync_dirty_to_shadow(uint32_t vmid, uint32_t vcpuid);
void prep_wfx(uint32_t vmid, uint32_t vcpuid);
void prep_hvc(uint32_t vmid, uint32_t vcpuid);
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

/* ESR_EL1 of an external abort in place of the access that left. */
uint64_t vcpu_external_abort(const struct shadow_ctxt *ctxt);

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

#endif /* COREVISOR_CORE_VCPU_OPS_AUX_H */
