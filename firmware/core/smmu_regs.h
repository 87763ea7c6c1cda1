/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of an SMMUv2 by Arm's names (IHI 0062, DDI 0517): those that the
 * firmware uses or filters. Layer: below all others.
 *
 * Offsets are bytes. The global space is the first half of an SMMU's region,
 * in pages of 4 KiB: GR0, GR1, implementation defined, performance monitors.
 * Context bank n is page n of the second half.
 */
#ifndef COREVISOR_CORE_SMMU_REGS_H
#define COREVISOR_CORE_SMMU_REGS_H

#include "core/types.h"

#define SMMU_PAGE_SHIFT		12
#define SMMU_PAGE_BYTES		(UINT64_C(1) << SMMU_PAGE_SHIFT)

/* GR0: from the base; 32 bits, those marked 64 also as two halves. */
#define SMMU_SCR0		0x000
#define SMMU_SCR2		0x008
#define SMMU_SACR		0x010
#define SMMU_IDR(n)		(0x020 + 4 * (n))	/* 0 to 7 */
#define SMMU_SGFAR		0x040	/* 64 */
#define SMMU_SGFSR		0x048	/* write 1 to clear */
#define SMMU_SGFSRRESTORE	0x04c
#define SMMU_SGFSYNR(n)		(0x050 + 4 * (n))	/* 0 to 2 */
#define SMMU_TLBIVMID		0x064
#define SMMU_TLBIALLNSNH	0x068
#define SMMU_TLBIALLH		0x06c
#define SMMU_STLBGSYNC		0x070
#define SMMU_STLBGSTATUS	0x074
#define SMMU_TLBIVAH		0x078
#define SMMU_TLBIVALH64		0x0b0	/* 64 */
#define SMMU_TLBIVMIDS1		0x0b8
#define SMMU_TLBIVAH64		0x0c0	/* 64 */
#define SMMU_SMR(n)		(0x800 + 4 * (n))
#define SMMU_S2CR(n)		(0xc00 + 4 * (n))
#define SMMU_PIDR4		0xfd0	/* first of the identification block */

/* GR1: from the base. */
#define SMMU_GR1		0x1000
#define SMMU_CBAR(n)		(SMMU_GR1 + 4 * (n))
#define SMMU_CBFRSYNRA(n)	(SMMU_GR1 + 0x400 + 4 * (n))
#define SMMU_CBA2R(n)		(SMMU_GR1 + 0x800 + 4 * (n))

/* First byte of context bank @n, in a region of @bytes. */
#define SMMU_CB(bytes, n) \
	((bytes) / 2 + ((uint64_t)(n) << SMMU_PAGE_SHIFT))

/* A context bank: from its page. */
#define SMMU_CB_SCTLR		0x000
#define SMMU_CB_ACTLR		0x004
#define SMMU_CB_RESUME		0x008
#define SMMU_CB_TCR2		0x010
#define SMMU_CB_TTBR0		0x020	/* 64 */
#define SMMU_CB_TTBR1		0x028	/* 64 */
#define SMMU_CB_TCR		0x030
#define SMMU_CB_CONTEXTIDR	0x034
#define SMMU_CB_MAIR0		0x038
#define SMMU_CB_MAIR1		0x03c
#define SMMU_CB_PAR		0x050	/* 64 */
#define SMMU_CB_FSR		0x058	/* write 1 to clear */
#define SMMU_CB_FSRRESTORE	0x05c
#define SMMU_CB_FAR		0x060	/* 64 */
#define SMMU_CB_FSYNR0		0x068
#define SMMU_CB_FSYNR1		0x06c
#define SMMU_CB_IPAFAR		0x070	/* 64 */
#define SMMU_CB_TLBIVA		0x600	/* 64, as all but ASID and ALL */
#define SMMU_CB_TLBIASID	0x610
#define SMMU_CB_TLBIVAL		0x620
#define SMMU_CB_TLBIIPAS2	0x630	/* 64 */
#define SMMU_CB_TLBIIPAS2L	0x638	/* 64 */
#define SMMU_CB_TLBSYNC		0x7f0
#define SMMU_CB_TLBSTATUS	0x7f4
#define SMMU_CB_ATS1PR		0x800	/* first of the translation requests */
#define SMMU_CB_ATSR		0x8f0

/* sCR0. */
#define SMMU_SCR0_CLIENTPD	BIT(0)
#define SMMU_SCR0_GFRE		BIT(1)
#define SMMU_SCR0_GFIE		BIT(2)
#define SMMU_SCR0_EXIDENABLE	BIT(3)
#define SMMU_SCR0_GCFGFRE	BIT(4)
#define SMMU_SCR0_GCFGFIE	BIT(5)
#define SMMU_SCR0_STALLD	BIT(8)
#define SMMU_SCR0_GSE		BIT(9)
#define SMMU_SCR0_USFCFG	BIT(10)
#define SMMU_SCR0_VMIDPNE	BIT(11)
#define SMMU_SCR0_PTM		BIT(12)
#define SMMU_SCR0_FB		BIT(13)
#define SMMU_SCR0_BSU		GENMASK(15, 14)
#define SMMU_SCR0_SMCFCFG	BIT(21)
#define SMMU_SCR0_VMID16EN	BIT(31)

/* IDR0, IDR1, IDR2. */
#define SMMU_IDR0_NUMSMRG	GENMASK(7, 0)
#define SMMU_IDR0_EXIDS		BIT(8)
#define SMMU_IDR0_NUMSIDB_SHIFT	9
#define SMMU_IDR0_NUMSIDB_WIDTH	4
#define SMMU_IDR0_BTM		BIT(13)
#define SMMU_IDR0_CTTW		BIT(14)	/* walks are coherent */
#define SMMU_IDR0_EXSMRGS	BIT(15)
#define SMMU_IDR0_ATOSNS	BIT(26)
#define SMMU_IDR0_SMS		BIT(27)
#define SMMU_IDR0_NTS		BIT(28)
#define SMMU_IDR0_S2TS		BIT(29)
#define SMMU_IDR0_S1TS		BIT(30)
#define SMMU_IDR0_SES		BIT(31)
#define SMMU_IDR1_NUMCB		GENMASK(7, 0)
#define SMMU_IDR1_PAGESIZE	BIT(31)	/* pages of 64 KiB */
#define SMMU_IDR1_NUMS2CB	GENMASK(23, 16)
#define SMMU_IDR1_NUMS2CB_SHIFT	16
#define SMMU_IDR1_NUMPAGENDXB_SHIFT 28
#define SMMU_IDR1_NUMPAGENDXB_WIDTH 3
#define SMMU_IDR2_IAS_SHIFT	0
#define SMMU_IDR2_IAS_WIDTH	4
#define SMMU_IDR2_OAS_SHIFT	4
#define SMMU_IDR2_OAS_WIDTH	4
#define SMMU_IDR2_40_BITS	2	/* of IAS and OAS; more is more */
#define SMMU_IDR2_PTFSV8_4K	BIT(12)
#define SMMU_IDR2_GRANULES_AND_SIZES GENMASK(14, 0)
#define SMMU_IDR2_VMID16S	BIT(15)

/* sTLBGSTATUS, TLBSTATUS: an invalidation is under way. */
#define SMMU_TLBSTATUS_ACTIVE	BIT(0)

/* SMR: an entry matches if (ID ^ stream) & ~MASK is 0. */
#define SMMU_SMR_ID		GENMASK(14, 0)
#define SMMU_SMR_MASK		GENMASK(30, 16)
#define SMMU_SMR_MASK_SHIFT	16
#define SMMU_SMR_VALID		BIT(31)

/* S2CR. */
#define SMMU_S2CR_CBNDX		GENMASK(7, 0)
#define SMMU_S2CR_TYPE		GENMASK(17, 16)
#define SMMU_S2CR_TRANSLATE	(UINT64_C(0) << 16)
#define SMMU_S2CR_BYPASS	(UINT64_C(1) << 16)
#define SMMU_S2CR_FAULT		(UINT64_C(2) << 16)

/* CBAR, CBA2R. */
#define SMMU_CBAR_VMID		GENMASK(7, 0)
#define SMMU_CBAR_TYPE		GENMASK(17, 16)
#define SMMU_CBAR_S2		(UINT64_C(0) << 16)
#define SMMU_CBA2R_VA64		BIT(0)

/* SCTLR. */
#define SMMU_SCTLR_M		BIT(0)
#define SMMU_SCTLR_E		BIT(4)
#define SMMU_SCTLR_CFRE		BIT(5)
#define SMMU_SCTLR_CFIE		BIT(6)
#define SMMU_SCTLR_CFCFG	BIT(7)
#define SMMU_SCTLR_HUPCF	BIT(8)

/* EL2's choice of VMID, 8 bits: no two banks of an SMMU have the same. */
#define SMMU_TAG_BANK_SHIFT	4
#define SMMU_VMID_TAG(owner, cbndx) ((owner) | (cbndx) << SMMU_TAG_BANK_SHIFT)

/* What FSR and sGFSR hold of faults. */
#define SMMU_FSR_FAULT		UINT64_C(0xc00001fe)
#define SMMU_SGFSR_FAULT	UINT64_C(0x800001ff)

/*
 * TCR of a stage-2 bank: T0SZ 24, start level 1 (two concatenated root pages),
 * write-back, inner shareable, 4 KiB, 40-bit output.
 */
#define SMMU_TCR_VALUE		UINT64_C(0x80023558)

#endif /* COREVISOR_CORE_SMMU_REGS_H */
