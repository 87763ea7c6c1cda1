/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL1's and EL0's registers between CPU and context. Layer: AbstractMachine.
 * Locks: none, all state is the CPU's own. Inline, since it is most of what a
 * switch of worlds costs.
 *
 * The list holds every register of EL1 and EL0 that a VM can read or write
 * without a trap, and those that act on it. What is not in it: world.c traps
 * it, or sees to it that it has no effect on a VM, or that is EL2's.
 */
#ifndef COREVISOR_CORE_SYSREGS_H
#define COREVISOR_CORE_SYSREGS_H

#include "arch/barrier.h"
#include "arch/sysreg.h"
#include "arch/tlbi.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"
#include "hypsec/abi.h"

/**
 * read_esr_el2() - the syndrome of the last exception
 *
 * Spec:    AbstractMachine.read_esr_el2_spec
 * Returns: ESR_EL2
 */
static inline uint64_t read_esr_el2(void)
{
	return sysreg_get(esr_el2);
}

/**
 * read_hpfar_el2() - the intermediate address of the last stage-2 fault
 *
 * Spec:    AbstractMachine.read_hpfar_el2_spec
 * Returns: HPFAR_EL2
 */
static inline uint64_t read_hpfar_el2(void)
{
	return sysreg_get(hpfar_el2);
}

/*
 * In pairs of neighbours, so that two of them are one load or store. SCTLR_EL1
 * and TCR_EL1 are apart, since they come last.
 */
#define SWITCHED_REGISTERS(ONE, TWO)					\
	ONE(SP, sp_el0)							\
	TWO(SP_EL1, sp_el1, ELR_EL1, elr_el1)				\
	ONE(SPSR_EL1, spsr_el1)						\
	TWO(MPIDR_EL1, vmpidr_el2, CSSELR_EL1, csselr_el1)		\
	TWO(CPACR_EL1, cpacr_el1, TTBR0_EL1, ttbr0_el1)			\
	ONE(TTBR1_EL1, ttbr1_el1)					\
	ONE(ESR_EL1, esr_el1)						\
	TWO(FAR_EL1, far_el1, MAIR_EL1, mair_el1)			\
	TWO(VBAR_EL1, vbar_el1, CONTEXTIDR_EL1, contextidr_el1)		\
	TWO(TPIDR_EL0, tpidr_el0, TPIDRRO_EL0, tpidrro_el0)		\
	ONE(TPIDR_EL1, tpidr_el1)					\
	TWO(CNTKCTL_EL1, cntkctl_el1, PAR_EL1, par_el1)			\
	ONE(MDSCR_EL1, mdscr_el1)

/* Those that are RES0 unless cpu_features.impdef. */
#define IMPDEF_REGISTERS(ONE)						\
	ONE(ACTLR_EL1, actlr_el1)					\
	ONE(AFSR0_EL1, afsr0_el1)					\
	ONE(AFSR1_EL1, afsr1_el1)					\
	ONE(AMAIR_EL1, amair_el1)

/*
 * The current context's registers from SP on, so that all of the above are in
 * reach of a load or store of two. The compiler is not to know better.
 */
static inline uint64_t *switched_registers(void)
{
	uint64_t *regs = &this_cpu()->ctxt->regs[SP];

	__asm__("" : "+r" (regs));
	return regs;
}

/**
 * save_sysregs() - from the CPU to the current context
 *
 * Spec:  AbstractMachine.save_sysregs_spec
 * Delta: D-024: ESR_EL1, SP_EL1 and SP_EL0 as well (G52); PC and PSTATE are
 *	  exit_populate_fault()'s, and the host's in its trap frame
 */
static ALWAYS_INLINE void save_sysregs(void)
{
	uint64_t *regs = switched_registers();
	uint64_t a;
	uint64_t b;

#define SAVE(index, reg)						\
	regs[(index) - SP] = sysreg_get(reg);
#define SAVE_TWO(index_a, reg_a, index_b, reg_b)			\
	a = sysreg_get(reg_a);						\
	b = sysreg_get(reg_b);						\
	regs[(index_a) - SP] = a;					\
	regs[(index_b) - SP] = b;
	SWITCHED_REGISTERS(SAVE, SAVE_TWO)
	SAVE(SCTLR_EL1, sctlr_el1)
	SAVE(TCR_EL1, tcr_el1)
	if (this_cpu()->features.impdef) {
		IMPDEF_REGISTERS(SAVE)
	}
#undef SAVE
#undef SAVE_TWO
}

/**
 * restore_sysregs() - from the current context to the CPU
 *
 * EL1's walks are stopped, and VTTBR_EL2 is that of the context's owner. They
 * go on with SCTLR_EL1 and TCR_EL1, which hence are last.
 *
 * Spec:  AbstractMachine.restore_sysregs_spec
 * Delta: D-024: as save_sysregs(); ESR_EL2, FAR_EL2 and HPFAR_EL2 are of no use
 *	  to who is restored
 */
static ALWAYS_INLINE void restore_sysregs(void)
{
	const uint64_t *regs = switched_registers();
	uint64_t a;
	uint64_t b;

#define RESTORE(index, reg)						\
	sysreg_put(reg, regs[(index) - SP]);
#define RESTORE_TWO(index_a, reg_a, index_b, reg_b)			\
	a = regs[(index_a) - SP];					\
	b = regs[(index_b) - SP];					\
	__asm__("" : "+r" (a), "+r" (b));				\
	sysreg_put(reg_a, a);						\
	sysreg_put(reg_b, b);
	SWITCHED_REGISTERS(RESTORE, RESTORE_TWO)
	if (this_cpu()->features.impdef) {
		IMPDEF_REGISTERS(RESTORE)
	}
#undef RESTORE
#undef RESTORE_TWO
	barrier_isb();
	el1_walks_resume((struct el1_walks){
		.tcr = regs[TCR_EL1 - SP],
		.sctlr = regs[SCTLR_EL1 - SP],
	});
}

/**
 * exit_populate_fault() - note why the current VM has stopped, and where
 * @ec: HYPSEC_EXIT_*
 *
 * Spec:  AbstractMachine.exit_populate_fault_spec
 * Delta: D-024: PC and PSTATE too (G52); nothing goes to the host from here
 *	  (G44, G58)
 */
static inline void exit_populate_fault(uint64_t ec)
{
	uint64_t *regs = this_cpu()->ctxt->regs;
	uint64_t a;
	uint64_t b;

	regs[EC] = ec;
	a = sysreg_get(elr_el2);
	b = sysreg_get(spsr_el2);
	regs[PC] = a;
	regs[PSTATE] = b;
	if (ec == HYPSEC_EXIT_TRAP) {
		a = sysreg_get(far_el2);
		b = read_hpfar_el2();
		regs[FAR_EL2] = a;
		regs[HPFAR_EL2] = b;
		regs[ESR_EL2] = read_esr_el2();
	}
}

#endif /* COREVISOR_CORE_SYSREGS_H */
