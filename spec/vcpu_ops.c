/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VCPUOpsSpec.v. Source: S1, both forms, branch by branch; as it is it
 * stands in uncorrected_vcpu.c. The two forms say the same here: spec-vcpu-test
 * compares them.
 */
#include "spec/vcpu_ops.h"

#include "spec/abstract_machine.h"
#include "spec/ctxt.h"
#include "spec/int_state.h"
#include "spec/locks.h"
#include "spec/memory_ops.h"
#include "spec/vcpu_ops_aux.h"
#include "spec/vm_power.h"

/* --- save_shadow_kvm_regs, high form -------------------------------------- */

/* What an exit does not release is zero: corrected, G58. */
static void clear_window(struct int_vcpu *window)
{
	for (uint32_t reg = 0; reg < NUM_GPRS; reg++) {
		if ((window->released & UINT32_C(1) << reg) != 0) {
			window->regs[reg] = 0;
		}
	}
	window->released = 0;
	window->esr = window->fault_ipa = window->deadline = 0;
}

static void show(struct int_vcpu *window, uint32_t reg, uint64_t value)
{
	window->regs[reg] = value;
	window->released |= UINT32_C(1) << reg;
}

static void save_abort(struct shadow_ctxt *ctxt, struct int_vcpu *window)
{
	/* Corrected, G44: doracle in the seed, which is the host's copy. */
	uint64_t esr = ctxt->ctxt_regs.esr_el2;
	uint32_t rd = (uint32_t)(esr / 65536 & 31);
	/* rely is_gfn (hpfar / 16), corrected, G38 and G54: its field. */
	uint64_t fault_ipa = (ctxt->ctxt_regs.hpfar_el2 & HPFAR_MASK) / 16 *
			     4096;

	if (fault_ipa < MAX_MMIO_ADDR) {
		window->esr = shown_esr(esr, true);
		window->fault_ipa = fault_ipa |
				    (ctxt->ctxt_regs.far_el2 &
				     (PAGE_SIZE - 1));
		/* Corrected, G47: both, where the seed has one or the other. */
		ctxt->ctxt_states.dirty |= DIRTY_PC_FLAG;
		/* Corrected, G45: 31 is no register. */
		if (rd == XZR) {
			return;
		}
		/* S1PTW = 0, G46: vm_exit_dispatcher_spec has seen to it. */
		if ((esr & ESR_ELx_WNR) == 0) {
			ctxt->ctxt_states.dirty |= UINT64_C(1) << rd;
		} else {
			show(window, rd,
			     mmio_store_value(ctxt->ctxt_regs.x[rd], esr));
		}
	} else {
		/* Nothing in the seed; G19: where EL2 wants a page. */
		ctxt->ctxt_states.flags = PENDING_FSC_FAULT;
		window->esr = shown_esr(esr, false);
		window->fault_ipa = fault_ipa;
	}
}

static void save_sys64(struct shadow_ctxt *ctxt, struct int_vcpu *window)
{
	uint64_t esr = ctxt->ctxt_regs.esr_el2;
	uint32_t rt = (uint32_t)(esr / 32 & 31);

	window->esr = shown_esr(esr, false);
	ctxt->ctxt_states.dirty |= DIRTY_PC_FLAG;
	if (rt == XZR) {
		return;
	}
	if ((esr & 1) != 0) {
		ctxt->ctxt_states.dirty |= UINT64_C(1) << rt;
	} else {
		show(window, rt, ctxt->ctxt_regs.x[rt]);
	}
}

enum option save_shadow_kvm_regs_spec(struct rdata *adt)
{
	uint32_t vmid = adt->cur_vmid, vcpuid = adt->cur_vcpuid;
	struct shadow_ctxt *ctxt;
	struct int_vcpu *window;
	uint64_t hsr, hsr_ec;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid));
	ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	window = &adt->int_vcpus[vmid][vcpuid];
	clear_window(window);
	if (ctxt->ctxt_regs.ec == ARM_EXCEPTION_TRAP) {
		hsr = ctxt->ctxt_regs.esr_el2;
		hsr_ec = (hsr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT;
		if (hsr_ec == ESR_ELx_EC_WFx) {
			window->esr = shown_esr(hsr, false);
			/* Corrected: until when a WFI sleeps. */
			window->deadline = wfx_deadline(
				&ctxt->ctxt_regs, adt->vms[vmid].cntvoff);
			ctxt->ctxt_states.dirty |= DIRTY_PC_FLAG;
			return SOME;
		} else if (hsr_ec == ESR_ELx_EC_HVC32 ||
			   hsr_ec == ESR_ELx_EC_HVC64 ||
			   /* Corrected, G56. */
			   hsr_ec == ESR_ELx_EC_SMC64) {
			uint64_t psci_fn = ctxt->ctxt_regs.x[0] & INVALID;

			window->esr = shown_esr(hsr, false);
			ctxt->ctxt_states.dirty |= 1;
			if (hsr_ec == ESR_ELx_EC_SMC64) {
				ctxt->ctxt_states.dirty |= DIRTY_PC_FLAG;
			}
			for (uint32_t reg = 0; reg <= call_arguments(psci_fn);
			     reg++) {
				show(window, reg, call_argument(
						ctxt->ctxt_regs.x[reg], reg,
						psci_fn));
			}
			/* SYSTEM_OFF; corrected, G41: CPU_ON, CPU_OFF. */
			return psci_effect(vmid, vcpuid, psci_fn, adt);
		} else if (hsr_ec == ESR_ELx_EC_IABT_LOW ||
			   hsr_ec == ESR_ELx_EC_DABT_LOW) {
			save_abort(ctxt, window);
			return SOME;
		} else if (hsr_ec == ESR_ELx_EC_SYS64) {
			/* Corrected, G56b. */
			save_sys64(ctxt, window);
			return SOME;
		} else {
			/* Corrected, G55: the dispatcher lets none come here. */
			return STUCK;
		}
	} else {
		return SOME;
	}
}

/* --- restore_shadow_kvm_regs, high form ----------------------------------- */

static enum option first_run(uint32_t vmid, uint32_t vcpuid, struct rdata *adt)
{
	struct shadow_ctxt *ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	struct ctxt_regs *cregs = &ctxt->ctxt_regs;
	struct vcpu_boot *boot = &adt->vms[vmid].boot[vcpuid];

	/*
	 * Corrected, G41: pc0 and pstate0 of the seed are the host's, and
	 * search_load_info looks whether pc0 lies in an image. Here EL2 knows
	 * them, and set_vcpu_active_spec that there is something to start.
	 */
	clear_shadow_gp_regs_specx(cregs);
	reset_fp_regs_specx(cregs);
	cregs->x[0] = boot->context;
	ctxt->ctxt_states.pc = boot->entry;
	ctxt->ctxt_states.pstate = PSTATE_FAULT_BITS_64;
	/* Corrected, G50: all, from the first one on; 1 in the seed. */
	cregs->sp_el0 = cregs->sp_el1 = 0;
	cregs->elr_el1 = cregs->spsr_el1 = 0;
	cregs->far_el2 = cregs->hpfar_el2 = cregs->hcr_el2 = 0;
	cregs->ec = cregs->esr_el2 = ctxt->ctxt_states.flags = 0;
	reset_sys_regs_loop(NR_CTXT_INDICES - MPIDR_EL1, MPIDR_EL1, vmid,
			    vcpuid, cregs, &ctxt->ctxt_states, adt);
	ctxt->ctxt_states.dirty = 0;
	return SOME;
}

/* The kind of exception that an answer of "nothing is there" becomes. */
static uint64_t refused_access(const struct shadow_ctxt *ctxt,
			       const struct int_vcpu *window)
{
	uint64_t hsr_ec = (ctxt->ctxt_regs.esr_el2 & ESR_ELx_EC_MASK) >>
			  ESR_ELx_EC_SHIFT;

	if (ctxt->ctxt_regs.ec != ARM_EXCEPTION_TRAP ||
	    window->answer != ANSWER_ABORT_VM) {
		return 0;
	}
	return hsr_ec == ESR_ELx_EC_DABT_LOW ? PENDING_DABT_INJECT :
	       hsr_ec == ESR_ELx_EC_IABT_LOW ? PENDING_IABT_INJECT : 0;
}

/*
 * Corrected: the seed does this last. Since it may be refused, nothing else
 * has changed before it. Corrected, G19: addr is where the VM has faulted; it
 * is the host's in the seed.
 */
static enum option resolve_fault(uint32_t vmid, uint32_t vcpuid,
				 struct rdata *adt)
{
	const struct shadow_ctxt *ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	const struct int_vcpu *window = &adt->int_vcpus[vmid][vcpuid];
	uint64_t addr = (ctxt->ctxt_regs.hpfar_el2 & HPFAR_MASK) * 256;
	enum option done;

	if (window->new_pte == 0) {
		return SOME;
	}
	done = prot_and_map_vm_s2pt_spec(vmid, addr, window->new_pte,
					 window->new_level == 2 ? 2 : 3, adt);
	if (done == NONE_BUSY) {
		WHEN(release_lock_s2page_spec(adt));
		return release_lock_vm_spec(vmid, adt);
	}
	return done;
}

static void sync_dirty(uint64_t dirty, struct ctxt_regs *cregs,
		       const struct int_vcpu *window)
{
	for (uint32_t i = 0; i < NUM_GPRS; i++) {
		if ((dirty & UINT64_C(1) << i) != 0) {
			cregs->x[i] = is_mmio_load(cregs->esr_el2) ?
				      mmio_load_value(window->regs[i],
						      cregs->esr_el2) :
				      window->regs[i];
		}
	}
}

static void inject(uint64_t dirty, struct shadow_ctxt *ctxt,
		   const struct rdata *adt)
{
	struct ctxt_regs *cregs = &ctxt->ctxt_regs;
	struct ctxt_states *cstates = &ctxt->ctxt_states;
	uint64_t pstate = cstates->pstate;

	cregs->elr_el1 = cstates->pc;
	cregs->spsr_el1 = pstate;
	cstates->pc = exception_vector(pstate, cregs);
	cstates->pstate = exception_pstate(pstate, cregs, adt);
	cstates->esr_el1 = exception_esr(dirty, cregs->esr_el2, pstate);
	if ((dirty & PENDING_UNDEF_INJECT) == 0) {
		cregs->sys[FAR_EL1 - MPIDR_EL1] = cregs->far_el2;
	}
}

static enum option later_run(uint32_t vmid, uint32_t vcpuid, struct rdata *adt)
{
	struct shadow_ctxt *ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	const struct int_vcpu *window = &adt->int_vcpus[vmid][vcpuid];
	uint64_t dirty0 = ctxt->ctxt_states.dirty;
	uint64_t refused = refused_access(ctxt, window);

	if ((ctxt->ctxt_states.flags & PENDING_FSC_FAULT) != 0 &&
	    refused == 0) {
		WHEN(resolve_fault(vmid, vcpuid, adt));
		if (adt->halt) {
			return SOME;
		}
	}
	/* Nothing of the access is done if it is refused. */
	dirty0 = refused != 0 ? refused : dirty0;
	if (ctxt->ctxt_regs.ec == ARM_EXCEPTION_TRAP) {
		sync_dirty(dirty0, &ctxt->ctxt_regs, window);
	}
	/* Corrected, G48: in this order; the exception is that of the next. */
	if ((dirty0 & DIRTY_PC_FLAG) != 0) {
		skip_instruction(ctxt->ctxt_regs.esr_el2, &ctxt->ctxt_states);
	}
	if ((dirty0 & PENDING_EXCEPT_INJECT_FLAG) != 0) {
		inject(dirty0, ctxt, adt);
	}
	ctxt->ctxt_states.dirty = 0;
	ctxt->ctxt_states.flags = 0;
	ctxt->ctxt_regs.far_el2 = 0;
	return SOME;
}

enum option restore_shadow_kvm_regs_spec(struct rdata *adt)
{
	uint32_t vmid = adt->cur_vmid, vcpuid = adt->cur_vcpuid;
	struct shadow_ctxt *ctxt;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid));
	ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	if (ctxt->ctxt_states.dirty == INVALID64) {
		return first_run(vmid, vcpuid, adt);
	} else {
		return later_run(vmid, vcpuid, adt);
	}
}

/* --- The low forms -------------------------------------------------------- */

enum option save_shadow_kvm_regs_spec0(struct rdata *adt)
{
	uint32_t vmid, vcpuid;
	uint64_t ec, hsr, hsr_ec;

	if (adt->halt) {
		return SOME;
	}
	WHEN(get_cur_vmid_spec(adt, &vmid));
	RELY_CALLER(is_vmid(vmid));
	WHEN(get_cur_vcpuid_spec(adt, &vcpuid));
	RELY_CALLER(is_vcpu(vcpuid));
	WHEN(clear_int_state(vmid, vcpuid, adt));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, EC, adt, &ec));
	if (ec == ARM_EXCEPTION_TRAP) {
		WHEN(get_shadow_ctxt_spec(vmid, vcpuid, ESR_EL2, adt, &hsr));
		hsr_ec = (hsr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT;
		if (hsr_ec == ESR_ELx_EC_WFx) {
			return prep_wfx_spec(vmid, vcpuid, adt);
		} else if (hsr_ec == ESR_ELx_EC_HVC32) {
			return prep_hvc_spec(vmid, vcpuid, adt);
		} else if (hsr_ec == ESR_ELx_EC_HVC64) {
			return prep_hvc_spec(vmid, vcpuid, adt);
		} else if (hsr_ec == ESR_ELx_EC_SMC64) {
			/* Corrected, G56. */
			return prep_hvc_spec(vmid, vcpuid, adt);
		} else if (hsr_ec == ESR_ELx_EC_IABT_LOW) {
			return prep_abort_spec(vmid, vcpuid, adt);
		} else if (hsr_ec == ESR_ELx_EC_DABT_LOW) {
			return prep_abort_spec(vmid, vcpuid, adt);
		} else if (hsr_ec == ESR_ELx_EC_SYS64) {
			/* Corrected, G56b. */
			return prep_sys64_spec(vmid, vcpuid, adt);
		} else {
			/* Corrected, G55; panic_spec in the seed. */
			return STUCK;
		}
	} else {
		return SOME;
	}
}

enum option restore_shadow_kvm_regs_spec0(struct rdata *adt)
{
	uint32_t vmid, vcpuid;
	uint64_t dirty, ec, addr, hsr;
	bool refused;

	if (adt->halt) {
		return SOME;
	}
	WHEN(get_cur_vmid_spec(adt, &vmid));
	RELY_CALLER(is_vmid(vmid));
	WHEN(get_cur_vcpuid_spec(adt, &vcpuid));
	RELY_CALLER(is_vcpu(vcpuid));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, DIRTY, adt, &dirty));
	if (dirty == INVALID64) {
		WHEN(reset_gp_regs_spec(vmid, vcpuid, adt));
		WHEN(reset_sys_regs_spec(vmid, vcpuid, adt));
		return set_shadow_dirty_bit_spec(vmid, vcpuid, 0, adt);
	} else {
		WHEN(get_shadow_ctxt_spec(vmid, vcpuid, EC, adt, &ec));
		/* Corrected: what may be refused comes first; see above. */
		WHEN(get_int_abort(vmid, vcpuid, adt, &refused));
		WHEN(get_shadow_esr_spec(vmid, vcpuid, adt, &hsr));
		hsr = (hsr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT;
		refused = refused && ec == ARM_EXCEPTION_TRAP &&
			  (hsr == ESR_ELx_EC_DABT_LOW ||
			   hsr == ESR_ELx_EC_IABT_LOW);
		WHEN(get_vm_fault_addr_spec(vmid, vcpuid, adt, &addr));
		if (refused) {
			dirty = hsr == ESR_ELx_EC_DABT_LOW ?
				PENDING_DABT_INJECT : PENDING_IABT_INJECT;
			WHEN(set_shadow_dirty_bit_spec(vmid, vcpuid, dirty,
						       adt));
		} else if (addr != 0) {
			WHEN(post_handle_shadow_s2pt_fault_spec(vmid, vcpuid,
								addr, adt));
		}
		if (ec == ARM_EXCEPTION_TRAP) {
			WHEN(sync_dirty_to_shadow_spec(vmid, vcpuid, adt));
		}
		if ((dirty & DIRTY_PC_FLAG) != 0) {
			/* Corrected, G48: first. G38: any PC. */
			WHEN(skip_instruction_steps(vmid, vcpuid, adt));
		}
		if ((dirty & PENDING_EXCEPT_INJECT_FLAG) != 0) {
			WHEN(update_exception_gp_regs_spec(vmid, vcpuid, adt));
		}
		WHEN(set_shadow_dirty_bit_spec(vmid, vcpuid, 0, adt));
		WHEN(set_shadow_ctxt_spec(vmid, vcpuid, FLAGS, 0, adt));
		return set_shadow_ctxt_spec(vmid, vcpuid, FAR_EL2, 0, adt);
	}
}
