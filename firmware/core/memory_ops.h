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

#endif /* COREVISOR_CORE_MEMORY_OPS_H */
