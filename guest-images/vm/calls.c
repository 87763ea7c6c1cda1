/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls that a VM makes: PSCI and others by HVC. */
#include "hypsec/abi.h"
#include "vm.h"

/* What a vCPU that is switched on shall run. */
static void (*vcpu_entries[VM_MAX_VCPUS])(unsigned int vcpu);

/**
 * vm_hvc() - HVC #0
 * @function: x0: whose call and which
 * @x1:       argument, as @x2 and @x3
 *
 * Returns: x0
 */
int64_t vm_hvc(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	register uint64_t r0 __asm__("x0") = function;
	register uint64_t r1 __asm__("x1") = x1;
	register uint64_t r2 __asm__("x2") = x2;
	register uint64_t r3 __asm__("x3") = x3;

	__asm__ volatile("hvc #0" : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
			 :: "memory");
	return (int64_t)r0;
}

/* PSCI answers in 32 bits to the calls that are 32 bits wide. */
static int64_t psci(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	return (int32_t)vm_hvc(function, x1, x2, x3);
}

/**
 * vm_cpu_state() - whether a vCPU is on
 * @vcpu: its number
 *
 * Returns: PSCI_IS_ON, PSCI_IS_OFF, 2 while it starts, or a negative number
 */
int64_t vm_cpu_state(unsigned int vcpu)
{
	return psci(PSCI_AFFINITY_INFO, vcpu, 0, 0);
}

/**
 * vm_count_vcpus() - how many vCPUs this VM has
 *
 * Returns: 1 to VM_MAX_VCPUS
 */
unsigned int vm_count_vcpus(void)
{
	unsigned int vcpu = 0;

	while (vcpu < VM_MAX_VCPUS && vm_cpu_state(vcpu) >= 0) {
		vcpu++;
	}
	return vcpu;
}

/**
 * vm_cpu_on() - switch a vCPU on
 * @vcpu:  its number
 * @entry: what it runs, with interrupts masked; after that it is off again
 *
 * Returns: 0 or PSCI's error
 */
int64_t vm_cpu_on(unsigned int vcpu, void (*entry)(unsigned int vcpu))
{
	vcpu_entries[vcpu] = entry;
	__asm__ volatile("dsb ish" ::: "memory");
	return psci(PSCI_CPU_ON, vcpu, (uintptr_t)vm_secondary_entry, vcpu);
}

void vm_start_secondary(uint64_t vcpu)
{
	uint64_t mpidr = vm_sysreg_read(mpidr_el1);

	if (vcpu >= VM_MAX_VCPUS || (mpidr & 0xffffff) != vcpu) {
		vm_fail("a vCPU came up as %lx with context %lx", mpidr, vcpu);
	}
	vcpu_entries[vcpu]((unsigned int)vcpu);
	vm_cpu_off();
}

/**
 * vm_cpu_off() - switch this vCPU off
 */
void vm_cpu_off(void)
{
	int64_t result = psci(PSCI_CPU_OFF, 0, 0, 0);

	vm_fail("CPU_OFF came back: %ld", result);
}

/**
 * vm_system_off() - end this VM
 */
void vm_system_off(void)
{
	for (;;) {
		psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	}
}

/**
 * vm_share() - let the host read and write a part of RAM
 * @start: page aligned
 * @bytes: a multiple of the page size
 *
 * Returns: 0 or HYPSEC_*
 */
int64_t vm_share(const void *start, uint64_t bytes)
{
	return vm_hvc(HYPSEC_PVOP_SET_DESC_PFN, 0, (uintptr_t)start, bytes);
}

/**
 * vm_unshare() - have a shared part of RAM for this VM alone again
 * @start: page aligned
 * @bytes: a multiple of the page size
 *
 * Returns: 0 or HYPSEC_*
 */
int64_t vm_unshare(const void *start, uint64_t bytes)
{
	return vm_hvc(HYPSEC_PVOP_UNSET_DESC_PFN, 0, (uintptr_t)start, bytes);
}
