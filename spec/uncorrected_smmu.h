/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the Coq and the C say of SMMUs where spec/ says otherwise; suffixes as
 * in uncorrected.h. Source: facts A.12, B.11, D.1, F.6 to F.9 and G.e.
 */
#ifndef HYPSEC_SPEC_UNCORRECTED_SMMU_H
#define HYPSEC_SPEC_UNCORRECTED_SMMU_H

#include "spec/rdata.h"

/* --- Registers ------------------------------------------------------------ */

/* 0: denied, 1: passes, 2: EL2's root instead. */
enum option handle_smmu_global_access_coq(uint64_t data, uint64_t offset,
					  uint32_t index,
					  const struct rdata *adt,
					  uint32_t *res);
uint32_t handle_smmu_cb_access_coq(uint64_t offset);

/* Which owner the C finds for a bank number that may be anything. */
uint32_t smmu_cfg_vmid_c(uint64_t cbndx, uint32_t index,
			 const struct rdata *adt);

/* What the SMMU sees is adt->mmio. */
enum option emulate_mmio_coq(uint64_t addr, uint64_t esr, struct rdata *adt,
			     uint32_t *ret);
enum option emulate_mmio_c(uint64_t addr, uint64_t esr, struct rdata *adt,
			   uint32_t *ret);

/* --- Tables --------------------------------------------------------------- */

/*
 * The SMMU's TLB, which the Coq has not and the C leaves alone: a device that
 * has reached a page goes on reaching it.
 */
#define IOTLB_ENTRIES	8
struct iotlb {
	uint32_t nr;
	struct {
		uint32_t index;
		uint32_t cbndx;
		uint64_t gfn;
		uint64_t pfn;
	} entry[IOTLB_ENTRIES];
};
bool dev_translates_coq(uint64_t iova, uint32_t cbndx, uint32_t index,
			struct iotlb *tlb, const struct rdata *adt,
			uint64_t *pfn);

enum option assign_pfn_to_smmu_coq(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				   struct rdata *adt);
enum option assign_pfn_to_smmu_c(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				 struct rdata *adt);
enum option update_smmu_page_coq(uint32_t vmid, uint32_t cbndx,
				 uint32_t index, uint64_t iova, uint64_t pte,
				 struct rdata *adt);
enum option update_smmu_page_c(uint32_t vmid, uint32_t cbndx, uint32_t index,
			       uint64_t iova, uint64_t pte,
			       struct rdata *adt);
enum option unmap_smmu_page_coq(uint32_t cbndx, uint32_t index,
				uint64_t iova, struct rdata *adt);

/* --- Calls ---------------------------------------------------------------- */

enum option el2_alloc_smmu_pgd_coq(uint32_t cbndx, uint32_t vmid,
				   uint32_t index, struct rdata *adt);
enum option el2_alloc_smmu_pgd_c(uint32_t cbndx, uint32_t vmid,
				 uint32_t index, struct rdata *adt);
enum option el2_free_smmu_pgd_coq(uint32_t cbndx, uint32_t index,
				  struct rdata *adt);

/* smmu_assign_page, smmu_map_page. */
enum option smmu_lpae_map_coq(uint64_t iova, uint64_t paddr, uint64_t prot,
			      uint32_t cbndx, uint32_t index,
			      struct rdata *adt);
enum option smmu_lpae_map_c(uint64_t iova, uint64_t paddr, uint64_t prot,
			    uint32_t cbndx, uint32_t index,
			    struct rdata *adt);

#endif /* HYPSEC_SPEC_UNCORRECTED_SMMU_H */
