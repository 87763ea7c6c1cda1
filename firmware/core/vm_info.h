/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What EL2 knows of each VM. Layer: AbstractMachine, with Locks.
 *
 * Every getter and setter is a primitive of the specification: the caller
 * holds vm[vmid] and has checked the numbers it passes; a number out of range
 * or a lock that is not held is a bug of EL2's own and panics.
 */
#ifndef COREVISOR_CORE_VM_INFO_H
#define COREVISOR_CORE_VM_INFO_H

#include "core/spec_constants.h"
#include "core/types.h"

/* Boot images of one VM. */
#define MAX_LOAD_INFO_NUM	5u

/*
 * States of a VM and of a vCPU, numbered as in the specification. A VM is
 * UNUSED, READY, VERIFIED or POWEROFF; a vCPU UNUSED, READY or ACTIVE.
 */
#define UNUSED			0u
#define MAPPED			1u
#define READY			2u
#define VERIFIED		3u
#define POWEROFF		4u
#define ACTIVE			5u

/* Whether @vmid names a VM, hence neither the host nor the corevisor. */
static inline bool is_vm(vmid_t vmid)
{
	return vmid > HOSTVISOR && vmid < COREVISOR;
}

uint32_t get_vm_state(uint32_t vmid);
void set_vm_state(uint32_t vmid, uint32_t state);
uint32_t get_vcpu_state(uint32_t vmid, uint32_t vcpuid);
void set_vcpu_state(uint32_t vmid, uint32_t vcpuid, uint32_t state);
uint32_t get_vm_next_load_idx(uint32_t vmid);
void set_vm_next_load_idx(uint32_t vmid, uint32_t load_idx);
uint64_t get_vm_load_addr(uint32_t vmid, uint32_t load_idx);
void set_vm_load_addr(uint32_t vmid, uint32_t load_idx, uint64_t load_addr);
uint64_t get_vm_load_size(uint32_t vmid, uint32_t load_idx);
void set_vm_load_size(uint32_t vmid, uint32_t load_idx, uint64_t size);
uint64_t get_vm_mapped_pages(uint32_t vmid, uint32_t load_idx);
void set_vm_mapped_pages(uint32_t vmid, uint32_t load_idx, uint64_t mapped);

/* Whether some vCPU of the VM is ACTIVE. Locks: caller holds vm[vmid]. */
bool vm_has_active_vcpu(vmid_t vmid);

/* Forgets everything of a VM: UNUSED again. Locks: caller holds vm[vmid]. */
void vm_info_wipe(vmid_t vmid);

/**
 * vm_info_array() - where all of it is, for tools
 * @stride: bytes from one VM's entry to the next, filled in
 *
 * Returns: entry 0, which is not used; each begins with the state
 */
const void *vm_info_array(uint64_t *stride);

/* Forgets all VMs (tests). Locks: none; no other CPU runs. */
void vm_info_reset(void);

#endif /* COREVISOR_CORE_VM_INFO_H */
