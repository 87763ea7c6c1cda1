/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields of system registers by the Arm ARM's names. Layer: below all others;
 * by way of arch/sysreg.h, which has the registers.
 */
#ifndef COREVISOR_CORE_SYSREG_FIELDS_H
#define COREVISOR_CORE_SYSREG_FIELDS_H

#include "core/types.h"

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
#define HCR_VF			BIT(6)
#define HCR_VI			BIT(7)
#define HCR_VSE			BIT(8)
#define HCR_FB			BIT(9)
#define HCR_BSU_IS		BIT(10)
#define HCR_TWI			BIT(13)
#define HCR_TWE			BIT(14)
#define HCR_TID3		BIT(18)
#define HCR_TSC			BIT(19)
#define HCR_TIDCP		BIT(20)
#define HCR_TAC			BIT(21)
#define HCR_TSW			BIT(22)
#define HCR_RW			BIT(31)
#define HCR_TLOR		BIT(35)
#define HCR_TERR		BIT(36)
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

#endif /* COREVISOR_CORE_SYSREG_FIELDS_H */
