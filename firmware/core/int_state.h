/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The intermediate state: what host and EL2 tell each other about vCPUs, in
 * the shared window (struct hypsec_vcpu). Layer: AbstractMachine.
 *
 * The host can write all of it at any time, so whatever is read is hostile and
 * is read once. What EL2 writes there it never reads back, but for registers
 * that it has asked the host for.
 */
#ifndef COREVISOR_CORE_INT_STATE_H
#define COREVISOR_CORE_INT_STATE_H

#include "core/panic.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"
#include "core/sysreg_fields.h"
#include "core/trap_frame.h"
#include "core/types.h"
#include "core/vm_info.h"

/**
 * int_state_init() - say where the window is
 * @base: PA of HYPSEC_SHARED_SIZE bytes of RAM, page aligned
 *
 * Locks: none; boot CPU only
 */
void int_state_init(paddr_t base);

/* PA of the window. */
paddr_t int_state_base(void);

/* Whether a page is in the window; @pa page aligned. */
bool int_state_has(paddr_t pa);

/* Zeroes a VM's structures. Locks: caller holds vm[vmid]. */
void int_state_wipe(vmid_t vmid);

uint64_t get_shared_vcpu(uint32_t vmid, uint32_t vcpuid);
void set_vm_vcpu(uint32_t vmid, uint32_t vcpuid, uint64_t vcpu);

/* The IPA page that HPFAR_EL2 holds, in bytes. */
static inline uint64_t hpfar_to_ipa(uint64_t hpfar)
{
	return EXTRACT(HPFAR_FIPA, hpfar) << PAGE_SHIFT;
}

/* Where EL2 sees the structure of a registered vCPU. */
static inline volatile struct hypsec_vcpu *shared_vcpu(uint32_t vmid,
						       uint32_t vcpuid)
{
	volatile struct hypsec_vcpu *shared;

	ASSERT(is_vm(vmid) && vcpuid < VCPU_PER_VM);
	shared = shadow_ctxt_get(vmid, vcpuid)->shared;
	ASSERT(shared != NULL);
	return shared;
}

/**
 * int_state_show() - tell the host why its vCPU came back
 * @ctxt:      of the vCPU that this CPU has just left
 * @esr:       fields of ESR_EL2 that the host may know
 * @fault_ipa: see struct hypsec_vcpu
 * @deadline:  likewise
 *
 * Everything that EL2 has told about the last exit is gone afterwards: the
 * registers are zero, until set_int_gpr() shows one.
 */
static inline void int_state_show(struct shadow_ctxt *ctxt, uint64_t esr,
				  uint64_t fault_ipa, uint64_t deadline)
{
	volatile struct hypsec_vcpu *shared = ctxt->shared;
	uint32_t released = ctxt->released;

	ASSERT(shared != NULL);
	ctxt->released = 0;
	while (released != 0) {
		shared->regs[__builtin_ctz(released)] = 0;
		released &= released - 1;
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
static inline uint64_t get_int_gpr(uint32_t vmid, uint32_t vcpuid, uint32_t i)
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
static inline void set_int_gpr(uint32_t vmid, uint32_t vcpuid, uint32_t i,
			       uint64_t value)
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
static inline uint64_t get_int_new_pte(uint32_t vmid, uint32_t vcpuid)
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
static inline uint32_t get_int_new_level(uint32_t vmid, uint32_t vcpuid)
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
static inline uint64_t get_vm_fault_addr(uint32_t vmid, uint32_t vcpuid)
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
static inline uint32_t get_int_run_vcpuid(uint32_t vmid)
{
	uint64_t vcpuid;

	(void)vmid;
	ASSERT(this_cpu()->frame != NULL);
	vcpuid = this_cpu()->frame->regs[X2];
	return vcpuid < INVALID ? (uint32_t)vcpuid : INVALID;
}

/* HYPSEC_ANSWER_* of the host, or anything else. */
static inline uint64_t get_int_answer(uint32_t vmid, uint32_t vcpuid)
{
	return shared_vcpu(vmid, vcpuid)->answer;
}

/* The host's virtual interrupts: HCR_VI and HCR_VF, no other bit. */
static inline uint64_t get_int_hcr(uint32_t vmid, uint32_t vcpuid)
{
	return shared_vcpu(vmid, vcpuid)->hcr & (HCR_VF | HCR_VI);
}

#endif /* COREVISOR_CORE_INT_STATE_H */
