/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs: made, entered and left. Layer: BootOps.
 */
#ifndef COREVISOR_CORE_BOOT_VCPU_H
#define COREVISOR_CORE_BOOT_VCPU_H

#include "core/panic.h"
#include "core/spec_constants.h"
#include "core/vm_info.h"
#include "core/types.h"

enum hv_status WARN_UNUSED register_vcpu(uint32_t vmid, uint32_t vcpuid);
enum hv_status WARN_UNUSED set_vcpu_active(uint32_t vmid, uint32_t vcpuid);
uint64_t search_load_info(uint32_t vmid, uint64_t addr);

/**
 * boot_vcpu_set_entry() - have a vCPU that is not on start
 * @vmid:    a VM
 * @vcpuid:  a vCPU that is registered and off, or has not run since it was
 *	     turned on
 * @entry:   PC of its first instruction
 * @context: its x0 then
 *
 * Its next VCPU_RUN is a first run there.
 *
 * Locks:  caller holds vm[vmid]
 * Panics: it is not registered, or on - nobody
 */
void boot_vcpu_set_entry(uint32_t vmid, uint32_t vcpuid, uint64_t entry,
			 uint64_t context);

/**
 * timer_set_vm_cntvoff() - say how far a VM's virtual counter is behind
 * @vmid:   a VM that is READY
 * @offset: CNTVOFF_EL2 while it runs
 *
 * Locks:   takes vm[vmid]; caller holds none
 * Returns: HV_OK; HV_EINVAL for no VM; HV_EPERM if it is not READY
 * Refuses: the above - host can reach this
 */
enum hv_status WARN_UNUSED timer_set_vm_cntvoff(uint32_t vmid,
						uint64_t offset);

/**
 * set_vcpu_inactive() - give a vCPU back
 * @vmid:   a VM
 * @vcpuid: the vCPU that is ACTIVE on this CPU
 *
 * Its context is complete, and this CPU does not walk its VM's tables any more:
 * both belong to others as soon as the state says so. No lock is needed for
 * this one change: only this CPU can make it, who holds the lock can see it or
 * not see it yet, and sees all of the context if so.
 *
 * Spec:   BootOps.set_vcpu_inactive_spec
 * Delta:  D-023: a store with release order in place of the lock
 * Panics: it is not ACTIVE - nobody
 */
static inline void set_vcpu_inactive(uint32_t vmid, uint32_t vcpuid)
{
	struct vcpu_info *vcpu;

	ASSERT(is_vm(vmid) && vcpuid < VCPU_PER_VM);
	vcpu = &vm_infos[vmid].vcpu[vcpuid];
	KEEP_POINTER(vcpu);
	ASSERT(vcpu->state == ACTIVE);
	__atomic_store_n(&vcpu->state, READY, __ATOMIC_RELEASE);
}

#endif /* COREVISOR_CORE_BOOT_VCPU_H */
