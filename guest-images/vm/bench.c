/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Round trips to EL2 and the host, many of each kind, for ./hypsec bench
 * switch, which counts them from outside. A call with BENCH_MARK and a number
 * begins each kind; the host knows no such call.
 */
#include "stress.h"
#include "vm.h"

#define BENCH_MARK	UINT64_C(0xc6be0000)
#define ROUNDS		200u
#define SGI		1u
#define TIMER_TICKS	100u
#define GICD_IIDR	UINT64_C(0x08000008)

const char vm_name[] = "bench";

static unsigned int interrupts;

static void on_irq(unsigned int intid)
{
	if (intid == VM_TIMER_PPI) {
		vm_timer_off();
	}
	interrupts++;
}

static void wait_for_interrupt(unsigned int before)
{
	while (*(volatile unsigned int *)&interrupts == before) {
	}
}

static void hypercall(unsigned int round)
{
	(void)round;
	vm_hvc(PSCI_VERSION, 0, 0, 0);
}

static void mmio_read(unsigned int round)
{
	(void)round;
	vm_mmio_read(GICD_IIDR);
}

static void irq_exit(unsigned int round)
{
	(void)round;
	unsigned int before = interrupts;

	vm_timer_in(TIMER_TICKS);
	wait_for_interrupt(before);
}

/* Pages of memory that nothing has touched. */
static void stage2_fault(unsigned int round)
{
	*(volatile char *)(vm_end + (round + 1) * VM_PAGE_SIZE) = 1;
}

static void virtual_ipi(unsigned int round)
{
	(void)round;
	unsigned int before = interrupts;

	vm_send_sgi(0, SGI);
	wait_for_interrupt(before);
}

static void fp_hypercall(unsigned int round)
{
	fp_touch();
	hypercall(round);
}

static void (*const kinds[])(unsigned int round) = {
	hypercall, mmio_read, irq_exit, stage2_fault, virtual_ipi,
	fp_hypercall,
};

void vm_main(const struct vm_params *params)
{
	unsigned int kind;

	(void)params;
	vm_irq_init(on_irq);
	vm_irq_enable(VM_TIMER_PPI);
	vm_irqs_on();
	for (kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		vm_hvc(BENCH_MARK + kind, 0, 0, 0);
		for (unsigned int round = 0; round < ROUNDS; round++) {
			kinds[kind](round);
		}
	}
	vm_hvc(BENCH_MARK + kind, 0, 0, 0);
	vm_ok("rounds=%u interrupts=%u", ROUNDS, interrupts);
}
