/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual timer and its counter. */
#include "vm.h"

/* CNTV_CTL_EL0.ENABLE */
#define TIMER_ENABLE	1u

/**
 * vm_now() - the virtual counter
 *
 * Returns: ticks
 */
uint64_t vm_now(void)
{
	vm_isb();
	return vm_sysreg_read(cntvct_el0);
}

/**
 * vm_frequency() - how fast it counts
 *
 * Returns: ticks per second
 */
uint64_t vm_frequency(void)
{
	return vm_sysreg_read(cntfrq_el0);
}

uint64_t vm_us_to_ticks(uint64_t us)
{
	return vm_frequency() * us / 1000000;
}

/**
 * vm_timer_in() - an interrupt of this vCPU after some time
 * @ticks: from now
 */
void vm_timer_in(uint64_t ticks)
{
	vm_sysreg_write(cntv_cval_el0, vm_now() + ticks);
	vm_sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
	vm_isb();
}

void vm_timer_off(void)
{
	vm_sysreg_write(cntv_ctl_el0, 0);
	vm_isb();
}

struct vm_deadline vm_deadline(unsigned int seconds)
{
	return (struct vm_deadline){
		.end = vm_now() + vm_frequency() * seconds,
	};
}

void vm_relax(const struct vm_deadline *deadline, const char *what)
{
	if (vm_now() > deadline->end) {
		vm_fail("vcpu %u: waited too long for %s", vm_vcpu(), what);
	}
	/* Ends by the event stream if by nothing else. */
	__asm__ volatile("wfe" ::: "memory");
}
