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

/* Identities (A.1; the numbers of VMs, vCPUs and CPUs: design 4.2). */
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

/* Calls of the host; the numbers of the C (D.1, design 4.2). */
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
#define HVC_PHYS_ADDR_IOREMAP	28u
#define HVC_LOAD_CRYPT_VCPU	29u
#define HVC_GET_INFO		30u
#define HVC_SET_MANIFEST	31u
#define HVC_DESTROY_VM		32u
#define HVC_SEAL_VM		34u

/* Of GET_INFO (docs/hypercalls.rst). */
#define ABI_VERSION		1u
#define INFO_ABI_VERSION	0u
#define INFO_SHARED_BASE	1u
#define INFO_SHARED_SIZE	2u

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

/* Pools of VM tables: chunks of one arena (design 4.2). */
#define CHUNK_PAGES		UINT64_C(16)
#define ROOT_PAGES		UINT64_C(2)

#endif /* HYPSEC_SPEC_CONSTANTS_H */
