/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL1's and EL0's registers between CPU and context. Layer: AbstractMachine.
 * Locks: none, all state is the CPU's own.
 *
 * The list holds every register of EL1 and EL0 that a VM can read or write
 * without a trap, and those that act on it. What is not in it: world.c traps
 * it, or sees to it that it has no effect on a VM, or that is EL2's.
 */
#include "core/sysregs.h"

#include "arch/barrier.h"
#include "arch/sysreg.h"
#include "arch/tlbi.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"
#include "hypsec/abi.h"

/* In the order of their indices, so that the compiler pairs loads and stores. */
#define SWITCHED_REGISTERS(R)						\
	R(SP, sp_el0)							\
	R(SP_EL1, sp_el1)						\
	R(ELR_EL1, elr_el1)						\
	R(SPSR_EL1, spsr_el1)						\
	R(MPIDR_EL1, vmpidr_el2)					\
	R(CSSELR_EL1, csselr_el1)					\
	R(ACTLR_EL1, actlr_el1)						\
	R(CPACR_EL1, cpacr_el1)						\
	R(TTBR0_EL1, ttbr0_el1)						\
	R(TTBR1_EL1, ttbr1_el1)						\
	R(ESR_EL1, esr_el1)						\
	R(AFSR0_EL1, afsr0_el1)						\
	R(AFSR1_EL1, afsr1_el1)						\
	R(FAR_EL1, far_el1)						\
	R(MAIR_EL1, mair_el1)						\
	R(VBAR_EL1, vbar_el1)						\
	R(CONTEXTIDR_EL1, contextidr_el1)				\
	R(TPIDR_EL0, tpidr_el0)						\
	R(TPIDRRO_EL0, tpidrro_el0)					\
	R(TPIDR_EL1, tpidr_el1)						\
	R(AMAIR_EL1, amair_el1)						\
	R(CNTKCTL_EL1, cntkctl_el1)					\
	R(PAR_EL1, par_el1)						\
	R(MDSCR_EL1, mdscr_el1)

/**
 * save_sysregs() - from the CPU to the current context
 *
 * Spec:  AbstractMachine.save_sysregs_spec
 * Delta: D-024: ESR_EL1, SP_EL1 and SP_EL0 as well (G52); PC and PSTATE are
 *	  exit_populate_fault()'s, and the host's in its trap frame
 */
void save_sysregs(void)
{
	uint64_t *regs = this_cpu()->ctxt->regs;

#define SAVE(index, reg) regs[index] = sysreg_get(reg);
	SWITCHED_REGISTERS(SAVE)
#undef SAVE
	regs[SCTLR_EL1] = sysreg_get(sctlr_el1);
	regs[TCR_EL1] = sysreg_get(tcr_el1);
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
void restore_sysregs(void)
{
	const uint64_t *regs = this_cpu()->ctxt->regs;

#define RESTORE(index, reg) sysreg_put(reg, regs[index]);
	SWITCHED_REGISTERS(RESTORE)
#undef RESTORE
	barrier_isb();
	el1_walks_resume((struct el1_walks){
		.tcr = regs[TCR_EL1],
		.sctlr = regs[SCTLR_EL1],
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
void exit_populate_fault(uint64_t ec)
{
	uint64_t *regs = this_cpu()->ctxt->regs;

	regs[EC] = ec;
	regs[PC] = sysreg_get(elr_el2);
	regs[PSTATE] = sysreg_get(spsr_el2);
	if (ec == HYPSEC_EXIT_TRAP) {
		regs[ESR_EL2] = read_esr_el2();
		regs[FAR_EL2] = sysreg_get(far_el2);
		regs[HPFAR_EL2] = read_hpfar_el2();
	}
}

/**
 * read_esr_el2() - the syndrome of the last exception
 *
 * Spec:    AbstractMachine.read_esr_el2_spec
 * Returns: ESR_EL2
 */
uint64_t read_esr_el2(void)
{
	return sysreg_get(esr_el2);
}

/**
 * read_hpfar_el2() - the intermediate address of the last stage-2 fault
 *
 * Spec:    AbstractMachine.read_hpfar_el2_spec
 * Returns: HPFAR_EL2
 */
uint64_t read_hpfar_el2(void)
{
	return sysreg_get(hpfar_el2);
}
