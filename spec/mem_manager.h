/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MemManager.v. Source: facts F.1 to F.8, B.14. */
#ifndef HYPSEC_SPEC_MEM_MANAGER_H
#define HYPSEC_SPEC_MEM_MANAGER_H

#include "spec/rdata.h"

/* Is [pa, pa + bytes) in one of the host's device windows? */
bool is_host_device(uint64_t pa, uint64_t bytes, const struct rdata *adt);

enum option map_page_host_spec(uint64_t addr, struct rdata *adt);
enum option assign_pfn_to_vm_spec(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				  struct rdata *adt);
enum option map_pfn_vm_spec(uint32_t vmid, uint64_t addr, uint64_t pte,
			    uint32_t level, struct rdata *adt);
enum option grant_vm_page_spec(uint32_t vmid, uint64_t pfn,
			       struct rdata *adt);
enum option revoke_vm_page_spec(uint32_t vmid, uint64_t pfn,
				struct rdata *adt);
enum option clear_vm_page_spec(uint32_t vmid, uint64_t pfn,
			       struct rdata *adt);
enum option assign_pfn_to_smmu_spec(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				    struct rdata *adt);
enum option update_smmu_page_spec(uint32_t vmid, uint32_t cbndx,
				  uint32_t index, uint64_t iova, uint64_t pte,
				  struct rdata *adt);
enum option unmap_smmu_page_spec(uint32_t cbndx, uint32_t index,
				 uint64_t iova, struct rdata *adt);

#endif /* HYPSEC_SPEC_MEM_MANAGER_H */
