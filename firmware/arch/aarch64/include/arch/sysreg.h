/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System registers by the Arm ARM's names. Registers that the assembler's
 * base architecture does not know are given by their encoding.
 */
#ifndef COREVISOR_ARCH_SYSREG_H
#define COREVISOR_ARCH_SYSREG_H

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

#define CNTHV_CTL_EL2		s3_4_c14_c3_1
#define CNTPOFF_EL2		s3_4_c14_c0_6
#define HAFGRTR_EL2		s3_4_c3_c1_6
#define HCRX_EL2		s3_4_c1_c2_2
#define HDFGRTR_EL2		s3_4_c3_c1_4
#define HDFGWTR_EL2		s3_4_c3_c1_5
#define HFGITR_EL2		s3_4_c1_c1_6
#define HFGRTR_EL2		s3_4_c1_c1_4
#define HFGWTR_EL2		s3_4_c1_c1_5
#define ICC_SRE_EL2		s3_4_c12_c9_5
#define ICH_HCR_EL2		s3_4_c12_c11_0
#define ID_AA64DFR0_EL1		s3_0_c0_c5_0
#define ID_AA64MMFR0_EL1	s3_0_c0_c7_0
#define ID_AA64MMFR1_EL1	s3_0_c0_c7_1
#define ID_AA64MMFR3_EL1	s3_0_c0_c7_3
#define ID_AA64ISAR2_EL1	s3_0_c0_c6_2
#define ID_AA64PFR0_EL1		s3_0_c0_c4_0
#define ID_AA64PFR1_EL1		s3_0_c0_c4_1
#define ID_AA64SMFR0_EL1	s3_0_c0_c4_5
#define SMCR_EL2		s3_4_c1_c2_6
#define SMPRIMAP_EL2		s3_4_c1_c2_5
#define TRFCR_EL2		s3_4_c1_c2_1
#define VSESR_EL2		s3_4_c5_c2_3
#define ZCR_EL2			s3_4_c1_c2_0

/* All ID register fields used here are four bits wide. */
#define ID_FIELD(reg, shift)	((unsigned int)(((reg) >> (shift)) & 0xf))

#define ID_AA64DFR0_PMUVER_SHIFT	8
#define ID_AA64DFR0_PMSVER_SHIFT	32
#define ID_AA64DFR0_TRACEFILT_SHIFT	40
#define ID_AA64DFR0_TRACEBUFFER_SHIFT	44
#define ID_AA64ISAR2_MOPS_SHIFT		16
#define ID_AA64MMFR0_PARANGE_SHIFT	0
#define ID_AA64MMFR0_TGRAN4_2_SHIFT	40
#define ID_AA64MMFR0_FGT_SHIFT		56
#define ID_AA64MMFR0_ECV_SHIFT		60
#define ID_AA64MMFR1_VH_SHIFT		8
#define ID_AA64MMFR1_PAN_SHIFT		20
#define ID_AA64MMFR1_HCX_SHIFT		40
#define ID_AA64MMFR3_TCRX_SHIFT		0
#define ID_AA64MMFR3_SCTLRX_SHIFT	4
#define ID_AA64MMFR3_S1PIE_SHIFT	8
#define ID_AA64PFR0_AMU_SHIFT		44
#define ID_AA64PFR0_GIC_SHIFT		24
#define ID_AA64PFR0_RAS_SHIFT		28
#define ID_AA64PFR0_SVE_SHIFT		32
#define ID_AA64PFR0_CSV2_SHIFT		56
#define ID_AA64PFR1_SSBS_SHIFT		4
#define ID_AA64PFR1_MTE_SHIFT		8
#define ID_AA64PFR1_SME_SHIFT		24
#define ID_AA64PFR1_NMI_SHIFT		36
#define ID_AA64SMFR0_FA64		BIT(63)
#define ID_AA64SMFR0_SMEVER_SHIFT	56

/* ID_AA64DFR0_EL1.PMUVer from which on MDCR_EL2 has HPMD, and HCCD. */
#define PMUVER_3P1		4
#define PMUVER_3P5		6

#define HCR_VM			BIT(0)
#define HCR_SWIO		BIT(1)
#define HCR_FMO			BIT(3)
#define HCR_IMO			BIT(4)
#define HCR_AMO			BIT(5)
#define HCR_VSE			BIT(8)
#define HCR_TSC			BIT(19)
#define HCR_TIDCP		BIT(20)
#define HCR_RW			BIT(31)
#define HCR_APK			BIT(40)
#define HCR_API			BIT(41)
#define HCR_FIEN		BIT(47)
#define HCR_ENSCXT		BIT(53)
#define HCR_ATA			BIT(56)

/*
 * VTCR_EL2: T0SZ 24, start level 1 (two concatenated root pages), inner
 * shareable, write-back, 4 KiB, 40-bit output.
 */
#define VTCR_EL2_VALUE		UINT64_C(0x80023558)

#define PMCR_EL0_N_SHIFT	11
#define PMCR_EL0_N_WIDTH	5

#endif /* COREVISOR_ARCH_SYSREG_H */
