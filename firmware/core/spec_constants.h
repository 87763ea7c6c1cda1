/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The specification's constants under the specification's names, and the
 * stage-2 descriptor bits that they are made of. Layer: below all others.
 */
#ifndef COREVISOR_CORE_SPEC_CONSTANTS_H
#define COREVISOR_CORE_SPEC_CONSTANTS_H

#include "core/types.h"

/* Identities. Raising a limit is a change of one line here. */
#define HOSTVISOR		0u
#define COREVISOR		16u
#define TOTAL_CPU		8u
#define VCPU_PER_VM		8u

/* Sentinels. */
#define INVALID			UINT32_C(0xffffffff)
#define INVALID64		UINT64_C(0xffffffffffffffff)
#define INVALID_MEM		INVALID

/* Sizes and limits. */
#define PAGE_SHIFT		12
#define PAGE_SIZE		(UINT64_C(1) << PAGE_SHIFT)
#define PMD_SHIFT		21
#define PMD_SIZE		(UINT64_C(1) << PMD_SHIFT)
#define PUD_SHIFT		30
#define PUD_SIZE		(UINT64_C(1) << PUD_SHIFT)
#define PGD_SHIFT		39
#define PMD_PAGE_NUM		(PMD_SIZE / PAGE_SIZE)
#define PTRS_PER_PTE		UINT64_C(512)
#define KVM_PHYS_SHIFT		40
#define KVM_PHYS_SIZE		(UINT64_C(1) << KVM_PHYS_SHIFT)
#define KVM_PFN_SPACE		(KVM_PHYS_SIZE >> PAGE_SHIFT)
#define MAX_MMIO_ADDR		UINT64_C(0x40000000)
#define MAX_SHARE_COUNT		100u
#define MAX_MEMBLOCK_NUM	32u
#define SMMU_HOST_OFFSET	UINT64_C(1000000000)
#define SMMU_NUM		2u
#define SMMU_NUM_CTXT_BANKS	8u	/* of one SMMU */
#define EL2_SMMU_CFG_SIZE	(SMMU_NUM * SMMU_NUM_CTXT_BANKS)

/* Stage-2 descriptors (Arm ARM D8.3, 4 KiB granule). */
#define S2_VALID		BIT(0)
#define S2_TABLE		BIT(1)	/* levels 1 and 2; "page" at level 3 */
#define S2_MEMATTR_NORMAL	(UINT64_C(0xf) << 2)
#define S2_MEMATTR_DEVICE	(UINT64_C(0x1) << 2)	/* Device-nGnRE */
#define S2_S2AP_R		BIT(6)
#define S2_S2AP_W		BIT(7)
#define S2_SH_INNER		(UINT64_C(3) << 8)
#define S2_AF			BIT(10)
#define S2_XN			BIT(54)
#define S2_OA_MASK		GENMASK(47, 12)

/* Page descriptors as the specification names them. */
#define S2_RDWR			(S2_S2AP_R | S2_S2AP_W)
#define PAGE_S2_KERNEL		(S2_VALID | S2_TABLE | S2_MEMATTR_NORMAL | \
				 S2_RDWR | S2_SH_INNER | S2_AF)
#define PAGE_S2_DEVICE		(S2_VALID | S2_TABLE | S2_MEMATTR_DEVICE | \
				 S2_S2AP_R | S2_SH_INNER | S2_AF | S2_XN)
#define PMD_TYPE_TABLE		(S2_VALID | S2_TABLE)
#define PAGE_GUEST		BIT(57)	/* invalid: the page left the host */
#define VTTBR_VMID_SHIFT	48
#define VTTBR_VMID_WIDTH	8
#define PMD_TABLE_BIT		S2_TABLE

/*
 * Delta D-002: the seeds' 0xfff also sets bit 11, which is RES0 or FnXS; the
 * architecture's value is used.
 */
_Static_assert(PAGE_S2_KERNEL == 0x7ff, "RWX normal memory");
_Static_assert(PAGE_S2_DEVICE == UINT64_C(18014398509483847),
	       "PAGE_S2_DEVICE of the specification");
_Static_assert(S2_RDWR == 192, "S2_RDWR of the specification");
_Static_assert(PAGE_GUEST == UINT64_C(144115188075855872),
	       "PAGE_GUEST of the specification");

#endif /* COREVISOR_CORE_SPEC_CONSTANTS_H */
