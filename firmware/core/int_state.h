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

#include "core/shadow_ctxt.h"
#include "core/types.h"

/**
 * int_state_init() - say where the window is
 * @base: PA of HYPSEC_SHARED_SIZE bytes of RAM, page aligned
 *
 * Locks: none; boot CPU only
 */
void int_state_init(paddr_t base);

/* PA of the window. */
paddr_t int_state_base(void);

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
void int_state_show(struct shadow_ctxt *ctxt, uint64_t esr,
		    uint64_t fault_ipa, uint64_t deadline);

/* Zeroes a VM's structures. Locks: caller holds vm[vmid]. */
void int_state_wipe(vmid_t vmid);

uint64_t get_int_gpr(uint32_t vmid, uint32_t vcpuid, uint32_t i);
void set_int_gpr(uint32_t vmid, uint32_t vcpuid, uint32_t i, uint64_t value);
uint64_t get_int_new_pte(uint32_t vmid, uint32_t vcpuid);
uint32_t get_int_new_level(uint32_t vmid, uint32_t vcpuid);
uint64_t get_vm_fault_addr(uint32_t vmid, uint32_t vcpuid);
uint32_t get_int_run_vcpuid(uint32_t vmid);
uint64_t get_shared_vcpu(uint32_t vmid, uint32_t vcpuid);
void set_vm_vcpu(uint32_t vmid, uint32_t vcpuid, uint64_t vcpu);

/* HYPSEC_ANSWER_* of the host, or anything else. */
uint64_t get_int_answer(uint32_t vmid, uint32_t vcpuid);

/* The host's virtual interrupts: HCR_VI and HCR_VF, no other bit. */
uint64_t get_int_hcr(uint32_t vmid, uint32_t vcpuid);

/* The IPA page that HPFAR_EL2 holds, in bytes. */
uint64_t hpfar_to_ipa(uint64_t hpfar);

#endif /* COREVISOR_CORE_INT_STATE_H */
