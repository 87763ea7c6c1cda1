/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs: made, entered and left. Layer: BootOps.
 */
#ifndef COREVISOR_CORE_BOOT_VCPU_H
#define COREVISOR_CORE_BOOT_VCPU_H

#include "core/types.h"

enum hv_status WARN_UNUSED register_vcpu(uint32_t vmid, uint32_t vcpuid);
enum hv_status WARN_UNUSED set_vcpu_active(uint32_t vmid, uint32_t vcpuid);
void set_vcpu_inactive(uint32_t vmid, uint32_t vcpuid);
uint64_t search_load_info(uint32_t vmid, uint64_t addr);

/**
 * boot_vcpu_set_entry() - have a vCPU that is off start
 * @vmid:    a VM
 * @vcpuid:  a vCPU that is registered and off
 * @entry:   PC of its first instruction
 * @context: its x0 then
 *
 * Its next VCPU_RUN is a first run there.
 *
 * Locks:  caller holds vm[vmid]
 * Panics: it is not registered or not off - nobody
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

#endif /* COREVISOR_CORE_BOOT_VCPU_H */
