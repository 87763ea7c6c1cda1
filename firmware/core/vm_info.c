/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What EL2 knows of each VM. Layer: AbstractMachine, with Locks.
 * Locks: the caller of every primitive holds vm[vmid].
 */
#include "core/vm_info.h"

#include "core/locks.h"
#include "core/panic.h"
#include "hypsec/inspect.h"

struct vm_info vm_infos[COREVISOR];

_Static_assert(offsetof(struct vm_info, state) == 0 &&
	       offsetof(struct vcpu_info, state) == 0 &&
	       offsetof(struct vcpu_info, power) == 4,
	       "told by inspect.h");
_Static_assert(UNUSED == HYPSEC_INSPECT_UNUSED &&
	       MAPPED == HYPSEC_INSPECT_MAPPED &&
	       READY == HYPSEC_INSPECT_READY &&
	       VERIFIED == HYPSEC_INSPECT_VERIFIED &&
	       POWEROFF == HYPSEC_INSPECT_POWEROFF &&
	       ACTIVE == HYPSEC_INSPECT_ACTIVE, "told by inspect.h");
_Static_assert((uint32_t)VCPU_OFF == HYPSEC_INSPECT_POWER_OFF &&
	       (uint32_t)VCPU_ON_PENDING == HYPSEC_INSPECT_POWER_ON_PENDING &&
	       (uint32_t)VCPU_ON == HYPSEC_INSPECT_POWER_ON,
	       "told by inspect.h");

const void *vm_info_array(uint64_t *stride)
{
	*stride = sizeof(vm_infos[0]);
	return vm_infos;
}

static struct vm_info *vm_info(vmid_t vmid)
{
	ASSERT(is_vm(vmid) && lock_vm_is_held(vmid));
	return &vm_infos[vmid];
}

static struct load_info *load_info(vmid_t vmid, uint32_t load_idx)
{
	ASSERT(load_idx < MAX_LOAD_INFO_NUM);
	return &vm_info(vmid)->load[load_idx];
}

static struct vcpu_info *vcpu_info(vmid_t vmid, uint32_t vcpuid)
{
	ASSERT(vcpuid < VCPU_PER_VM);
	return &vm_info(vmid)->vcpu[vcpuid];
}

/**
 * get_vm_state() - state of a VM
 * @vmid: a VM
 *
 * Spec:    AbstractMachine.get_vm_state_spec
 * Locks:   caller holds vm[vmid]
 * Returns: UNUSED, READY, MAPPED, VERIFIED or POWEROFF
 * Panics:  @vmid out of range - nobody
 */
uint32_t get_vm_state(uint32_t vmid)
{
	return vm_info(vmid)->state;
}

/**
 * set_vm_state() - change the state of a VM
 * @vmid:  a VM
 * @state: UNUSED to ACTIVE
 *
 * Spec:   AbstractMachine.set_vm_state_spec
 * Locks:  caller holds vm[vmid]
 * Panics: a number out of range - nobody
 */
void set_vm_state(uint32_t vmid, uint32_t state)
{
	ASSERT(state <= ACTIVE);
	vm_info(vmid)->state = state;
}

/**
 * get_vcpu_state() - state of a vCPU
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 *
 * Spec:    AbstractMachine.get_vcpu_state_spec
 * Locks:   caller holds vm[vmid]
 * Returns: UNUSED, READY or ACTIVE
 * Panics:  a number out of range - nobody
 */
uint32_t get_vcpu_state(uint32_t vmid, uint32_t vcpuid)
{
	return vcpu_state_now(vcpu_info(vmid, vcpuid));
}

/**
 * set_vcpu_state() - change the state of a vCPU
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 * @state:  UNUSED, READY or ACTIVE
 *
 * Spec:   AbstractMachine.set_vcpu_state_spec
 * Locks:  caller holds vm[vmid]
 * Panics: a number out of range - nobody
 */
void set_vcpu_state(uint32_t vmid, uint32_t vcpuid, uint32_t state)
{
	ASSERT(state == UNUSED || state == READY || state == ACTIVE);
	vcpu_info(vmid, vcpuid)->state = state;
}

/**
 * get_vm_next_load_idx() - how many boot images a VM has
 * @vmid: a VM
 *
 * Spec:    AbstractMachine.get_vm_next_load_idx_spec
 * Locks:   caller holds vm[vmid]
 * Returns: 0 to MAX_LOAD_INFO_NUM
 * Panics:  @vmid out of range - nobody
 */
uint32_t get_vm_next_load_idx(uint32_t vmid)
{
	return vm_info(vmid)->next_load_idx;
}

/**
 * set_vm_next_load_idx() - change how many boot images a VM has
 * @vmid:     a VM
 * @load_idx: 0 to MAX_LOAD_INFO_NUM
 *
 * Spec:   AbstractMachine.set_vm_next_load_idx_spec
 * Locks:  caller holds vm[vmid]
 * Panics: a number out of range - nobody
 */
void set_vm_next_load_idx(uint32_t vmid, uint32_t load_idx)
{
	ASSERT(load_idx <= MAX_LOAD_INFO_NUM);
	vm_info(vmid)->next_load_idx = load_idx;
}

/**
 * get_vm_load_addr() - where a boot image lies
 * @vmid:     a VM
 * @load_idx: below MAX_LOAD_INFO_NUM
 *
 * Spec:    AbstractMachine.get_vm_load_addr_spec
 * Locks:   caller holds vm[vmid]
 * Returns: IPA in bytes
 * Panics:  a number out of range - nobody
 */
uint64_t get_vm_load_addr(uint32_t vmid, uint32_t load_idx)
{
	return load_info(vmid, load_idx)->addr;
}

/**
 * set_vm_load_addr() - record where a boot image lies
 * @vmid:      a VM
 * @load_idx:  below MAX_LOAD_INFO_NUM
 * @load_addr: IPA in bytes
 *
 * Spec:   AbstractMachine.set_vm_load_addr_spec
 * Locks:  caller holds vm[vmid]
 * Panics: a number out of range - nobody
 */
void set_vm_load_addr(uint32_t vmid, uint32_t load_idx, uint64_t load_addr)
{
	load_info(vmid, load_idx)->addr = load_addr;
}

/**
 * get_vm_load_size() - size of a boot image
 * @vmid:     a VM
 * @load_idx: below MAX_LOAD_INFO_NUM
 *
 * Spec:    AbstractMachine.get_vm_load_size_spec
 * Locks:   caller holds vm[vmid]
 * Returns: bytes
 * Panics:  a number out of range - nobody
 */
uint64_t get_vm_load_size(uint32_t vmid, uint32_t load_idx)
{
	return load_info(vmid, load_idx)->size;
}

/**
 * set_vm_load_size() - record the size of a boot image
 * @vmid:     a VM
 * @load_idx: below MAX_LOAD_INFO_NUM
 * @size:     bytes
 *
 * Spec:   AbstractMachine.set_vm_load_size_spec
 * Locks:  caller holds vm[vmid]
 * Panics: a number out of range - nobody
 */
void set_vm_load_size(uint32_t vmid, uint32_t load_idx, uint64_t size)
{
	load_info(vmid, load_idx)->size = size;
}

/**
 * get_vm_mapped_pages() - how much of a boot image has been handed over
 * @vmid:     a VM
 * @load_idx: below MAX_LOAD_INFO_NUM
 *
 * Spec:    AbstractMachine.get_vm_mapped_pages_spec
 * Locks:   caller holds vm[vmid]
 * Returns: pages
 * Panics:  a number out of range - nobody
 */
uint64_t get_vm_mapped_pages(uint32_t vmid, uint32_t load_idx)
{
	return load_info(vmid, load_idx)->mapped_pages;
}

/**
 * set_vm_mapped_pages() - record how much of a boot image was handed over
 * @vmid:     a VM
 * @load_idx: below MAX_LOAD_INFO_NUM
 * @mapped:   pages
 *
 * Spec:   AbstractMachine.set_vm_mapped_pages_spec
 * Locks:  caller holds vm[vmid]
 * Panics: a number out of range - nobody
 */
void set_vm_mapped_pages(uint32_t vmid, uint32_t load_idx, uint64_t mapped)
{
	load_info(vmid, load_idx)->mapped_pages = mapped;
}

/**
 * get_vm_inc_exe() - whether vCPUs of a VM start from sealed state
 * @vmid: a VM
 *
 * Spec:    AbstractMachine.get_vm_inc_exe_spec
 * Locks:   caller holds vm[vmid]
 * Returns: 0 or 1
 * Panics:  @vmid out of range - nobody
 */
uint32_t get_vm_inc_exe(uint32_t vmid)
{
	return vm_info(vmid)->inc_exe;
}

/**
 * set_vm_inc_exe() - say whether vCPUs of a VM start from sealed state
 * @vmid:    a VM
 * @inc_exe: 0 or 1
 *
 * Spec:   AbstractMachine.set_vm_inc_exe_spec
 * Delta:  D-031: it does not write the number of boot images (G62)
 * Locks:  caller holds vm[vmid]
 * Panics: @vmid out of range - nobody
 */
void set_vm_inc_exe(uint32_t vmid, uint32_t inc_exe)
{
	vm_info(vmid)->inc_exe = inc_exe;
}

uint32_t get_vm_banks(vmid_t vmid)
{
	return vm_info(vmid)->banks;
}

void set_vm_banks(vmid_t vmid, uint32_t banks)
{
	ASSERT(lock_smmu_is_held());
	vm_info(vmid)->banks = banks;
}

ipa_t get_vm_devices_end(vmid_t vmid)
{
	return vm_info(vmid)->devices_end;
}

void set_vm_devices_end(vmid_t vmid, ipa_t end)
{
	vm_info(vmid)->devices_end = end;
}

uint64_t get_vm_cntvoff(vmid_t vmid)
{
	return vm_info(vmid)->cntvoff;
}

void set_vm_cntvoff(vmid_t vmid, uint64_t cntvoff)
{
	vm_info(vmid)->cntvoff = cntvoff;
}

uint32_t get_vcpu_power(vmid_t vmid, uint32_t vcpuid)
{
	return vcpu_info(vmid, vcpuid)->power;
}

void set_vcpu_power(vmid_t vmid, uint32_t vcpuid, uint32_t power)
{
	ASSERT(power <= VCPU_ON);
	vcpu_info(vmid, vcpuid)->power = power;
}

ipa_t get_vcpu_entry(vmid_t vmid, uint32_t vcpuid)
{
	return vcpu_info(vmid, vcpuid)->entry;
}

uint64_t get_vcpu_context(vmid_t vmid, uint32_t vcpuid)
{
	return vcpu_info(vmid, vcpuid)->context;
}

void set_vcpu_entry(vmid_t vmid, uint32_t vcpuid, ipa_t entry,
		    uint64_t context)
{
	struct vcpu_info *vcpu = vcpu_info(vmid, vcpuid);

	vcpu->entry = entry;
	vcpu->context = context;
}

bool vm_has_active_vcpu(vmid_t vmid)
{
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		if (get_vcpu_state(vmid, i) == ACTIVE) {
			return true;
		}
	}
	return false;
}

bool vm_has_vcpus(vmid_t vmid, uint32_t n)
{
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		if (get_vcpu_state(vmid, i) != (i < n ? READY : UNUSED)) {
			return false;
		}
	}
	return true;
}

void vm_info_wipe(vmid_t vmid)
{
	*vm_info(vmid) = (struct vm_info){ .state = UNUSED };
}

void vm_info_reset(void)
{
	for (vmid_t vmid = 0; vmid < COREVISOR; vmid++) {
		vm_infos[vmid] = (struct vm_info){ .state = UNUSED };
	}
}
