/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMPower.v, and what EL2 itself does for PSCI. Source: facts B.4, D.3 and
 * G41.
 */
#include "spec/vm_power.h"

#include "spec/abstract_machine.h"
#include "spec/boot_ops.h"
#include "spec/locks.h"

enum option set_vm_poweroff_spec(uint32_t vmid, struct rdata *adt)
{
	if (adt->halt) {
		return SOME;
	}
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(set_vm_state_spec(vmid, POWEROFF, adt));
	return release_lock_vm_spec(vmid, adt);
}

enum option get_vm_poweron_spec(uint32_t vmid, struct rdata *adt,
				uint32_t *on)
{
	uint32_t state;

	*on = 0;
	if (adt->halt) {
		return SOME;
	}
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	*on = state != POWEROFF;
	return release_lock_vm_spec(vmid, adt);
}

/*
 * Corrected, G41: the VM says where its other vCPUs start, and EL2 keeps it;
 * the Coq shows it to the host and asks the host at their first run. What the
 * target's state does not allow is the host's to answer. The last CPU_ON before
 * the target runs counts: the host may have denied an earlier one.
 */
static enum option cpu_on(uint32_t vmid, uint64_t target, uint64_t entry,
			  uint64_t context, struct rdata *adt)
{
	uint32_t state;

	if (!is_vcpu(target)) {
		return SOME;
	}
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vcpu_state_spec(vmid, (uint32_t)target, adt, &state));
	if (state != UNUSED &&
	    adt->vms[vmid].boot[target].power != VCPU_ON) {
		WHEN(boot_vcpu_set_entry_spec(vmid, (uint32_t)target, entry,
					      context, adt));
	}
	return release_lock_vm_spec(vmid, adt);
}

/*
 * Corrected, G41: a vCPU that is off does not run until it is turned on, and
 * then as at its first run.
 */
static enum option cpu_off(uint32_t vmid, uint32_t vcpuid, struct rdata *adt)
{
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, DIRTY, INVALID64, adt));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	adt->vms[vmid].boot[vcpuid].power = VCPU_OFF;
	return release_lock_vm_spec(vmid, adt);
}

enum option psci_effect(uint32_t vmid, uint32_t vcpuid, uint64_t psci_fn,
			   struct rdata *adt)
{
	const uint64_t *x;

	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid));
	if (adt->halt) {
		return SOME;
	}
	x = adt->shadow_ctxts[vmid][vcpuid].ctxt_regs.x;
	switch (psci_fn) {
	case PSCI_0_2_FN_SYSTEM_OFF:
	/* Corrected, G22: these too end the VM. */
	case PSCI_0_2_FN_SYSTEM_RESET:
	case PSCI_1_1_FN_SYSTEM_RESET2:
	case PSCI_1_1_FN64_SYSTEM_RESET2:
		return set_vm_poweroff_spec(vmid, adt);
	case PSCI_0_2_FN_CPU_ON:
		return cpu_on(vmid, x[1] & UINT32_MAX, x[2] & UINT32_MAX,
			      x[3] & UINT32_MAX, adt);
	case PSCI_0_2_FN64_CPU_ON:
		return cpu_on(vmid, x[1], x[2], x[3], adt);
	case PSCI_0_2_FN_CPU_OFF:
		return cpu_off(vmid, vcpuid, adt);
	default:
		return SOME;
	}
}
