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
#define ID_AA64PFR1_RAS_FRAC_SHIFT	12
#define ID_AA64PFR1_CSV2_FRAC_SHIFT	32
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

/* CPTR_EL2, HCR_EL2.E2H = 0: RES1 bits without TZ, TSM and TFP. */
#define CPTR_RES1		UINT64_C(0x22ff)
#define CPTR_TZ			BIT(8)
#define CPTR_TFP		BIT(10)
#define CPTR_TSM		BIT(12)
#define CPTR_TTA		BIT(20)
#define CPTR_TAM		BIT(30)

/* MDCR_EL2. */
#define MDCR_TPMCR		BIT(5)
#define MDCR_TPM		BIT(6)
#define MDCR_TDE		BIT(8)
#define MDCR_TDA		BIT(9)
#define MDCR_TDOSA		BIT(10)
#define MDCR_TDRA		BIT(11)
#define MDCR_E2PB_EL1		(UINT64_C(3) << 12)
#define MDCR_TPMS		BIT(14)
#define MDCR_HPMD		BIT(17)
#define MDCR_TTRF		BIT(19)
#define MDCR_HCCD		BIT(23)
#define MDCR_E2TB_EL1		(UINT64_C(3) << 24)

/* HCRX_EL2. */
#define HCRX_TALLINT		BIT(6)
#define HCRX_MSCEN		BIT(11)
#define HCRX_TCR2EN		BIT(14)
#define HCRX_SCTLR2EN		BIT(15)

/* CNTHCTL_EL2, E2H = 0: EL1 may use the physical counter and timer. */
#define CNTHCTL_EL1PCTEN	BIT(0)
#define CNTHCTL_EL1PCEN		BIT(1)

/* CNTV_CTL_EL0. */
#define CNTV_CTL_ENABLE		BIT(0)
#define CNTV_CTL_IMASK		BIT(1)
#define CNTV_CTL_ISTATUS	BIT(2)

/* PMCR_EL0, PMUSERENR_EL0: EN, SW, CR, ER. */
#define PMCR_E			BIT(0)
#define PMUSERENR_MASK		UINT64_C(0xf)

#define SVCR_SM			BIT(0)

/* ICC_SRE_EL1: system registers, no bypass. */
#define ICC_SRE_EL1_SRE		UINT64_C(0x7)

/* ICH_HCR_EL2, ICH_VTR_EL2, ICH_LR<n>_EL2. */
#define ICH_HCR_EN		BIT(0)
#define ICH_HCR_UIE		BIT(1)
#define ICH_HCR_LRENPIE		BIT(2)
#define ICH_HCR_NPIE		BIT(3)
#define ICH_HCR_EOICOUNT	GENMASK(31, 27)
#define ICH_VTR_LISTREGS_SHIFT	0
#define ICH_VTR_LISTREGS_WIDTH	5
#define ICH_VTR_PREBITS_SHIFT	26
#define ICH_VTR_PREBITS_WIDTH	3
#define ICH_LR_VINTID		GENMASK(31, 0)
#define ICH_LR_PINTID		GENMASK(44, 32)
#define ICH_LR_EOI		BIT(41)
#define ICH_LR_PRIORITY		GENMASK(55, 48)
#define ICH_LR_GROUP		BIT(60)
#define ICH_LR_HW		BIT(61)
#define ICH_LR_STATE		GENMASK(63, 62)

/*
 * VTCR_EL2: T0SZ 24, start level 1 (two concatenated root pages), inner
 * shareable, write-back, 4 KiB, 40-bit output.
 */
#define VTCR_EL2_VALUE		UINT64_C(0x80023558)

#define MIDR_IMPLEMENTER_SHIFT	24
#define MIDR_IMPLEMENTER_WIDTH	8
#define MIDR_IMPLEMENTER_NONE	0x00
#define MIDR_IMPLEMENTER_ARM	0x41

#define PMCR_EL0_N_SHIFT	11
#define PMCR_EL0_N_WIDTH	5

#endif /* COREVISOR_CORE_SYSREG_FIELDS_H */
