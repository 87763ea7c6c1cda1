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

/* Shadow context indices of the general registers (A.4). */
#define X0		0u
#define X2		2u
#define X3		3u
#define NUM_GPRS	31u

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

/* ESR_EL2 (A.6), and what the corrected fault handler looks at (G14). */
#define ESR_ISV			UINT64_C(0x1000000)
#define ESR_WNR			UINT64_C(64)
#define ESR_S1PTW		UINT64_C(128)
#define ESR_EC_SHIFT		26
#define EC_IABT_LOW		32u
#define EC_DABT_LOW		36u
#define FSC_TYPE_MASK		60u
#define FSC_TRANSLATION		4u

/* Calls of a VM to the corevisor itself (D.2). */
#define HVC_KVM_SET_DESC_PFN	UINT64_C(0x81000)
#define HVC_KVM_UNSET_DESC_PFN	UINT64_C(0x82000)

/* Calls of the host; the numbers of the C (D.1, design 4.2). */
#define HVC_CLEAR_VM_S2_RANGE	9u
#define HVC_SET_BOOT_INFO	10u
#define HVC_REMAP_VM_IMAGE	11u
#define HVC_REGISTER_KVM	13u
#define HVC_PHYS_ADDR_IOREMAP	28u
#define HVC_DESTROY_VM		32u

/* Bounds that the Coq does not have (G37, G57). */
#define MAX_PAGES_PER_CALL	UINT64_C(512)

/* Pools of VM tables: chunks of one arena (design 4.2). */
#define CHUNK_PAGES		UINT64_C(16)
#define ROOT_PAGES		UINT64_C(2)

#endif /* HYPSEC_SPEC_CONSTANTS_H */
