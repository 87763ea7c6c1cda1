/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The banks of the SMMUs, which the host manages by hypercalls. Layer: MmioOps.
 *
 * A bank is free, the host's or a VM's. What it maps is its owner's memory:
 * for the host every page at its own address, for a VM at the frame at which
 * the VM has it.
 */
#ifndef COREVISOR_CORE_SMMU_OPS_H
#define COREVISOR_CORE_SMMU_OPS_H

#include "core/types.h"

enum hv_status WARN_UNUSED el2_free_smmu_pgd(uint32_t cbndx, uint32_t index);
enum hv_status WARN_UNUSED el2_alloc_smmu_pgd(uint32_t cbndx, uint32_t vmid,
					      uint32_t index);
enum hv_status WARN_UNUSED smmu_assign_page(uint32_t cbndx, uint32_t index,
					    uint64_t pfn, uint64_t gfn);
enum hv_status WARN_UNUSED smmu_map_page(uint32_t cbndx, uint32_t index,
					 uint64_t iova, uint64_t pte);
enum hv_status WARN_UNUSED el2_arm_lpae_map(uint64_t iova, uint64_t paddr,
					    uint64_t prot, uint32_t cbndx,
					    uint32_t index);
enum hv_status WARN_UNUSED el2_arm_lpae_iova_to_phys(uint64_t iova,
						     uint32_t cbndx,
						     uint32_t index,
						     uint64_t *pa);
enum hv_status WARN_UNUSED el2_arm_lpae_clear(uint64_t iova, uint32_t cbndx,
					      uint32_t index);

/*
 * HV_ENOTSUP without an SMMU; HV_EINVAL unless there is such an SMMU and it
 * has such a bank. Locks: none
 */
enum hv_status WARN_UNUSED smmu_ops_check(uint32_t cbndx, uint32_t index);

/**
 * smmu_ops_bank_owner() - who has a bank, for a call that uses it
 * @cbndx: the bank
 * @index: its SMMU
 * @owner: HOSTVISOR or a VM
 *
 * Locks:   caller holds smmu
 * Returns: HV_OK; HV_EPERM for EL2's bank and free ones; HV_EBUSY for one
 *	    that is being freed
 */
enum hv_status WARN_UNUSED smmu_ops_bank_owner(uint32_t cbndx, uint32_t index,
					       vmid_t *owner);

/* A VM's banks map nothing from now on. Locks: smmu, vm[vmid]; takes s2page. */
void smmu_ops_clear_vm(vmid_t vmid);

/*
 * They are free, and what they named is forgotten. As smmu_ops_clear_vm(),
 * which was called before.
 */
void smmu_ops_free_vm(vmid_t vmid);

/* No bank is being freed (tests). Locks: none; no other CPU runs. */
void smmu_ops_reset(void);

#endif /* COREVISOR_CORE_SMMU_OPS_H */
