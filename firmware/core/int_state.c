/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What host and EL2 tell each other about vCPUs. Layer: AbstractMachine.
 * Locks: none; the vCPU is ACTIVE on this CPU, or cannot run.
 *
 * Every access is to a volatile object: one load or store each.
 */
#include "core/int_state.h"

#include <string.h>

#include "arch/mem.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/trap_frame.h"
#include "core/vm_info.h"

static paddr_t window;

void int_state_init(paddr_t base)
{
	window = base;
}

paddr_t int_state_base(void)
{
	return window;
}

bool int_state_has(paddr_t pa)
{
	return pa - window < HYPSEC_SHARED_SIZE;
}

/**
 * get_shared_vcpu() - where host and EL2 meet over a vCPU
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 *
 * Spec:    AbstractMachine.get_shared_vcpu_spec
 * Returns: PA in bytes
 * Panics:  a number out of range - nobody
 */
uint64_t get_shared_vcpu(uint32_t vmid, uint32_t vcpuid)
{
	ASSERT(is_vm(vmid) && vcpuid < VCPU_PER_VM);
	return window + (uint64_t)ctxt_id(vmid, vcpuid) * HYPSEC_SHARED_STRIDE;
}

/**
 * set_vm_vcpu() - remember where host and EL2 meet over a vCPU
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 * @vcpu:   PA, from get_shared_vcpu()
 *
 * The structure begins anew: version, size and the number of list registers,
 * and nothing else.
 *
 * Spec:   AbstractMachine.set_vm_vcpu_spec
 * Locks:  caller holds vm[vmid]
 * Panics: a number out of range - nobody
 */
void set_vm_vcpu(uint32_t vmid, uint32_t vcpuid, uint64_t vcpu)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);

	ASSERT(is_vm(vmid) && vcpuid < VCPU_PER_VM);
	memset(el2_ptr(pa_to_el2_va(vcpu)), 0, HYPSEC_SHARED_STRIDE);
	ctxt->shared = el2_ptr(pa_to_el2_va(vcpu));
	ctxt->shared->version = HYPSEC_ABI_VERSION;
	ctxt->shared->size = sizeof(struct hypsec_vcpu);
	ctxt->shared->vgic.nr_lrs = this_cpu()->features.nr_lrs;
}

void int_state_wipe(vmid_t vmid)
{
	memset(el2_ptr(pa_to_el2_va(get_shared_vcpu(vmid, 0))), 0,
	       VCPU_PER_VM * HYPSEC_SHARED_STRIDE);
}
