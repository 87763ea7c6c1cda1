/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AbstractMachine.v, the intermediate state. Source: facts B.6; S3 names
 * get_int_gpr, set_int_gpr, get_int_new_pte and get_vm_fault_addr.
 *
 * Corrected, G8, G41 and G44: of get_int_pc, get_int_pstate and get_int_esr
 * nothing is left. Where a vCPU starts is known to EL2, and why it trapped as
 * well; no address that lies in the window is followed.
 */
#include "spec/int_state.h"

#include "spec/abstract_machine.h"

#define RELY_VCPU(vmid, vcpuid) \
	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid))

enum option get_int_gpr_spec(uint32_t vmid, uint32_t vcpuid, uint32_t reg,
			     const struct rdata *adt, uint64_t *value)
{
	RELY_VCPU(vmid, vcpuid);
	RELY_CALLER(reg < NUM_GPRS);
	*value = adt->halt ? 0 : adt->int_vcpus[vmid][vcpuid].regs[reg];
	return SOME;
}

enum option set_int_gpr_spec(uint32_t vmid, uint32_t vcpuid, uint32_t reg,
			     uint64_t value, struct rdata *adt)
{
	RELY_VCPU(vmid, vcpuid);
	RELY_CALLER(reg < NUM_GPRS);
	if (!adt->halt) {
		adt->int_vcpus[vmid][vcpuid].regs[reg] = value;
		adt->int_vcpus[vmid][vcpuid].released |= UINT32_C(1) << reg;
	}
	return SOME;
}

enum option get_int_new_pte_spec(uint32_t vmid, uint32_t vcpuid,
				 const struct rdata *adt, uint64_t *pte)
{
	RELY_VCPU(vmid, vcpuid);
	*pte = adt->halt ? 0 : adt->int_vcpus[vmid][vcpuid].new_pte;
	return SOME;
}

enum option get_int_new_level_spec(uint32_t vmid, uint32_t vcpuid,
				   const struct rdata *adt, uint64_t *level)
{
	RELY_VCPU(vmid, vcpuid);
	*level = adt->halt ? 0 : adt->int_vcpus[vmid][vcpuid].new_level;
	return SOME;
}

/* The Coq asks core_doracle; the host says it in x2 (D-023). */
enum option get_int_run_vcpuid_spec(uint32_t vmid, const struct rdata *adt,
				    uint64_t *vcpuid)
{
	RELY_CALLER(is_vm(vmid));
	return get_shadow_ctxt_spec(HOSTVISOR, adt->curid, X2, adt, vcpuid);
}

/*
 * Corrected, G19: not what the host says, but where the VM has faulted, if it
 * waits for a page; else 0, as "no fault".
 */
enum option get_vm_fault_addr_spec(uint32_t vmid, uint32_t vcpuid,
				   const struct rdata *adt, uint64_t *addr)
{
	uint64_t flags, hpfar;

	RELY_VCPU(vmid, vcpuid);
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, FLAGS, adt, &flags));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, HPFAR_EL2, adt, &hpfar));
	*addr = (flags & PENDING_FSC_FAULT) == 0 ? 0 :
		(hpfar & HPFAR_MASK) * 256;
	return SOME;
}

enum option get_int_abort(uint32_t vmid, uint32_t vcpuid,
			  const struct rdata *adt, bool *abort)
{
	RELY_VCPU(vmid, vcpuid);
	*abort = !adt->halt &&
		 adt->int_vcpus[vmid][vcpuid].answer == ANSWER_ABORT_VM;
	return SOME;
}

/* What an exit does not release is zero; the host's own values stay its own. */
enum option clear_int_state(uint32_t vmid, uint32_t vcpuid,
			    struct rdata *adt)
{
	struct int_vcpu *window;

	RELY_VCPU(vmid, vcpuid);
	if (adt->halt) {
		return SOME;
	}
	window = &adt->int_vcpus[vmid][vcpuid];
	for (uint32_t reg = 0; reg < NUM_GPRS; reg++) {
		if ((window->released >> reg & 1) != 0) {
			window->regs[reg] = 0;
		}
	}
	window->released = 0;
	window->esr = window->fault_ipa = window->deadline = 0;
	return SOME;
}

enum option set_int_exit(uint32_t vmid, uint32_t vcpuid, uint64_t esr,
			 uint64_t fault_ipa, uint64_t deadline,
			 struct rdata *adt)
{
	RELY_VCPU(vmid, vcpuid);
	if (!adt->halt) {
		adt->int_vcpus[vmid][vcpuid].esr = esr;
		adt->int_vcpus[vmid][vcpuid].fault_ipa = fault_ipa;
		adt->int_vcpus[vmid][vcpuid].deadline = deadline;
	}
	return SOME;
}
