/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System registers of the host build: variables of each CPU by the names that
 * arch/aarch64 has for them, which a test sets and reads in native_cpu.
 */
#ifndef COREVISOR_ARCH_SYSREG_H
#define COREVISOR_ARCH_SYSREG_H

#include "core/sysreg_fields.h"
#include "core/types.h"

/* All that there are; any other name does not compile. */
#define NATIVE_SYSREGS(R)						\
	/* EL1 and EL0 */						\
	R(actlr_el1) R(afsr0_el1) R(afsr1_el1) R(amair_el1)		\
	R(cntkctl_el1) R(contextidr_el1) R(cpacr_el1) R(csselr_el1)	\
	R(elr_el1) R(esr_el1) R(far_el1) R(mair_el1) R(mdscr_el1)	\
	R(par_el1) R(sctlr_el1) R(sp_el0) R(sp_el1) R(spsr_el1)		\
	R(tcr_el1) R(tpidr_el0) R(tpidr_el1) R(tpidrro_el0)		\
	R(ttbr0_el1) R(ttbr1_el1) R(vbar_el1) R(PMSCR_EL1) R(SVCR)	\
	R(TRFCR_EL1) R(pmcr_el0) R(pmselr_el0) R(pmuserenr_el0)		\
	/* Timers */							\
	R(cntfrq_el0) R(cnthctl_el2) R(cntpct_el0) R(cntv_ctl_el0)	\
	R(cntv_cval_el0) R(cntvoff_el2)					\
	/* EL2 */							\
	R(cptr_el2) R(elr_el2) R(esr_el2) R(far_el2) R(hcr_el2)		\
	R(hpfar_el2) R(hstr_el2) R(mdcr_el2) R(spsr_el2) R(vbar_el2)	\
	R(vmpidr_el2) R(vpidr_el2) R(HCRX_EL2) R(HFGRTR_EL2)		\
	R(HFGWTR_EL2) R(VDISR_EL2) R(VSESR_EL2)				\
	/* GICv3 */							\
	R(ICC_SRE_EL1) R(ICC_SRE_EL2) R(ICH_HCR_EL2) R(ICH_VTR_EL2)	\
	R(ICH_MISR_EL2) R(ICH_ELRSR_EL2) R(ICH_VMCR_EL2)		\
	R(ICH_AP0R0_EL2) R(ICH_AP0R1_EL2) R(ICH_AP0R2_EL2)		\
	R(ICH_AP0R3_EL2) R(ICH_AP1R0_EL2) R(ICH_AP1R1_EL2)		\
	R(ICH_AP1R2_EL2) R(ICH_AP1R3_EL2) R(ICH_LR0_EL2)		\
	R(ICH_LR1_EL2) R(ICH_LR2_EL2) R(ICH_LR3_EL2) R(ICH_LR4_EL2)	\
	R(ICH_LR5_EL2) R(ICH_LR6_EL2) R(ICH_LR7_EL2) R(ICH_LR8_EL2)	\
	R(ICH_LR9_EL2) R(ICH_LR10_EL2) R(ICH_LR11_EL2)			\
	R(ICH_LR12_EL2) R(ICH_LR13_EL2) R(ICH_LR14_EL2)			\
	R(ICH_LR15_EL2)							\
	/* Identification */						\
	R(midr_el1) R(mpidr_el1) R(revidr_el1) R(aidr_el1) R(ctr_el0)	\
	R(id_pfr0_el1) R(id_pfr1_el1) R(id_dfr0_el1) R(id_afr0_el1)	\
	R(id_mmfr0_el1) R(id_mmfr1_el1) R(id_mmfr2_el1)			\
	R(id_mmfr3_el1) R(id_mmfr4_el1) R(id_isar0_el1)			\
	R(id_isar1_el1) R(id_isar2_el1) R(id_isar3_el1)			\
	R(id_isar4_el1) R(id_isar5_el1) R(id_isar6_el1) R(mvfr0_el1)	\
	R(mvfr1_el1) R(mvfr2_el1) R(ID_AA64AFR0_EL1)			\
	R(ID_AA64AFR1_EL1) R(ID_AA64DFR0_EL1) R(ID_AA64DFR1_EL1)	\
	R(ID_AA64ISAR0_EL1) R(ID_AA64ISAR1_EL1) R(ID_AA64ISAR2_EL1)	\
	R(ID_AA64MMFR0_EL1) R(ID_AA64MMFR1_EL1) R(ID_AA64MMFR2_EL1)	\
	R(ID_AA64MMFR3_EL1) R(ID_AA64PFR0_EL1) R(ID_AA64PFR1_EL1)	\
	R(ID_AA64SMFR0_EL1) R(ID_AA64ZFR0_EL1)

#define sysreg_read(name)	((uint64_t)native_cpu.name)

/* A test may watch: native_cpu.sysreg_hook. */
#define sysreg_write(name, value)					\
	native_sysreg_write(&native_cpu.name, #name, (uint64_t)(value))

#define sysreg_get(name)		sysreg_read(name)
#define sysreg_put(name, value)		sysreg_write(name, value)

void native_sysreg_write(uint64_t *reg, const char *name, uint64_t value);

/* The variables. */
#include "arch/cpu.h"

#endif /* COREVISOR_ARCH_SYSREG_H */
