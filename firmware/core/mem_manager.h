/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may happen to a page. Layer: MemManager.
 */
#ifndef COREVISOR_CORE_MEM_MANAGER_H
#define COREVISOR_CORE_MEM_MANAGER_H

#include "core/types.h"

enum hv_status WARN_UNUSED map_page_host(uint64_t addr);
enum hv_status WARN_UNUSED assign_pfn_to_vm(uint32_t vmid, uint64_t gfn,
					    uint64_t pfn);
enum hv_status WARN_UNUSED map_pfn_vm(uint32_t vmid, uint64_t addr,
				      uint64_t pte, uint32_t level);
enum hv_status WARN_UNUSED map_vm_io(uint32_t vmid, uint64_t gpa, uint64_t pa);
enum hv_status WARN_UNUSED grant_vm_page(uint32_t vmid, uint64_t pfn);
enum hv_status WARN_UNUSED revoke_vm_page(uint32_t vmid, uint64_t pfn);
void clear_vm_page(uint32_t vmid, uint64_t pfn);
enum hv_status WARN_UNUSED assign_pfn_to_smmu(uint32_t vmid, uint64_t gfn,
					      uint64_t pfn);
enum hv_status WARN_UNUSED update_smmu_page(uint32_t vmid, uint32_t cbndx,
					    uint32_t index, uint64_t iova,
					    uint64_t pte);
void unmap_smmu_page(uint32_t cbndx, uint32_t index, uint64_t iova);

/*
 * Helpers of the layers above, not specified.
 * Locks: caller holds s2page, but for mem_vm_leaf()
 */

/* The descriptor that map_pfn_vm() writes. */
uint64_t mem_vm_leaf(uint64_t pte, uint32_t level);

/* Whether a page is the host's alone: RAM that no device of it uses. */
bool mem_is_host_page(pfn_t pfn);

/*
 * Whether the host, or a VM that it gives the page to, may have a page of a
 * device; @pa page aligned. A DMA master is its owner's alone.
 */
bool mem_is_device_for(vmid_t vmid, paddr_t pa);

/*
 * HV_EPERM if a bank of a VM's has another page than @pfn at a guest frame: its
 * devices see what it sees. Locks: caller holds vm[vmid] too
 */
enum hv_status WARN_UNUSED mem_banks_agree(vmid_t vmid, gfn_t gfn, pfn_t pfn);

/* What assign_pfn_to_smmu() and update_smmu_page() together would answer. */
enum hv_status WARN_UNUSED mem_can_map_smmu(vmid_t vmid, uint64_t iova,
					    pfn_t pfn);

/* A leaf is in a bank no more: a host's page is counted once less. */
void mem_put_smmu_page(uint64_t pte);

/*
 * What assign_pfn_to_vm(), grant_vm_page() and revoke_vm_page() would answer,
 * for callers that check many pages before they change one.
 */
enum hv_status WARN_UNUSED mem_can_assign(vmid_t vmid, gfn_t gfn, pfn_t pfn);
enum hv_status WARN_UNUSED mem_can_grant(vmid_t vmid, pfn_t pfn);
enum hv_status WARN_UNUSED mem_can_revoke(vmid_t vmid, pfn_t pfn);

#endif /* COREVISOR_CORE_MEM_MANAGER_H */
