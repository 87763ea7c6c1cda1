/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to a vCPU's registers between it and the host. Layer: VCPUOps,
 * on VCPUOpsAux. Locks: as each function says.
 */
#include "core/vcpu_ops.h"

#include "core/int_state.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"
#include "core/trap_frame.h"
#include "core/vcpu_ops_aux.h"
#include "core/vm_info.h"
#include "hypsec/abi.h"

/**
 * save_shadow_kvm_regs() - tell the host why the current vCPU came back
 *
 * The shared structure says what this exit releases and nothing else; DIRTY
 * and FLAGS say what is to be done before the vCPU runs again.
 *
 * Spec:   VCPUOps.save_shadow_kvm_regs_spec (steps: save_shadow_kvm_regs_spec0)
 * Delta:  D-037: SMC and system registers too, and other exits show nothing
 * Locks:  takes vm[vmid]; caller holds none
 * Panics: no VM is current; a trap that vm_exit_dispatcher() never passes on -
 *	   nobody
 */
void save_shadow_kvm_regs(void)
{
	uint32_t vmid = get_cur_vmid();
	uint32_t vcpuid = get_cur_vcpuid();
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);

	ASSERT(is_vm(vmid));
	if (ctxt->regs[EC] != HYPSEC_EXIT_TRAP) {
		int_state_show(ctxt, 0, 0, 0);
		return;
	}
	switch (EXTRACT(ESR_ELX_EC, ctxt->regs[ESR_EL2])) {
	case EC_WFX:
		prep_wfx(vmid, vcpuid);
		break;
	case EC_HVC32:
	case EC_HVC64:
	case EC_SMC64:
		prep_hvc(vmid, vcpuid);
		break;
	case EC_IABT_LOW:
	case EC_DABT_LOW:
		prep_abort(vmid, vcpuid);
		break;
	case EC_SYS64:
		prep_sys64(vmid, vcpuid);
		break;
	default:
		panic("exit of a VM, class 0x%lx",
		      EXTRACT(ESR_ELX_EC, ctxt->regs[ESR_EL2]));
	}
}

/* From reset. */
static COLD void prepare_first_run(uint32_t vmid, uint32_t vcpuid)
{
	reset_gp_regs(vmid, vcpuid);
	reset_sys_regs(vmid, vcpuid);
	set_shadow_dirty_bit(vmid, vcpuid, 0);
}

/*
 * The host's answer to an abort. Where it says that nothing is there, an
 * exception takes the place of all that the exit asked for; where the VM waits
 * for a page, the page that it offers is mapped.
 */
static NOINLINE enum hv_status take_answer(uint32_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);
	uint64_t addr;

	if (get_int_answer(vmid, vcpuid) == HYPSEC_ANSWER_ABORT) {
		ctxt->regs[DIRTY] =
			EXTRACT(ESR_ELX_EC, ctxt->regs[ESR_EL2]) ==
					EC_IABT_LOW ?
				PENDING_IABT_INJECT : PENDING_DABT_INJECT;
		ctxt->regs[FLAGS] &= ~PENDING_FSC_FAULT;
	}
	addr = get_vm_fault_addr(vmid, vcpuid);
	return addr == 0 ? HV_OK :
			   post_handle_shadow_s2pt_fault(vmid, vcpuid, addr);
}

/* What the exit by a trap asked the host for. */
static enum hv_status take_trap_answers(uint32_t vmid, uint32_t vcpuid)
{
	uint64_t class = EXTRACT(ESR_ELX_EC, get_shadow_esr(vmid, vcpuid));
	enum hv_status status;

	if (class == EC_IABT_LOW || class == EC_DABT_LOW) {
		status = take_answer(vmid, vcpuid);
		if (status != HV_OK) {
			return status;
		}
	}
	sync_dirty_to_shadow(vmid, vcpuid);
	return HV_OK;
}

/**
 * restore_shadow_kvm_regs() - make the current vCPU ready to run
 *
 * From reset if it has never run; else with what the last exit asked the host
 * for, each value read once.
 *
 * Spec:    VCPUOps.restore_shadow_kvm_regs_spec (steps:
 *	    restore_shadow_kvm_regs_spec0)
 * Delta:   D-001. D-039: the page is mapped first, so that nothing has changed
 *	    where it is refused; the host can answer with an abort. D-038: PC is
 *	    advanced before an exception is taken (G48)
 * Locks:   takes vm[vmid], then s2page, then pt; caller holds none
 * Returns: HV_OK; else as post_handle_shadow_s2pt_fault(), and the vCPU still
 *	    waits for its answer
 * Refuses: a page that the VM cannot have - host can reach this
 * Panics:  no VM is current - nobody
 */
enum hv_status restore_shadow_kvm_regs(void)
{
	uint32_t vmid = get_cur_vmid();
	uint32_t vcpuid = get_cur_vcpuid();
	struct shadow_ctxt *ctxt = this_cpu()->ctxt;
	enum hv_status status;
	uint64_t dirty;

	ASSERT(is_vm(vmid));
	if (ctxt->regs[DIRTY] == INVALID64) {
		prepare_first_run(vmid, vcpuid);
	} else if (ctxt->regs[EC] == HYPSEC_EXIT_TRAP) {
		status = take_trap_answers(vmid, vcpuid);
		if (status != HV_OK) {
			return status;
		}
	}
	dirty = ctxt->regs[DIRTY];
	if ((dirty & DIRTY_PC_FLAG) != 0) {
		vcpu_skip_instr(ctxt);
	}
	if ((dirty & PENDING_EXCEPT_INJECT_FLAG) != 0) {
		update_exception_gp_regs(vmid, vcpuid);
	}
	ctxt->regs[DIRTY] = 0;
	ctxt->regs[FLAGS] = 0;
	ctxt->regs[FAR_EL2] = 0;
	ctxt->regs[HCR_EL2] = get_int_hcr(vmid, vcpuid);
	return HV_OK;
}
