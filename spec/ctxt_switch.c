/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CtxtSwitchSpec.v. Source: S0, line by line; lines that are not the
 * seed's say so.
 */
#include "spec/ctxt_switch.h"

#include "spec/abstract_machine.h"
#include "spec/boot_ops.h"
#include "spec/int_state.h"
#include "spec/vcpu_ops.h"
#include "spec/world.h"

enum option save_host_spec(struct rdata *adt)
{
	WHEN(save_sysregs_spec(adt));
	return fpsimd_save_state_spec(adt);
}

enum option restore_host_spec(struct rdata *adt)
{
	WHEN(set_per_cpu_spec(HOSTVISOR, 0, adt));
	WHEN(host_el2_restore_state_spec(adt));
	WHEN(restore_sysregs_spec(adt));
	return fpsimd_restore_state_spec(adt);
}

enum option save_vm_spec(struct rdata *adt)
{
	uint32_t vmid, vcpuid;

	WHEN(save_sysregs_spec(adt));
	WHEN(fpsimd_save_state_spec(adt));
	WHEN(deactivate_traps_spec(adt));
	/* Corrected, G52: timer_enable_traps_spec in the seed. */
	WHEN(timer_disable_traps_spec(adt));
	WHEN(save_shadow_kvm_regs_spec(adt));
	WHEN(get_cur_vmid_spec(adt, &vmid));
	WHEN(get_cur_vcpuid_spec(adt, &vcpuid));
	return set_vcpu_inactive_spec(vmid, vcpuid, adt);
}

/*
 * Corrected, G6: the numbers as 64 bits, before any use of them. Corrected,
 * G13: a refusal is an error of its own kind and not a panic; the referee
 * gives back the state before it.
 */
enum option restore_vm_spec(struct rdata *adt)
{
	uint32_t cur_vmid, cur_vcpuid;
	uint64_t vmid, vcpuid;

	WHEN(get_cur_vmid_spec(adt, &cur_vmid));
	WHEN(get_cur_vcpuid_spec(adt, &cur_vcpuid));
	/* X0 in the seed; the call's number is there (D-023). */
	WHEN(get_shadow_ctxt_spec(cur_vmid, cur_vcpuid, X1, adt, &vmid));
	if (HOSTVISOR < vmid && vmid < COREVISOR) {
		WHEN(get_int_run_vcpuid_spec((uint32_t)vmid, adt, &vcpuid));
		if (vcpuid < VCPU_PER_VM) {
			WHEN(set_per_cpu_spec((uint32_t)vmid,
					      (uint32_t)vcpuid, adt));
			WHEN(set_vcpu_active_spec((uint32_t)vmid,
						  (uint32_t)vcpuid, adt));
			WHEN(restore_shadow_kvm_regs_spec(adt));
			WHEN(vm_el2_restore_state_spec(adt));
			WHEN(timer_enable_traps_spec(adt));
			WHEN(activate_traps_spec(adt));
			WHEN(restore_sysregs_spec(adt));
			return fpsimd_restore_state_spec(adt);
		} else {
			/* panic_spec in the seed. */
			return NONE_INVAL;
		}
	} else {
		/* panic_spec in the seed. */
		return NONE_INVAL;
	}
}
