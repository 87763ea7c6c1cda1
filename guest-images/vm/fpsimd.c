/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FP/SIMD on every vCPU while timer interrupts of its own and all that the
 * host does come in between: registers keep their values, sums come out.
 */
#include "stress.h"
#include "vm.h"

#define DEFAULT_ROUNDS	50u
#define SPINS		UINT64_C(100000)
#define PERIOD_US	500u
#define WAIT_SECONDS	120u

const char vm_name[] = "fpsimd";

static unsigned int rounds, vm_id;
static unsigned int done;
static unsigned int ticks[VM_MAX_VCPUS];

static void on_irq(unsigned int intid)
{
	if (intid != VM_TIMER_PPI) {
		vm_fail("vcpu %u: interrupt %u", vm_vcpu(), intid);
	}
	vm_add(&ticks[vm_vcpu()], 1);
	vm_timer_in(vm_us_to_ticks(PERIOD_US));
}

static void compute(unsigned int vcpu)
{
	vm_irq_init_vcpu();
	vm_irq_enable(VM_TIMER_PPI);
	vm_timer_in(vm_us_to_ticks(PERIOD_US));
	vm_irqs_on();
	for (unsigned int round = 0; round < rounds; round++) {
		stress_fp((uint64_t)vm_id << 32 | vcpu << 16 | round, SPINS);
		stress_fp_sum();
	}
	vm_irqs_off();
	vm_timer_off();
	vm_add(&done, 1);
}

void vm_main(const struct vm_params *params)
{
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);
	unsigned int vcpus = vm_count_vcpus();
	unsigned int total = 0;

	rounds = params->argument ? params->argument : DEFAULT_ROUNDS;
	vm_id = params->id;
	vm_irq_init(on_irq);
	for (unsigned int vcpu = 1; vcpu < vcpus; vcpu++) {
		if (vm_cpu_on(vcpu, compute)) {
			vm_fail("CPU_ON of %u", vcpu);
		}
	}
	compute(0);
	while (vm_load(&done) < vcpus) {
		vm_relax(&deadline, "the other vCPUs");
	}
	for (unsigned int vcpu = 0; vcpu < vcpus; vcpu++) {
		if (!ticks[vcpu]) {
			vm_fail("vcpu %u was never interrupted", vcpu);
		}
		total += ticks[vcpu];
	}
	vm_ok("vcpus=%u rounds=%u sum=%lx interrupts=%u", vcpus, rounds,
	      FP_SUM, total);
}
