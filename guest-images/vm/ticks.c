/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual timer on every vCPU: each interrupt comes after its time, none
 * comes twice, and the counter never goes back.
 */
#include "vm.h"

#define DEFAULT_TICKS	50u
#define PERIOD_US	1000u
#define WAIT_SECONDS	60u

const char vm_name[] = "timer";

struct clock {
	uint64_t due;
	uint64_t period;
	unsigned int ticks;
};

static struct clock clocks[VM_MAX_VCPUS];
static unsigned int wanted;
static unsigned int done;

static void on_irq(unsigned int intid)
{
	struct clock *clock = &clocks[vm_vcpu()];
	uint64_t now = vm_now();

	if (intid != VM_TIMER_PPI) {
		vm_fail("vcpu %u: interrupt %u", vm_vcpu(), intid);
	}
	if (now < clock->due) {
		vm_fail("vcpu %u: an interrupt %lu ticks early", vm_vcpu(),
			clock->due - now);
	}
	vm_timer_off();
	vm_add(&clock->ticks, 1);
}

static void tick(unsigned int vcpu)
{
	struct clock *clock = &clocks[vcpu];
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);
	uint64_t before = vm_now();

	vm_irq_init_vcpu();
	vm_irq_enable(VM_TIMER_PPI);
	clock->period = vm_us_to_ticks(PERIOD_US);
	for (unsigned int n = 0; n < wanted; n++) {
		uint64_t now = vm_now();

		if (now < before) {
			vm_fail("vcpu %u: the counter goes back", vcpu);
		}
		before = now;
		clock->due = now + clock->period;
		vm_timer_in(clock->period);
		/* WFI ends by an interrupt that PSTATE masks, too. */
		while (vm_load(&clock->ticks) == n) {
			vm_wfi();
			vm_irqs_on();
			vm_isb();
			vm_irqs_off();
			if (vm_now() > deadline.end) {
				vm_fail("vcpu %u: interrupt %u is missing",
					vcpu, n);
			}
		}
	}
	if (clock->ticks != wanted) {
		vm_fail("vcpu %u: %u interrupts of %u", vcpu, clock->ticks,
			wanted);
	}
	vm_add(&done, 1);
}

void vm_main(const struct vm_params *params)
{
	unsigned int vcpus = vm_count_vcpus();
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);

	wanted = params->argument ? params->argument : DEFAULT_TICKS;
	vm_irq_init(on_irq);
	for (unsigned int vcpu = 1; vcpu < vcpus; vcpu++) {
		if (vm_cpu_on(vcpu, tick)) {
			vm_fail("CPU_ON of %u", vcpu);
		}
	}
	tick(0);
	while (vm_load(&done) < vcpus) {
		vm_relax(&deadline, "the other vCPUs");
	}
	vm_ok("vcpus=%u interrupts=%u period=%uus", vcpus, vcpus * wanted,
	      PERIOD_US);
}
