/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All vCPUs of a VM: each is switched on by PSCI and gets the context that it
 * was switched on with; an inter-processor interrupt goes round all of them;
 * then they are switched off and on again, as often as the argument says.
 */
#include "vm.h"

#define DEFAULT_CYCLES	5u
#define WAIT_SECONDS	60u
#define SGI_TOKEN	3u
#define ROUNDS		4u

const char vm_name[] = "smp";

static unsigned int vcpus;
/* How often each vCPU came up, and how many interrupts it took. */
static unsigned int lives[VM_MAX_VCPUS];
static unsigned int tokens[VM_MAX_VCPUS];
static bool stop;

static void on_irq(unsigned int intid)
{
	unsigned int vcpu = vm_vcpu();

	if (intid != SGI_TOKEN) {
		vm_fail("vcpu %u: interrupt %u", vcpu, intid);
	}
	/* Before the token goes on: vCPU 0 looks when it is back. */
	vm_add(&tokens[vcpu], 1);
	/* vCPU 0 starts each round and ends it. */
	if (vcpu != 0) {
		vm_send_sgi((vcpu + 1) % vcpus, SGI_TOKEN);
	}
}

static void live(unsigned int vcpu)
{
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);

	vm_irq_init_vcpu();
	vm_add(&lives[vcpu], 1);
	vm_irqs_on();
	while (!vm_load(&stop)) {
		vm_relax(&deadline, "the end of this life");
	}
	vm_irqs_off();
}

static void start_all(unsigned int life)
{
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);

	vm_store(&stop, false);
	for (unsigned int vcpu = 1; vcpu < vcpus; vcpu++) {
		int64_t result = vm_cpu_on(vcpu, live);

		if (result) {
			vm_fail("CPU_ON of %u: %ld", vcpu, result);
		}
	}
	for (unsigned int vcpu = 1; vcpu < vcpus; vcpu++) {
		while (vm_load(&lives[vcpu]) < life) {
			vm_relax(&deadline, "a vCPU to come up");
		}
		if (vm_cpu_state(vcpu) != PSCI_IS_ON) {
			vm_fail("vcpu %u is up, PSCI says %ld", vcpu,
				vm_cpu_state(vcpu));
		}
		if (vm_cpu_on(vcpu, live) != PSCI_ALREADY_ON) {
			vm_fail("vcpu %u was switched on twice", vcpu);
		}
	}
}

static void stop_all(void)
{
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);

	vm_store(&stop, true);
	__asm__ volatile("dsb ish\n\tsev" ::: "memory");
	for (unsigned int vcpu = 1; vcpu < vcpus; vcpu++) {
		while (vm_cpu_state(vcpu) != PSCI_IS_OFF) {
			vm_relax(&deadline, "a vCPU to go off");
		}
	}
}

/* The token goes from 0 to 1, 2 ... and back to 0. */
static void pass_tokens(unsigned int total)
{
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);

	for (unsigned int round = 1; round <= ROUNDS; round++) {
		unsigned int expected = total + round;

		vm_send_sgi(1 % vcpus, SGI_TOKEN);
		while (vm_load(&tokens[0]) < expected) {
			vm_relax(&deadline, "an inter-processor interrupt");
		}
	}
	for (unsigned int vcpu = 0; vcpu < vcpus; vcpu++) {
		if (vm_load(&tokens[vcpu]) != total + ROUNDS) {
			vm_fail("vcpu %u took %u interrupts of %u", vcpu,
				tokens[vcpu], total + ROUNDS);
		}
	}
}

void vm_main(const struct vm_params *params)
{
	unsigned int cycles = params->argument ? params->argument :
						 DEFAULT_CYCLES;

	vcpus = vm_count_vcpus();
	vm_irq_init(on_irq);
	vm_irqs_on();
	for (unsigned int cycle = 0; cycle < cycles; cycle++) {
		start_all(cycle + 1);
		pass_tokens(cycle * ROUNDS);
		stop_all();
	}
	vm_ok("vcpus=%u cycles=%u ipis=%u", vcpus, cycles,
	      vcpus * cycles * ROUNDS);
}
