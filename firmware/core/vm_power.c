/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a VM is powered. Layer: VMPower. Locks: takes vm[vmid].
 */
#include "core/vm_power.h"

#include "core/locks.h"
#include "core/vm_info.h"

/**
 * set_vm_poweroff() - end a VM for good
 * @vmid: a VM that exists
 *
 * None of its vCPUs is entered again; one that runs on another CPU goes on
 * until its next exit.
 *
 * Spec:   VMPower.set_vm_poweroff_spec
 * Locks:  takes vm[vmid]; caller holds none
 * Panics: @vmid out of range - nobody
 */
void set_vm_poweroff(uint32_t vmid)
{
	acquire_lock_vm(vmid);
	set_vm_state(vmid, POWEROFF);
	release_lock_vm(vmid);
}

/**
 * get_vm_poweron() - whether a VM is powered
 * @vmid: a VM
 *
 * Spec:    VMPower.get_vm_poweron_spec
 * Locks:   takes vm[vmid]; caller holds none
 * Returns: 0 if it is powered off, else 1
 * Panics:  @vmid out of range - nobody
 */
uint32_t get_vm_poweron(uint32_t vmid)
{
	uint32_t state;

	acquire_lock_vm(vmid);
	state = get_vm_state(vmid);
	release_lock_vm(vmid);
	return state != POWEROFF;
}
