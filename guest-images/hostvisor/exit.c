/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a vCPU came out, by what EL2 tells of it. */
#include "vm.h"

#define ESR_EC(esr)		((uint32_t)((esr) >> 26) & 0x3f)
#define EC_WFX			0x01
#define EC_HVC			0x16
#define EC_SMC			0x17
#define EC_SYS64		0x18
#define EC_IABT			0x20
#define EC_DABT			0x24

/* Op0, op1, CRn, CRm and op2 of a trapped MSR or MRS, in their places. */
#define SYS_MASK		UINT64_C(0x3ffc1e)
#define SYS(op0, op1, crn, crm, op2)					\
	((uint64_t)(op0) << 20 | (uint64_t)(op2) << 17 |		\
	 (uint64_t)(op1) << 14 | (uint64_t)(crn) << 10 | (uint64_t)(crm) << 1)
#define SYS_CNTPCT		SYS(3, 3, 14, 0, 1)
#define SYS_ICC_SGI1R		SYS(3, 0, 12, 11, 5)
#define SYS_READ		BIT(0)

static void count(struct vcpu *vcpu, enum exit_kind kind)
{
	vcpu->exits[kind]++;
}

/* Until the vCPU's timer is due or something else happens to it. */
static enum task_next wait_for_event(struct vcpu *vcpu)
{
	vcpu->in_wfi = true;
	vcpu->task.deadline = vcpu->shared->deadline;
	return TASK_WAIT;
}

static void memory_exit(struct vcpu *vcpu, uint64_t ipa)
{
	volatile struct hypsec_vcpu *shared = vcpu->shared;
	uint64_t pa, level;

	if (!vm_memory_serve(vcpu->vm, ipa, &pa, &level)) {
		print_verbose("vm%u: vcpu %u: no memory at 0x%lx",
			      vcpu->vm->number, vcpu->id, ipa);
		shared->new_pte = 0;
		shared->answer = HYPSEC_ANSWER_ABORT;
		return;
	}
	if (pa == 0) {
		print("vm%u: the host has no memory left for it",
		      vcpu->vm->number);
		vm_stop(vcpu->vm, END_ERROR);
	}
	vcpu->answered = pa;
	shared->new_pte = pa;
	shared->new_level = level;
	shared->answer = HYPSEC_ANSWER_DONE;
}

static void abort_exit(struct vcpu *vcpu, uint64_t esr)
{
	uint64_t ipa = vcpu->shared->fault_ipa;

	if (ipa < VM_RAM_BASE) {
		count(vcpu, EXIT_MMIO);
		mmio_exit(vcpu, esr, ipa);
	} else {
		count(vcpu, EXIT_MEMORY);
		memory_exit(vcpu, ipa);
	}
}

static void sysreg_exit(struct vcpu *vcpu, uint64_t esr)
{
	uint32_t reg = (uint32_t)(esr >> 5) & 0x1f;
	uint64_t name = esr & SYS_MASK;
	uint64_t value = 0;

	if ((esr & SYS_READ) != 0) {
		/* The host's timer, which a VM has no use for, reads as off. */
		value = name == SYS_CNTPCT ? counter() : 0;
		if (reg < 31) {
			vcpu->shared->regs[reg] = value;
		}
		return;
	}
	if (reg < 31) {
		value = vcpu->shared->regs[reg];
	}
	if (name == SYS_ICC_SGI1R) {
		vgic_sgi1r(vcpu, value);
	}
}

/**
 * exit_handle() - answer a HYPSEC_EXIT_TRAP
 * @vcpu: out on it, loaded
 * @next: gets how it goes on if it does not run again at once
 *
 * Returns: whether it runs again at once
 */
bool exit_handle(struct vcpu *vcpu, enum task_next *next)
{
	uint64_t esr = vcpu->shared->esr;

	switch (ESR_EC(esr)) {
	case EC_WFX:
		count(vcpu, EXIT_WFX);
		/* WFE: let others run who may hold the lock. */
		*next = (esr & 1) != 0 ? TASK_REQUEUE : wait_for_event(vcpu);
		return false;
	case EC_HVC:
	case EC_SMC:
		count(vcpu, EXIT_HVC);
		if (psci_handle(vcpu)) {
			*next = TASK_REQUEUE;
			return false;
		}
		return true;
	case EC_IABT:
	case EC_DABT:
		abort_exit(vcpu, esr);
		return true;
	case EC_SYS64:
		count(vcpu, EXIT_SYSREG);
		sysreg_exit(vcpu, esr);
		return true;
	default:
		count(vcpu, EXIT_OTHER);
		print("vm%u: vcpu %u: unexpected exit, esr 0x%lx",
		      vcpu->vm->number, vcpu->id, esr);
		vm_stop(vcpu->vm, END_ERROR);
		return true;
	}
}
