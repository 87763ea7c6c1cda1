/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPU of the host build: plain variables that a test sets and reads. */
#ifndef COREVISOR_ARCH_CPU_H
#define COREVISOR_ARCH_CPU_H

#include <setjmp.h>

#include "arch/sysreg.h"
#include "core/shadow_ctxt.h"
#include "core/types.h"

struct pcpu;

/**
 * struct native_cpu - registers and firmware of the host build's CPU
 * @pcpu:	what TPIDR_EL2 would hold
 * @vttbr:	VTTBR_EL2
 * @sctlr_el1 and so on: the system registers, see arch/sysreg.h
 * @sysreg_hook: called after each write of one, NULL for nothing
 * @fp:		the FP and SIMD registers, as far as all CPUs have them
 * @z:		what each Z register has above its Q register
 * @p, @ffr:	the predicate registers
 * @vm:		what a VM does, see native_set_vm()
 * @vserror_iss: ISS of a pended SError
 * @vserror:	whether one is pended
 * @smc_args:	function and arguments of the last SMC
 * @smc_count:	SMCs made
 * @smc_result:	what the next SMC returns
 * @smc_hook:	called inside each SMC, NULL for nothing
 * @waits:	set once the CPU waits in a spin loop, hence for a lock
 * @can_park:	whether @park is set
 * @park:	where cpu_park() jumps to
 */
struct native_cpu {
	struct pcpu *pcpu;
	uint64_t vttbr;
#define NATIVE_SYSREG_FIELD(name) uint64_t name;
	NATIVE_SYSREGS(NATIVE_SYSREG_FIELD)
#undef NATIVE_SYSREG_FIELD
	void (*sysreg_hook)(const char *name, uint64_t value);
	struct fp_state fp;
	uint64_t z[32];
	uint64_t p[16];
	uint64_t ffr;
	uint64_t (*vm)(struct shadow_ctxt *ctxt);
	uint64_t vserror_iss;
	bool vserror;
	uint64_t smc_args[4];
	unsigned int smc_count;
	uint64_t smc_result;
	void (*smc_hook)(void);
	bool waits;
	bool can_park;
	jmp_buf park;
};

extern _Thread_local struct native_cpu native_cpu;

static inline struct pcpu *cpu_pcpu(void)
{
	return native_cpu.pcpu;
}

static inline uint64_t cpu_el1_vbar(void)
{
	return native_cpu.vbar_el1;
}

static inline uint64_t cpu_el1_sctlr(void)
{
	return native_cpu.sctlr_el1;
}

static inline void cpu_el1_set_exception(uint64_t elr, uint64_t spsr,
					 uint64_t esr)
{
	native_cpu.elr_el1 = elr;
	native_cpu.spsr_el1 = spsr;
	native_cpu.esr_el1 = esr;
}

static inline void cpu_el1_set_far(uint64_t far)
{
	native_cpu.far_el1 = far;
}

void cpu_pend_vserror(uint64_t iss);
uint64_t cpu_smc(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3);
void cpu_park(void) __attribute__((noreturn));

#endif /* COREVISOR_ARCH_CPU_H */
