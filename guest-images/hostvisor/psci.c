/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSCI for VMs: EL2 keeps who is on, the host says so and schedules. */
#include "psci.h"

#include "vm.h"

/* MPIDR_EL1 of vCPU n is n, in 0.0.0.n. */
#define MPIDR_AFFINITIES	UINT64_C(0xff00ffffff)

static struct vcpu *find_vcpu(struct vm *vm, uint64_t mpidr)
{
	return (mpidr & MPIDR_AFFINITIES) == mpidr && mpidr < vm->nr_vcpus ?
	       &vm->vcpus[mpidr] : NULL;
}

static int64_t cpu_on(struct vm *vm, uint64_t mpidr)
{
	struct vcpu *vcpu = find_vcpu(vm, mpidr);
	bool was_on;

	if (vcpu == NULL) {
		return PSCI_INVALID_PARAMETERS;
	}
	lock_acquire(&vm->lock);
	was_on = vcpu->on;
	if (!was_on) {
		vm_vcpu_on(vcpu);
	}
	lock_release(&vm->lock);
	if (was_on) {
		return PSCI_ALREADY_ON;
	}
	sched_start(&vcpu->task);
	return PSCI_SUCCESS;
}

/* 0 on, 1 off. */
static int64_t affinity_info(struct vm *vm, uint64_t mpidr, uint64_t level)
{
	struct vcpu *vcpu = find_vcpu(vm, mpidr);

	if (vcpu == NULL || level != 0) {
		return PSCI_INVALID_PARAMETERS;
	}
	return __atomic_load_n(&vcpu->on, __ATOMIC_ACQUIRE) ? 0 : 1;
}

static int64_t features(uint32_t fn)
{
	switch (fn) {
	case SMCCC_VERSION:
	case PSCI_VERSION:
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_SUSPEND_64:
	case PSCI_CPU_OFF:
	case PSCI_CPU_ON:
	case PSCI_CPU_ON_64:
	case PSCI_AFFINITY_INFO:
	case PSCI_AFFINITY_INFO_64:
	case PSCI_MIGRATE_INFO_TYPE:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_RESET2:
	case PSCI_SYSTEM_RESET2_64:
	case PSCI_FEATURES:
		return PSCI_SUCCESS;
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

static void cpu_off(struct vcpu *vcpu)
{
	/* It may be on again from here on, but runs again on no other CPU. */
	vcpu->ended = true;
	lock_acquire(&vcpu->vm->lock);
	if (vcpu->on) {
		vm_vcpu_off(vcpu);
	}
	lock_release(&vcpu->vm->lock);
}

/**
 * psci_handle() - answer an HVC or SMC of a VM's
 * @vcpu: out on it
 *
 * Returns: whether others go first: CPU_SUSPEND wakes up at once
 */
bool psci_handle(struct vcpu *vcpu)
{
	volatile struct hypsec_vcpu *shared = vcpu->shared;
	uint32_t fn = (uint32_t)shared->regs[0];
	int64_t result = PSCI_NOT_SUPPORTED;
	bool suspended = false;

	switch (fn) {
	case SMCCC_VERSION:
		result = SMCCC_1_1;
		break;
	case PSCI_VERSION:
		result = PSCI_1_1;
		break;
	case PSCI_FEATURES:
		result = features((uint32_t)shared->regs[1]);
		break;
	case PSCI_MIGRATE_INFO_TYPE:
		result = PSCI_MIGRATION_NOT_NEEDED;
		break;
	case PSCI_CPU_ON:
	case PSCI_CPU_ON_64:
		result = cpu_on(vcpu->vm, shared->regs[1]);
		break;
	case PSCI_AFFINITY_INFO:
	case PSCI_AFFINITY_INFO_64:
		result = affinity_info(vcpu->vm, shared->regs[1],
				       shared->regs[2]);
		break;
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_SUSPEND_64:
		result = PSCI_SUCCESS;
		suspended = true;
		break;
	case PSCI_CPU_OFF:
		cpu_off(vcpu);
		break;
	case PSCI_SYSTEM_OFF:
		vm_stop(vcpu->vm, END_OFF);
		break;
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_RESET2:
	case PSCI_SYSTEM_RESET2_64:
		vm_stop(vcpu->vm, END_RESET);
		break;
	default:
		break;
	}
	shared->regs[0] = (uint64_t)result;
	return suspended;
}
