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
 * UNUSED, READY, MAPPED while its images are being verified, VERIFIED or
 * POWEROFF; a vCPU UNUSED, READY or ACTIVE.
 */
#define UNUSED			0u
#define MAPPED			1u
#define READY			2u
#define VERIFIED		3u
#define POWEROFF		4u
#define ACTIVE			5u

/*
 * Power of a vCPU as its VM sees it through PSCI. Only ON_PENDING and ON may
 * run; ON_PENDING has an entry and a context, and starts from reset.
 */
enum vcpu_power {
	VCPU_OFF = 0,
	VCPU_ON_PENDING,
	VCPU_ON,
};

/**
 * struct load_info - one boot image
 * @addr:	  IPA of its first byte, page aligned
 * @size:	  bytes
 * @mapped_pages: pages that the host has handed over
 */
struct load_info {
	ipa_t addr;
	uint64_t size;
	uint64_t mapped_pages;
};

/**
 * struct vcpu_info - one vCPU, a power of two in size
 * @state:   UNUSED, READY or ACTIVE
 * @power:   enum vcpu_power
 * @entry:   PC at which an ON_PENDING vCPU starts
 * @context: its x0 then
 */
struct vcpu_info {
	_Alignas(32) uint32_t state;
	uint32_t power;
	ipa_t entry;
	uint64_t context;
};

/**
 * struct vm_info - one VM, a power of two in size; through the functions below,
 * except on the way into a VM and out of it, where every instruction counts
 * @state:	   first, told by inspect.h
 * @next_load_idx: boot images
 * @inc_exe:	   not 0: its vCPUs start from sealed state
 * @banks:	   the SMMUs' banks that are its: bit index * 8 + cbndx
 * @cntvoff:	   CNTVOFF_EL2
 * @devices_end:   IPA at which its highest device ends; 0 without any
 * @vcpu:	   by number
 * @load:	   boot images
 */
struct vm_info {
	_Alignas(512) uint32_t state;
	uint32_t next_load_idx;
	uint32_t inc_exe;
	uint32_t banks;
	uint64_t cntvoff;
	ipa_t devices_end;
	struct vcpu_info vcpu[VCPU_PER_VM];
	struct load_info load[MAX_LOAD_INFO_NUM];
};

extern struct vm_info vm_infos[COREVISOR];

/*
 * The state of a vCPU; who sees that it is not ACTIVE sees its whole context.
 * ACTIVE begins under vm[vmid] and ends without it.
 */
static inline uint32_t vcpu_state_now(const struct vcpu_info *vcpu)
{
	return __atomic_load_n(&vcpu->state, __ATOMIC_ACQUIRE);
}

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
uint32_t get_vm_inc_exe(uint32_t vmid);
void set_vm_inc_exe(uint32_t vmid, uint32_t inc_exe);

/* Virtual counter offset. Locks, Panics: as the primitives. */
uint64_t get_vm_cntvoff(vmid_t vmid);
void set_vm_cntvoff(vmid_t vmid, uint64_t cntvoff);

/*
 * Context banks of the SMMUs that are its, see struct vm_info. The caller
 * holds smmu too to change them. Locks, Panics: as the primitives.
 */
uint32_t get_vm_banks(vmid_t vmid);
void set_vm_banks(vmid_t vmid, uint32_t banks);

/* Where its highest device ends. Locks, Panics: as the primitives. */
ipa_t get_vm_devices_end(vmid_t vmid);
void set_vm_devices_end(vmid_t vmid, ipa_t end);

/* enum vcpu_power of a vCPU. Locks, Panics: as the primitives. */
uint32_t get_vcpu_power(vmid_t vmid, uint32_t vcpuid);
void set_vcpu_power(vmid_t vmid, uint32_t vcpuid, uint32_t power);

/* Where an ON_PENDING vCPU starts. Locks, Panics: as the primitives. */
ipa_t get_vcpu_entry(vmid_t vmid, uint32_t vcpuid);
uint64_t get_vcpu_context(vmid_t vmid, uint32_t vcpuid);
void set_vcpu_entry(vmid_t vmid, uint32_t vcpuid, ipa_t entry,
		    uint64_t context);

/* Whether some vCPU of the VM is ACTIVE. Locks: caller holds vm[vmid]. */
bool vm_has_active_vcpu(vmid_t vmid);

/*
 * Whether the VM has exactly the vCPUs 0 to @n - 1, none of them ACTIVE.
 * Locks: caller holds vm[vmid].
 */
bool vm_has_vcpus(vmid_t vmid, uint32_t n);

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
