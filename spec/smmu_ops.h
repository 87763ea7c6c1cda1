/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BootOps.v and MmioOps.v, context banks. Source: facts B.11, D.1, F.6 to F.8.
 */
#ifndef HYPSEC_SPEC_SMMU_OPS_H
#define HYPSEC_SPEC_SMMU_OPS_H

#include "spec/rdata.h"

/* With smmu. */
enum option alloc_smmu_spec(uint32_t vmid, uint32_t cbndx, uint32_t index,
			    struct rdata *adt);
enum option assign_smmu_spec(uint32_t vmid, uint64_t pfn, uint64_t gfn,
			     struct rdata *adt);
enum option map_smmu_spec(uint32_t vmid, uint32_t cbndx, uint32_t index,
			  uint64_t iova, uint64_t pte, struct rdata *adt);
enum option clear_smmu_spec(uint32_t vmid, uint32_t cbndx, uint32_t index,
			    uint64_t iova, struct rdata *adt);

/* The calls; arguments as the host gave them. */
enum option el2_free_smmu_pgd_spec(uint64_t cbndx, uint64_t index,
				   struct rdata *adt);
enum option el2_alloc_smmu_pgd_spec(uint64_t cbndx, uint64_t vmid,
				    uint64_t index, struct rdata *adt);
enum option el2_arm_lpae_map_spec(uint64_t iova, uint64_t paddr,
				  uint64_t prot, uint64_t cbndx,
				  uint64_t index, struct rdata *adt);
enum option el2_arm_lpae_iova_to_phys_spec(uint64_t iova, uint64_t cbndx,
					   uint64_t index, struct rdata *adt,
					   uint64_t *paddr);
enum option el2_arm_lpae_clear_spec(uint64_t iova, uint64_t cbndx,
				    uint64_t index, struct rdata *adt);

/* The banks of a VM that is no more; with smmu and vm. */
enum option smmu_forget_vm(uint32_t vmid, struct rdata *adt);

#endif /* HYPSEC_SPEC_SMMU_OPS_H */
