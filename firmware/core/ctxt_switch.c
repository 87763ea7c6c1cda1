/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch between host and VM, line by line as the specification has it.
 * Layer: CtxtSwitch, on VCPUOps and BootOps. Locks: none held across the calls.
 */
#include "core/ctxt_switch.h"

#include "arch/barrier.h"
#include "core/boot_vcpu.h"
#include "core/fpsimd.h"
#include "core/int_state.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"
#include "core/sysregs.h"
#include "core/trap_frame.h"
#include "core/vcpu_ops.h"
#include "core/vgic.h"
#include "core/violation.h"
#include "core/world.h"

/**
 * save_host() - keep the host's registers
 *
 * Those that its trap frame has stay there.
 *
 * Spec: CtxtSwitch.save_host_spec
 */
void save_host(void)
{
	save_sysregs();
	fpsimd_save_state();
}

/**
 * restore_host() - go back to the host
 *
 * Spec: CtxtSwitch.restore_host_spec
 */
void restore_host(void)
{
	set_per_cpu(HOSTVISOR, 0);
	host_el2_restore_state();
	restore_sysregs();
	fpsimd_restore_state();
}

/**
 * save_vm() - keep the current VM's registers, and tell the host what it needs
 *
 * Spec:   CtxtSwitch.save_vm_spec
 * Delta:  D-028: timer_disable_traps() where the specification has
 *	   timer_enable_traps(); D-029: vgic_save_state()
 * Locks:  takes vm[vmid]; caller holds none
 */
void save_vm(void)
{
	uint32_t vmid;
	uint32_t vcpuid;

	save_sysregs();
	fpsimd_save_state();
	deactivate_traps();
	timer_disable_traps();
	vgic_save_state();
	save_shadow_kvm_regs();
	/*
	 * Maintenance that the VM has begun on this CPU is complete before it
	 * can go on on another one, whose DSB does not wait for it.
	 */
	barrier_dsb_sy();
	vmid = get_cur_vmid();
	vcpuid = get_cur_vcpuid();
	set_vcpu_inactive(vmid, vcpuid);
}

/*
 * What the host's answers to the last exit lead to. Nothing that a refusal
 * would have to undo has happened before, but that the vCPU is ACTIVE.
 */
static inline enum hv_status take_answers(uint32_t vmid, uint32_t vcpuid)
{
	enum hv_status status;

	set_per_cpu(vmid, vcpuid);
	status = restore_shadow_kvm_regs();
	if (status != HV_OK) {
		set_per_cpu(HOSTVISOR, 0);
		set_vcpu_inactive(vmid, vcpuid);
	}
	return status;
}

static COLD enum hv_status invalid(const char *reason)
{
	return refuse(HV_EINVAL, reason);
}

/**
 * restore_vm() - go to the vCPU that the host asks for: x1 VM, x2 vCPU
 *
 * Spec:    CtxtSwitch.restore_vm_spec
 * Delta:   D-001; D-023: the VM's number is in x1, and the vCPU becomes the
 *	    current one only when it is known to be allowed to run; D-029:
 *	    vgic_restore_state()
 * Locks:   takes vm[vmid], and what restore_shadow_kvm_regs() takes; caller
 *	    holds none
 * Returns: HV_OK; HV_EINVAL: no such VM or vCPU number; else what
 *	    set_vcpu_active() and restore_shadow_kvm_regs() return. Unless HV_OK
 *	    the host is still the current world, with its registers.
 * Refuses: the above - host can reach this
 */
enum hv_status restore_vm(void)
{
	/* get_shadow_ctxt() of the host, which is current. */
	uint64_t vmid = this_cpu()->frame->regs[X1];
	uint32_t vcpuid;
	enum hv_status status;

	if (!(HOSTVISOR < vmid && vmid < COREVISOR)) {
		return invalid("no such VM");
	}
	vcpuid = get_int_run_vcpuid((uint32_t)vmid);
	if (vcpuid >= VCPU_PER_VM) {
		return invalid("no such vCPU");
	}
	status = set_vcpu_active((uint32_t)vmid, vcpuid);
	if (status != HV_OK) {
		return status;
	}
	status = take_answers((uint32_t)vmid, vcpuid);
	if (status != HV_OK) {
		return status;
	}
	vm_el2_restore_state();
	timer_enable_traps();
	activate_traps();
	vgic_restore_state();
	restore_sysregs();
	fpsimd_restore_state();
	return HV_OK;
}
