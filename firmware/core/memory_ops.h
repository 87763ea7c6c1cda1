/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranges of a VM's memory. Layer: MemoryOps.
 */
#ifndef COREVISOR_CORE_MEMORY_OPS_H
#define COREVISOR_CORE_MEMORY_OPS_H

#include "core/types.h"

/* Pages that one call works on at most. */
#define MAX_PAGES_PER_CALL	512u

enum hv_status WARN_UNUSED prot_and_map_vm_s2pt(uint32_t vmid, uint64_t addr,
						uint64_t pte, uint32_t level);
enum hv_status WARN_UNUSED grant_stage2_sg_gpa(uint32_t vmid, uint64_t addr,
					       uint64_t size);
enum hv_status WARN_UNUSED revoke_stage2_sg_gpa(uint32_t vmid, uint64_t addr,
						uint64_t size);

/**
 * memory_ops_round() - a range that a VM names, in whole pages
 * @addr:  IPA in bytes
 * @size:  bytes; 0 is nothing at all, wherever
 * @start: first page
 * @end:   behind the last page; @start if there is none
 *
 * Returns: HV_EINVAL if it goes beyond 2^40 or has more than
 * MAX_PAGES_PER_CALL pages
 */
enum hv_status WARN_UNUSED memory_ops_round(uint64_t addr, uint64_t size,
					    ipa_t *start, ipa_t *end);

/**
 * memory_ops_pfn_at() - the page or device page that a VM maps
 * @vmid: the VM
 * @addr: IPA in bytes
 *
 * Returns: its frame; INVALID64 if nothing is mapped there
 * Locks:   caller holds s2page
 */
pfn_t memory_ops_pfn_at(vmid_t vmid, ipa_t addr);

#endif /* COREVISOR_CORE_MEMORY_OPS_H */
