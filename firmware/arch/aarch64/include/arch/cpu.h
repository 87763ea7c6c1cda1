/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU as the core sees it: its per-CPU pointer, the EL1 registers that
 * take an injected exception, and the real firmware's SMC interface. Same
 * interface in arch/native.
 */
#ifndef COREVISOR_ARCH_CPU_H
#define COREVISOR_ARCH_CPU_H

#include "arch/sysreg.h"
#include "core/types.h"

struct pcpu;

/*
 * TPIDR_EL2, which holds this CPU's struct pcpu from boot on. The compiler may
 * join two reads with no write of memory between them, but not move one before
 * the call that sets it: it is told that memory matters.
 */
static inline struct pcpu *cpu_pcpu(void)
{
	register const uint64_t *sp __asm__("sp");
	struct pcpu *pcpu;

	__asm__("mrs %0, tpidr_el2" : "=r" (pcpu) : "Q" (*sp));
	return pcpu;
}

/* EL1's vector base and control register, as the host set them. */
static inline uint64_t cpu_el1_vbar(void)
{
	return sysreg_read(vbar_el1);
}

static inline uint64_t cpu_el1_sctlr(void)
{
	return sysreg_read(sctlr_el1);
}

/* What an exception entry writes at EL1. */
static inline void cpu_el1_set_exception(uint64_t elr, uint64_t spsr,
					 uint64_t esr)
{
	sysreg_write(elr_el1, elr);
	sysreg_write(spsr_el1, spsr);
	sysreg_write(esr_el1, esr);
}

static inline void cpu_el1_set_far(uint64_t far)
{
	sysreg_write(far_el1, far);
}

/**
 * cpu_pend_vserror() - make a virtual SError pending for the lower level
 * @iss: ISS that the SError reports where the CPU has RAS, 25 bits
 */
void cpu_pend_vserror(uint64_t iss);

/**
 * cpu_smc() - call the firmware below EL2
 * @fn:     function id
 * @a1, @a2, @a3: arguments
 *
 * Returns: x0 of the reply
 */
uint64_t cpu_smc(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3);

/* Stops this CPU for good: all interrupts masked, waiting. */
void cpu_park(void) __attribute__((noreturn));

#endif /* COREVISOR_ARCH_CPU_H */
