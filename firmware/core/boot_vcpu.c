/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs: made, entered and left. Layer: BootOps. Locks: takes vm[vmid].
 */
#include "core/boot_vcpu.h"

#include "core/int_state.h"
#include "core/locks.h"
#include "core/panic.h"
#include "core/shadow_ctxt.h"
#include "core/violation.h"
#include "core/vm_info.h"

static enum hv_status register_locked(vmid_t vmid, uint32_t vcpuid)
{
	if (get_vm_state(vmid) != READY) {
		return refuse(HV_EPERM, "the VM is not being set up");
	}
	if (get_vcpu_state(vmid, vcpuid) != UNUSED) {
		return refuse(HV_EBUSY, "the vCPU is there already");
	}
	set_vm_vcpu(vmid, vcpuid, get_shared_vcpu(vmid, vcpuid));
	set_vcpu_state(vmid, vcpuid, READY);
	set_vcpu_power(vmid, vcpuid, VCPU_OFF);
	set_shadow_dirty_bit(vmid, vcpuid, INVALID64);
	return HV_OK;
}

/**
 * register_vcpu() - make a vCPU; it is off
 * @vmid:   a VM that is READY
 * @vcpuid: below VCPU_PER_VM, not registered yet
 *
 * Spec:    BootOps.register_vcpu_spec
 * Delta:   D-001
 * Locks:   takes vm[vmid]; caller holds none
 * Returns: HV_OK; HV_EINVAL for a bad number; HV_EPERM if the VM is not READY;
 *	    HV_EBUSY if the vCPU exists (G42); nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status register_vcpu(uint32_t vmid, uint32_t vcpuid)
{
	enum hv_status status;

	if (!is_vm(vmid) || vcpuid >= VCPU_PER_VM) {
		return refuse(HV_EINVAL, "no such VM or vCPU");
	}
	acquire_lock_vm(vmid);
	status = register_locked(vmid, vcpuid);
	release_lock_vm(vmid);
	return status;
}

static COLD enum hv_status no_such_vcpu(void)
{
	return refuse(HV_EINVAL, "no such VM or vCPU");
}

/* Why a vCPU may not run. Locks: caller holds vm[vmid]. */
static COLD enum hv_status why_not_active(const struct vm_info *vm,
					      const struct vcpu_info *vcpu)
{
	/* The VM's doing, which its host may not know yet. */
	if (vm->state == POWEROFF) {
		return refuse(HV_EBUSY, "the VM is powered off");
	}
	if (vm->state != VERIFIED) {
		return refuse(HV_EPERM, "the VM may not run");
	}
	if (vcpu->state == ACTIVE) {
		return refuse(HV_EBUSY, "the vCPU runs");
	}
	if (vcpu->state != READY) {
		return refuse(HV_EPERM, "there is no such vCPU");
	}
	return refuse(HV_EBUSY, "the vCPU is off");
}

/**
 * set_vcpu_active() - take a vCPU for this CPU
 * @vmid:   which VM, any number
 * @vcpuid: which vCPU, any number
 *
 * Spec:    BootOps.set_vcpu_active_spec
 * Delta:   D-001. D-034: a vCPU that is off does not run
 * Locks:   takes vm[vmid]; caller holds none
 * Returns: HV_OK, the vCPU is ACTIVE; HV_EINVAL for a bad number; HV_EBUSY if
 *	    the VM is POWEROFF, or the vCPU ACTIVE or off; HV_EPERM if the VM
 *	    is in any other state but VERIFIED, or the vCPU not registered;
 *	    nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status set_vcpu_active(uint32_t vmid, uint32_t vcpuid)
{
	enum hv_status status;
	struct vcpu_info *vcpu;
	struct vm_info *vm;

	if (!is_vm(vmid) || vcpuid >= VCPU_PER_VM) {
		return no_such_vcpu();
	}
	vm = &vm_infos[vmid];
	vcpu = &vm->vcpu[vcpuid];
	KEEP_POINTER(vm);
	KEEP_POINTER(vcpu);
	acquire_lock_vm(vmid);
	if (vm->state == VERIFIED && vcpu_state_now(vcpu) == READY &&
	    vcpu->power != VCPU_OFF) {
		vcpu->state = ACTIVE;
		shadow_ctxt_get(vmid, vcpuid)->regs[CNTVOFF_EL2] = vm->cntvoff;
		status = HV_OK;
	} else {
		status = why_not_active(vm, vcpu);
	}
	release_lock_vm(vmid);
	return status;
}

void boot_vcpu_set_entry(uint32_t vmid, uint32_t vcpuid, uint64_t entry,
			 uint64_t context)
{
	ASSERT(get_vcpu_state(vmid, vcpuid) != UNUSED &&
	       get_vcpu_power(vmid, vcpuid) != VCPU_ON);
	set_vcpu_entry(vmid, vcpuid, entry, context);
	set_vcpu_power(vmid, vcpuid, VCPU_ON_PENDING);
}

enum hv_status timer_set_vm_cntvoff(uint32_t vmid, uint64_t offset)
{
	enum hv_status status = HV_OK;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	acquire_lock_vm(vmid);
	if (get_vm_state(vmid) != READY) {
		status = refuse(HV_EPERM, "the VM is not being set up");
	} else {
		set_vm_cntvoff(vmid, offset);
	}
	release_lock_vm(vmid);
	return status;
}

/**
 * search_load_info() - whether an address lies in a boot image
 * @vmid: a VM
 * @addr: IPA in bytes, any value
 *
 * Spec:    BootOps.search_load_info_spec
 * Delta:   D-016: images lie where the VM sees them, so the result is @addr,
 *	    and the caller holds vm[vmid]
 * Locks:   caller holds vm[vmid]
 * Returns: @addr; 0 if no image has it
 */
uint64_t search_load_info(uint32_t vmid, uint64_t addr)
{
	for (uint32_t i = 0; i < get_vm_next_load_idx(vmid); i++) {
		uint64_t start = get_vm_load_addr(vmid, i);

		/* Images end at 2^40 at most: nothing wraps (G40). */
		if (addr >= start &&
		    addr - start < get_vm_load_size(vmid, i)) {
			return addr;
		}
	}
	return 0;
}
