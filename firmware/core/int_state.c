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

#define HCR_VF_VI	(BIT(6) | BIT(7))

static paddr_t window;

void int_state_init(paddr_t base)
{
	window = base;
}

paddr_t int_state_base(void)
{
	return window;
}

static volatile struct hypsec_vcpu *shared_vcpu(uint32_t vmid,
						uint32_t vcpuid)
{
	volatile struct hypsec_vcpu *shared;

	ASSERT(is_vm(vmid) && vcpuid < VCPU_PER_VM);
	shared = shadow_ctxt_get(vmid, vcpuid)->shared;
	ASSERT(shared != NULL);
	return shared;
}

uint64_t hpfar_to_ipa(uint64_t hpfar)
{
	return EXTRACT(HPFAR_FIPA, hpfar) << PAGE_SHIFT;
}

void int_state_show(struct shadow_ctxt *ctxt, uint64_t esr,
		    uint64_t fault_ipa, uint64_t deadline)
{
	volatile struct hypsec_vcpu *shared = ctxt->shared;

	ASSERT(shared != NULL);
	while (ctxt->released != 0) {
		shared->regs[__builtin_ctz(ctxt->released)] = 0;
		ctxt->released &= ctxt->released - 1;
	}
	shared->esr = esr;
	shared->fault_ipa = fault_ipa;
	shared->deadline = deadline;
}

/**
 * get_int_gpr() - a register as the host gives it
 * @vmid:   a VM
 * @vcpuid: of a registered vCPU
 * @i:	    0 to 30
 *
 * Spec:    AbstractMachine.get_int_gpr_spec
 * Returns: any value; the next call may give another one
 * Panics:  a number out of range - nobody
 */
uint64_t get_int_gpr(uint32_t vmid, uint32_t vcpuid, uint32_t i)
{
	ASSERT(i <= X30);
	return shared_vcpu(vmid, vcpuid)->regs[i];
}

/**
 * set_int_gpr() - show the host a register
 * @vmid:   a VM
 * @vcpuid: of a registered vCPU
 * @i:	    0 to 30
 * @value:  what it shows until the next exit
 *
 * Spec:   AbstractMachine.set_int_gpr_spec
 * Panics: a number out of range - nobody
 */
void set_int_gpr(uint32_t vmid, uint32_t vcpuid, uint32_t i, uint64_t value)
{
	ASSERT(i <= X30);
	shared_vcpu(vmid, vcpuid)->regs[i] = value;
	shadow_ctxt_get(vmid, vcpuid)->released |= UINT32_C(1) << i;
}

/**
 * get_int_new_pte() - the page that the host offers
 * @vmid:   a VM
 * @vcpuid: of a registered vCPU
 *
 * Spec:    AbstractMachine.get_int_new_pte_spec
 * Returns: any value; meant is a PA, 0 for none
 * Panics:  a number out of range - nobody
 */
uint64_t get_int_new_pte(uint32_t vmid, uint32_t vcpuid)
{
	return shared_vcpu(vmid, vcpuid)->new_pte;
}

/**
 * get_int_new_level() - how large a page the host offers
 * @vmid:   a VM
 * @vcpuid: of a registered vCPU
 *
 * Spec:    AbstractMachine.get_int_new_level_spec
 * Returns: 2 for a block, 3 for a page
 * Panics:  a number out of range - nobody
 */
uint32_t get_int_new_level(uint32_t vmid, uint32_t vcpuid)
{
	return shared_vcpu(vmid, vcpuid)->new_level == 2 ? 2 : 3;
}

/**
 * get_vm_fault_addr() - where a VM waits for a page
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 *
 * Spec:    AbstractMachine.get_vm_fault_addr_spec
 * Delta:   D-032: what EL2 recorded at the exit, instead of a value of the
 *	    host's (G19)
 * Returns: IPA in bytes, page aligned; 0 if it waits for none
 * Panics:  a number out of range - nobody
 */
uint64_t get_vm_fault_addr(uint32_t vmid, uint32_t vcpuid)
{
	const struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);

	ASSERT(is_vm(vmid) && vcpuid < VCPU_PER_VM);
	return (ctxt->regs[FLAGS] & PENDING_FSC_FAULT) != 0 ?
		       hpfar_to_ipa(ctxt->regs[HPFAR_EL2]) : 0;
}

/**
 * get_int_run_vcpuid() - which vCPU the host wants to run
 * @vmid: a VM; does not matter
 *
 * Spec:    AbstractMachine.get_int_run_vcpuid_spec
 * Delta:   D-023: the host's x2
 * Returns: any number; INVALID for one that has more than 32 bits
 * Panics:  the host is not at EL2 - nobody
 */
uint32_t get_int_run_vcpuid(uint32_t vmid)
{
	uint64_t vcpuid;

	(void)vmid;
	ASSERT(this_cpu()->frame != NULL);
	vcpuid = this_cpu()->frame->regs[X2];
	return vcpuid < INVALID ? (uint32_t)vcpuid : INVALID;
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
	ctxt->released = 0;
	ctxt->shared->version = HYPSEC_ABI_VERSION;
	ctxt->shared->size = sizeof(struct hypsec_vcpu);
	ctxt->shared->vgic.nr_lrs = this_cpu()->features.nr_lrs;
}

uint64_t get_int_answer(uint32_t vmid, uint32_t vcpuid)
{
	return shared_vcpu(vmid, vcpuid)->answer;
}

uint64_t get_int_hcr(uint32_t vmid, uint32_t vcpuid)
{
	return shared_vcpu(vmid, vcpuid)->hcr & HCR_VF_VI;
}

void int_state_wipe(vmid_t vmid)
{
	memset(el2_ptr(pa_to_el2_va(get_shared_vcpu(vmid, 0))), 0,
	       VCPU_PER_VM * HYPSEC_SHARED_STRIDE);
}
