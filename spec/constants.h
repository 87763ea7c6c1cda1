/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Constants.v: the specification's constants under their Coq names.
 *
 * Source: facts A.1 to A.10 (column Q). Numerals stand here as the Coq writes
 * them, and nothing is shared with the firmware, so that a slip in either is
 * seen. A constant that facts G corrects says so, and its Coq value stays
 * beside it as NAME_COQ for the tests that pin the difference.
 */
#ifndef HYPSEC_SPEC_CONSTANTS_H
#define HYPSEC_SPEC_CONSTANTS_H

#include <stdint.h>

/* Identities (A.1, column Q). */
#define HOSTVISOR	0u
#define COREVISOR	16u
#define VCPU_PER_VM	8u
#define TOTAL_CPU	8u

/* Sentinels (A.2). */
#define INVALID		4294967295u
#define INVALID64	18446744073709551615u

/* Spaces (A.2). */
#define PAGE_SIZE	UINT64_C(4096)
#define PMD_SIZE	UINT64_C(2097152)
#define PMD_PAGE_NUM	UINT64_C(512)
#define PUD_PAGE_NUM	UINT64_C(262144)
#define KVM_PHYS_SIZE	UINT64_C(1099511627776)		/* 2^40 */
#define KVM_PFN_SPACE	UINT64_C(268435456)		/* 2^28 */
#define KVM_GFN_SPACE	UINT64_C(68719476736)		/* 2^36 */
#define MAX_MMIO_ADDR	UINT64_C(1073741824)
#define KVM_ADDR_SPACE	UINT64_C(281474976710656)	/* 2^48 */

/* Limits (A.2). */
#define MAX_SHARE_COUNT		100u
#define MAX_LOAD_INFO_NUM	5u
#define MAX_MEMBLOCK_NUM	32u
#define SMMU_HOST_OFFSET	UINT64_C(1000000000)

/* SMMUs (A.2, A.9, A.12). */
#define SMMU_NUM		2u
#define SMMU_NUM_CTXT_BANKS	8u
#define EL2_SMMU_CFG_SIZE	16u
#define SMMU_MAX_COUNT		16u	/* of a host page, F.7 */
#define SMMU_GLOBAL_BASE	UINT64_C(32768)
#define SMMU_GR1_BASE		UINT64_C(4096)
#define SMMU_GR1_END		UINT64_C(6144)
#define SMMU_TTBR_START		UINT64_C(65536)
#define SMMU_TTBR_PER_BANK	UINT64_C(8192)
/* G54: not an encoding; AF and inner shareable are bits 10 and 9:8. */
#define PTE_AF_OR_SH_IS		UINT64_C(1792)
#define PTE_AF_OR_SH_IS_COQ	UINT64_C(65536)
/* Normal write-back memory that is not executed; of prot only S2_RDWR. */
#define PAGE_S2_DMA		UINT64_C(0x4000000000073f)

/* Registers of an SMMU (A.12): page 0 and 1, and of a bank's page. */
#define SMMU_SCR0		UINT64_C(0x000)
#define SMMU_SCR2		UINT64_C(0x008)
#define SMMU_SACR		UINT64_C(0x010)
#define SMMU_IDR0		UINT64_C(0x020)
#define SMMU_IDR7		UINT64_C(0x03c)
#define SMMU_SGFAR		UINT64_C(0x040)
#define SMMU_SGFSR		UINT64_C(0x048)
#define SMMU_SGFSRRESTORE	UINT64_C(0x04c)
#define SMMU_SGFSYNR0		UINT64_C(0x050)
#define SMMU_SGFSYNR2		UINT64_C(0x058)
#define SMMU_TLBIVMID		UINT64_C(0x064)
#define SMMU_TLBIALLNSNH	UINT64_C(0x068)
#define SMMU_TLBIALLH		UINT64_C(0x06c)
#define SMMU_STLBGSYNC		UINT64_C(0x070)
#define SMMU_STLBGSTATUS	UINT64_C(0x074)
#define SMMU_SMR		UINT64_C(0x800)
#define SMMU_S2CR		UINT64_C(0xc00)
#define SMMU_PIDR4		UINT64_C(0xfd0)
#define SMMU_CBAR		UINT64_C(0x1000)
#define SMMU_CBFRSYNRA		UINT64_C(0x1400)
#define SMMU_CBA2R		UINT64_C(0x1800)
#define SMMU_CB_SCTLR		UINT64_C(0x000)
#define SMMU_CB_ACTLR		UINT64_C(0x004)
#define SMMU_CB_RESUME		UINT64_C(0x008)
#define SMMU_CB_TCR2		UINT64_C(0x010)
#define SMMU_CB_TTBR0		UINT64_C(0x020)
#define SMMU_CB_TTBR1		UINT64_C(0x028)
#define SMMU_CB_TCR		UINT64_C(0x030)
#define SMMU_CB_CONTEXTIDR	UINT64_C(0x034)
#define SMMU_CB_MAIR0		UINT64_C(0x038)
#define SMMU_CB_MAIR1		UINT64_C(0x03c)
#define SMMU_CB_PAR		UINT64_C(0x050)
#define SMMU_CB_FSR		UINT64_C(0x058)
#define SMMU_CB_FSRRESTORE	UINT64_C(0x05c)
#define SMMU_CB_FAR		UINT64_C(0x060)
#define SMMU_CB_FSYNR0		UINT64_C(0x068)
#define SMMU_CB_FSYNR1		UINT64_C(0x06c)
#define SMMU_CB_IPAFAR		UINT64_C(0x070)
#define SMMU_CB_TLBIVA		UINT64_C(0x600)
#define SMMU_CB_TLBIIPAS2	UINT64_C(0x630)
#define SMMU_CB_TLBIIPAS2L	UINT64_C(0x638)
#define SMMU_CB_TLBSYNC		UINT64_C(0x7f0)
#define SMMU_CB_TLBSTATUS	UINT64_C(0x7f4)
#define SMMU_CB_ATS1PR		UINT64_C(0x800)
#define SMMU_CB_ATSR		UINT64_C(0x8f0)

#define SCR0_CLIENTPD		UINT64_C(0x1)
#define SCR0_USFCFG		UINT64_C(0x400)
#define SCR0_GFIE		UINT64_C(0x4)
#define SCR0_SMCFCFG		UINT64_C(0x200000)
#define SCR0_WRITABLE		UINT64_C(0xfdffcc7)
#define SCR0_RESET		UINT64_C(0x200001)
/* GFRE, USFCFG, VMIDPNE, PTM and SMCFCFG; CLIENTPD and GSE are 0. */
#define SCR0_EL2		UINT64_C(0x201c02)
#define SACR_RESET		UINT64_C(0x400001c)
#define SMR_VALID		UINT64_C(0x80000000)
#define SMR_WRITABLE		UINT64_C(0xffff7fff)	/* NUMSIDB 15 */
#define S2CR_RESET		UINT64_C(0x20000)
#define S2CR_WRITABLE		UINT64_C(0x3ff3fbff)
#define S2CR_TRANSLATE		0u
#define S2CR_BYPASS		1u
#define S2CR_FAULT		2u
#define CBAR_RESET		UINT64_C(0x20000)
#define CBAR_WRITABLE		UINT64_C(0xffffff)
#define CBA2R_WRITABLE		UINT64_C(0x3)
#define CB_SCTLR_RESET		UINT64_C(0x100)
#define CB_SCTLR_WRITABLE	UINT64_C(0x3ffff77f)
#define CB_ACTLR_RESET		UINT64_C(0x3)
#define CB_SCTLR_M		UINT64_C(0x1)
#define CB_SCTLR_CFIE		UINT64_C(0x40)
/* M, CFRE and HUPCF; E and CFCFG are 0. */
#define CB_SCTLR_EL2		UINT64_C(0x121)
#define CBA2R_VA64		UINT64_C(0x1)
#define CB_TCR_S2		UINT64_C(0x80023558)

/*
 * ID registers: what the host is shown otherwise than it is. It has no SES,
 * S1TS, NTS, EXSMRGS, BTM and EXIDS.
 */
#define IDR0_NO			UINT64_C(0xd000a100)
#define IDR0_ATOSNS		UINT64_C(0x4000000)
#define IDR0_NUMSMRG		UINT64_C(0xff)
#define IDR1_NUMS2CB		UINT64_C(0xff0000)
#define IDR1_NUMCB		UINT64_C(0xff)
#define IDR2_SHOWN		UINT64_C(0x7fff)

/* Not in the Coq: EL2's part of the SMMUs (docs/dma.rst). */
#define SMMU_IDENTITY_BANK	0u
#define SMMU_STREAM_FAULT	INVALID
#define SMMU_HOST_STREAMS	24u
#define SMMU_STREAM_SPACE	UINT64_C(0x8000)	/* NUMSIDB 15 */
#define MAX_DMA_DEVICES		8u

/* States of a VM and of a vCPU (A.3). */
#define UNUSED		0u
#define MAPPED		1u
#define READY		2u
#define VERIFIED	3u
#define POWEROFF	4u
#define ACTIVE		5u

/* PSCI's view of a vCPU, which the Coq does not have (G41). */
#define VCPU_OFF	0u
#define VCPU_ON_PENDING	1u
#define VCPU_ON		2u

/* Shadow context indices (A.4, column Q). */
#define X0		0u
#define X1		1u
#define X2		2u
#define X3		3u
#define NUM_GPRS	31u
#define SP_EL0		31u
#define PC		32u
#define PSTATE		33u
#define SP_EL1		34u
#define ELR_EL1		35u
#define SPSR_EL1	36u
#define FAR_EL2		41u
#define HPFAR_EL2	42u
#define HCR_EL2		43u
#define EC		44u
#define DIRTY		45u
#define FLAGS		46u
#define MPIDR_EL1	47u
#define CSSELR_EL1	48u
#define SCTLR_EL1	49u
#define ACTLR_EL1	50u
#define CPACR_EL1	51u
#define TTBR0_EL1	52u
#define TTBR1_EL1	53u
#define TCR_EL1		54u
#define ESR_EL1		55u
#define AFSR0_EL1	56u
#define AFSR1_EL1	57u
#define FAR_EL1		58u
#define MAIR_EL1	59u
#define VBAR_EL1	60u
#define CONTEXTIDR_EL1	61u
#define TPIDR_EL0	62u
#define TPIDRRO_EL0	63u
#define TPIDR_EL1	64u
#define AMAIR_EL1	65u
#define CNTKCTL_EL1	66u
#define PAR_EL1		67u
#define MDSCR_EL1	68u
#define MDCCINT_EL1	69u
#define ELR_EL2		70u
#define SPSR_0		71u
#define ESR_EL2		72u
#define SHADOW_SYS_REGS_SIZE	24u

/* Not in the Coq: what else a VM has of its own. */
#define CNTV_CTL_EL0	73u
#define CNTV_CVAL_EL0	74u
#define CNTVOFF_EL2	75u
#define NR_CTXT_INDICES	76u

/* dirty and flags (A.5). */
#define DIRTY_PC_FLAG			UINT64_C(4294967296)
#define PENDING_DABT_INJECT		UINT64_C(8589934592)
#define PENDING_IABT_INJECT		UINT64_C(17179869184)
#define PENDING_UNDEF_INJECT		UINT64_C(34359738368)
#define PENDING_EXCEPT_INJECT_FLAG	UINT64_C(60129542144)
#define PENDING_FSC_FAULT		UINT64_C(2)

/* Exit codes (A.6). */
#define ARM_EXCEPTION_TRAP	UINT64_C(2)
#define ARM_EXCEPTION_SERROR	UINT64_C(1)
/* G54: in the Coq 31, which is the C's mark for a pending SError. */
#define ARM_EXCEPTION_INTERRUPT		UINT64_C(0)
#define ARM_EXCEPTION_INTERRUPT_COQ	UINT64_C(31)

/* PSTATE at an exception's entry (A.7). */
#define PSTATE_FAULT_BITS_64	UINT64_C(965)
#define ESR_ELx_EC_UNKNOWN	UINT64_C(0)

/* PSTATE and SCTLR_EL1, as far as an exception's entry looks at them (A.7). */
#define PSTATE_MODE		UINT64_C(0xf)
#define PSTATE_EL0T		UINT64_C(0)
#define PSTATE_EL1T		UINT64_C(4)
#define PSTATE_AARCH32		UINT64_C(0x10)
#define PSTATE_SSBS		UINT64_C(0x1000)
#define PSTATE_ALLINT		UINT64_C(0x2000)
#define PSTATE_TCO		UINT64_C(0x2000000)
#define PSTATE_PAN		UINT64_C(0x400000)
#define PSTATE_SS		UINT64_C(0x200000)
#define PSTATE_BTYPE		UINT64_C(0xc00)
#define PSTATE_KEPT		UINT64_C(0xf1000000)	/* NZCV, DIT */
#define SCTLR_E0E		UINT64_C(0x1000000)
#define SCTLR_EE		UINT64_C(0x2000000)
#define SCTLR_SPAN		UINT64_C(0x800000)
#define SCTLR_DSSBS		UINT64_C(0x100000000000)
#define SCTLR_SPINTMASK		UINT64_C(0x4000000000000000)

/* Not in the Coq: SCTLR_EL1 at reset, with MMU and caches off (G50). */
#define SCTLR_RESET		UINT64_C(0x30d50878)

#define CNTV_CTL_ENABLE		UINT64_C(1)
#define CNTV_CTL_IMASK		UINT64_C(2)
#define CNTV_CTL_ISTATUS	UINT64_C(4)

/* Page descriptors (A.8). */
#define PAGE_S2_DEVICE	UINT64_C(18014398509483847)
#define S2_RDWR		UINT64_C(192)
#define PAGE_GUEST	UINT64_C(144115188075855872)	/* bit 57, invalid */
#define PMD_TYPE_TABLE	UINT64_C(3)
#define PMD_TABLE_BIT	UINT64_C(2)
#define PHYS_MASK	UINT64_C(281474976706560)	/* bits 47:12 */

/*
 * A.8: the Coq literal 4095 also sets bit 11, which is RES0 or FnXS; the
 * architecture's value is meant.
 */
#define PAGE_S2_KERNEL		UINT64_C(2047)
#define PAGE_S2_KERNEL_COQ	UINT64_C(4095)

/*
 * G54: 65535 keeps only 16 bits, so that fault addresses above 16 MiB alias,
 * and keeps the low four, which are not address. HPFAR_EL2.FIPA is [43:4].
 */
#define HPFAR_MASK	UINT64_C(0xffffffffff0)
#define HPFAR_MASK_COQ	UINT64_C(65535)

/* ESR_EL2 (A.6), and what the corrected fault handlers look at (G14, G46). */
#define ESR_ELx_EC_MASK		UINT64_C(4227858432)
#define ESR_ELx_EC_SHIFT	26
#define ESR_ELx_EC_WFx		UINT64_C(1)
#define ESR_ELx_EC_HVC32	UINT64_C(18)
#define ESR_ELx_EC_HVC64	UINT64_C(22)
#define ESR_ELx_EC_SMC64	UINT64_C(23)
#define ESR_ELx_EC_IABT_LOW	UINT64_C(32)
#define ESR_ELx_EC_DABT_LOW	UINT64_C(36)
/* G54: the Coq has 30. */
#define ESR_ELx_EC_SYS64	UINT64_C(24)
#define ESR_ELx_EC_SYS64_COQ	UINT64_C(30)
#define ESR_ELx_EC_FP		UINT64_C(7)
#define ESR_ELx_EC_BREAKPT_LOW	UINT64_C(48)
#define ESR_ELx_EC_SOFTSTP_LOW	UINT64_C(50)
#define ESR_ELx_EC_WATCHPT_LOW	UINT64_C(52)
#define ESR_ELx_EC_BKPT32	UINT64_C(56)
#define ESR_ELx_EC_BRK64	UINT64_C(60)
#define ESR_ISS			UINT64_C(0x1ffffff)
#define ESR_WFX_TI		UINT64_C(3)
#define ESR_ELx_WNR		UINT64_C(64)
#define ESR_ELx_S1PTW		UINT64_C(128)
#define ESR_ELx_CM		UINT64_C(256)
#define ESR_ISV			UINT64_C(0x1000000)
#define ESR_IL			UINT64_C(0x2000000)
#define ESR_SAS_SHIFT		22
#define ESR_SSE			UINT64_C(0x200000)
#define ESR_SRT_SHIFT		16
#define ESR_SF			UINT64_C(0x8000)
#define ESR_IMM16		UINT64_C(0xffff)
#define FSC_EXTERNAL_ABORT	UINT64_C(16)
#define FSC_EXTERNAL_WALK	UINT64_C(20)	/* and the level */
#define XZR			31u
#define FSC_TYPE_MASK		60u
#define FSC_TRANSLATION		4u

/* Calls of a VM to the corevisor itself (D.2). */
#define HVC_KVM_SET_DESC_PFN	UINT64_C(0x81000)
#define HVC_KVM_UNSET_DESC_PFN	UINT64_C(0x82000)
#define HVC_KVM_ACCEPT_DEVICE	UINT64_C(0x84000)

/* Calls of the host; the numbers of the C (D.1), and docs/hypercalls.rst. */
#define HVC_TIMER_SET_CNTVOFF	7u
#define HVC_VCPU_RUN		8u
#define HVC_CLEAR_VM_S2_RANGE	9u
#define HVC_SET_BOOT_INFO	10u
#define HVC_REMAP_VM_IMAGE	11u
#define HVC_VERIFY_VM_IMAGES	12u
#define HVC_REGISTER_KVM	13u
#define HVC_REGISTER_VCPU	14u
#define HVC_BOOT_FROM_SAVED_VM	19u
#define HVC_ENCRYPT_BUF		20u
#define HVC_DECRYPT_BUF		21u
#define HVC_SAVE_CRYPT_VCPU	22u
#define HVC_SMMU_FREE_PGD	23u
#define HVC_SMMU_ALLOC_PGD	24u
#define HVC_SMMU_LPAE_MAP	25u
#define HVC_SMMU_LPAE_IOVA_TO_PHYS	26u
#define HVC_SMMU_CLEAR		27u
#define HVC_PHYS_ADDR_IOREMAP	28u
#define HVC_LOAD_CRYPT_VCPU	29u
#define HVC_GET_INFO		30u
#define HVC_SET_MANIFEST	31u
#define HVC_DESTROY_VM		32u
#define HVC_SMMU_SET_STREAM	33u
#define HVC_SEAL_VM		34u

/* Of GET_INFO (docs/hypercalls.rst). */
#define ABI_VERSION		1u
#define INFO_ABI_VERSION	0u
#define INFO_SHARED_BASE	1u
#define INFO_SHARED_SIZE	2u
#define INFO_SMMUS		3u

/* PSCI (A.11). */
/* Who answers a call that EL2 knows nothing of: nobody. */
#define SMCCC_64			UINT64_C(0x40000000)
#define SMCCC_NOT_SUPPORTED		UINT64_C(0xffffffffffffffff)
#define PSCI_0_2_FN_CPU_SUSPEND		UINT64_C(0x84000001)
#define PSCI_0_2_FN_CPU_OFF		UINT64_C(0x84000002)
#define PSCI_0_2_FN_CPU_ON		UINT64_C(0x84000003)
#define PSCI_0_2_FN_AFFINITY_INFO	UINT64_C(0x84000004)
#define PSCI_0_2_FN_SYSTEM_OFF		UINT64_C(0x84000008)
#define PSCI_0_2_FN_SYSTEM_RESET	UINT64_C(0x84000009)
#define PSCI_1_0_FN_FEATURES		UINT64_C(0x8400000a)
#define PSCI_1_1_FN_SYSTEM_RESET2	UINT64_C(0x84000012)
#define PSCI_1_1_FN64_SYSTEM_RESET2	UINT64_C(0xc4000012)
#define PSCI_0_2_FN64_CPU_SUSPEND	UINT64_C(0xc4000001)
#define PSCI_0_2_FN64_CPU_ON		UINT64_C(0xc4000003)
#define PSCI_0_2_FN64_AFFINITY_INFO	UINT64_C(0xc4000004)
/* G54: as the Coq has it. */
#define PSCI_0_2_FN64_AFFINITY_INFO_COQ	UINT64_C(0x40000004)

/* The shared window (docs/hypercalls.rst). */
#define ANSWER_ABORT_VM		UINT64_C(1)
#define NO_DEADLINE		UINT64_C(0xffffffffffffffff)
#define HCR_VIRTUAL_INTERRUPTS	UINT64_C(0xc0)	/* VI, VF */

/* Bounds that the Coq does not have (G37, G57). */
#define MAX_PAGES_PER_CALL	UINT64_C(512)
#define MAX_VERIFY_BYTES	UINT64_C(65536)

/* Pools of VM tables: chunks of one arena (D-003). */
#define CHUNK_PAGES		UINT64_C(16)
#define ROOT_PAGES		UINT64_C(2)

#endif /* HYPSEC_SPEC_CONSTANTS_H */
