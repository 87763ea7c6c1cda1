/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System registers by the Arm ARM's names. Registers that the assembler's
 * base architecture does not know are given by their encoding.
 */
#ifndef COREVISOR_ARCH_SYSREG_H
#define COREVISOR_ARCH_SYSREG_H

#include "core/sysreg_fields.h"
#include "core/types.h"

#define SYSREG_STRING_(name)	#name
#define SYSREG_STRING(name)	SYSREG_STRING_(name)

/* Not reordered against other accesses with a "memory" clobber. */
#define sysreg_read(name) __extension__ ({				\
	uint64_t value_;						\
	__asm__ volatile("mrs %0, " SYSREG_STRING(name)			\
			 : "=r" (value_) :: "memory");			\
	value_;								\
})

#define sysreg_write(name, value)					\
	__asm__ volatile("msr " SYSREG_STRING(name) ", %0"		\
			 :: "r" ((uint64_t)(value)) : "memory")

/*
 * The same for lists of registers that are saved and restored: in order among
 * themselves, but the memory accesses between them may be joined.
 */
#define sysreg_get(name) __extension__ ({				\
	uint64_t value_;						\
	__asm__ volatile("mrs %0, " SYSREG_STRING(name)			\
			 : "=r" (value_));				\
	value_;								\
})

#define sysreg_put(name, value)						\
	__asm__ volatile("msr " SYSREG_STRING(name) ", %0"		\
			 :: "r" ((uint64_t)(value)))

#define CNTHV_CTL_EL2		s3_4_c14_c3_1
#define CNTPOFF_EL2		s3_4_c14_c0_6
#define HAFGRTR_EL2		s3_4_c3_c1_6
#define HCRX_EL2		s3_4_c1_c2_2
#define HDFGRTR_EL2		s3_4_c3_c1_4
#define HDFGWTR_EL2		s3_4_c3_c1_5
#define HFGITR_EL2		s3_4_c1_c1_6
#define HFGRTR_EL2		s3_4_c1_c1_4
#define HFGWTR_EL2		s3_4_c1_c1_5
#define ICC_SRE_EL1		s3_0_c12_c12_5
#define ICC_SRE_EL2		s3_4_c12_c9_5
#define ICH_AP0R0_EL2		s3_4_c12_c8_0
#define ICH_AP0R1_EL2		s3_4_c12_c8_1
#define ICH_AP0R2_EL2		s3_4_c12_c8_2
#define ICH_AP0R3_EL2		s3_4_c12_c8_3
#define ICH_AP1R0_EL2		s3_4_c12_c9_0
#define ICH_AP1R1_EL2		s3_4_c12_c9_1
#define ICH_AP1R2_EL2		s3_4_c12_c9_2
#define ICH_AP1R3_EL2		s3_4_c12_c9_3
#define ICH_ELRSR_EL2		s3_4_c12_c11_5
#define ICH_HCR_EL2		s3_4_c12_c11_0
#define ICH_LR0_EL2		s3_4_c12_c12_0
#define ICH_LR1_EL2		s3_4_c12_c12_1
#define ICH_LR2_EL2		s3_4_c12_c12_2
#define ICH_LR3_EL2		s3_4_c12_c12_3
#define ICH_LR4_EL2		s3_4_c12_c12_4
#define ICH_LR5_EL2		s3_4_c12_c12_5
#define ICH_LR6_EL2		s3_4_c12_c12_6
#define ICH_LR7_EL2		s3_4_c12_c12_7
#define ICH_LR8_EL2		s3_4_c12_c13_0
#define ICH_LR9_EL2		s3_4_c12_c13_1
#define ICH_LR10_EL2		s3_4_c12_c13_2
#define ICH_LR11_EL2		s3_4_c12_c13_3
#define ICH_LR12_EL2		s3_4_c12_c13_4
#define ICH_LR13_EL2		s3_4_c12_c13_5
#define ICH_LR14_EL2		s3_4_c12_c13_6
#define ICH_LR15_EL2		s3_4_c12_c13_7
#define ICH_MISR_EL2		s3_4_c12_c11_2
#define ICH_VMCR_EL2		s3_4_c12_c11_7
#define ICH_VTR_EL2		s3_4_c12_c11_1
#define ID_AA64AFR0_EL1		s3_0_c0_c5_4
#define ID_AA64AFR1_EL1		s3_0_c0_c5_5
#define ID_AA64DFR0_EL1		s3_0_c0_c5_0
#define ID_AA64DFR1_EL1		s3_0_c0_c5_1
#define ID_AA64ISAR0_EL1	s3_0_c0_c6_0
#define ID_AA64ISAR1_EL1	s3_0_c0_c6_1
#define ID_AA64ISAR2_EL1	s3_0_c0_c6_2
#define ID_AA64MMFR0_EL1	s3_0_c0_c7_0
#define ID_AA64MMFR1_EL1	s3_0_c0_c7_1
#define ID_AA64MMFR2_EL1	s3_0_c0_c7_2
#define ID_AA64MMFR3_EL1	s3_0_c0_c7_3
#define ID_AA64PFR0_EL1		s3_0_c0_c4_0
#define ID_AA64PFR1_EL1		s3_0_c0_c4_1
#define ID_AA64SMFR0_EL1	s3_0_c0_c4_5
#define ID_AA64ZFR0_EL1		s3_0_c0_c4_4
#define PMSCR_EL1		s3_0_c9_c9_0
#define SMCR_EL2		s3_4_c1_c2_6
#define SMPRIMAP_EL2		s3_4_c1_c2_5
#define SVCR			s3_3_c4_c2_2
#define TRFCR_EL1		s3_0_c1_c2_1
#define TRFCR_EL2		s3_4_c1_c2_1
#define VDISR_EL2		s3_4_c12_c1_1
#define VSESR_EL2		s3_4_c5_c2_3
#define ZCR_EL2			s3_4_c1_c2_0

#endif /* COREVISOR_ARCH_SYSREG_H */
