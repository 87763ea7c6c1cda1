/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MemoryOps.v. Source: facts F.3, F.5, F.10, B.14. */
#ifndef HYPSEC_SPEC_MEMORY_OPS_H
#define HYPSEC_SPEC_MEMORY_OPS_H

#include "spec/rdata.h"

enum option prot_and_map_vm_s2pt_spec(uint32_t vmid, uint64_t addr,
				      uint64_t pte, uint32_t level,
				      struct rdata *adt);
enum option grant_stage2_sg_gpa_spec(uint32_t vmid, uint64_t addr,
				     uint64_t size, struct rdata *adt);
enum option revoke_stage2_sg_gpa_spec(uint32_t vmid, uint64_t addr,
				      uint64_t size, struct rdata *adt);
enum option map_vm_io_spec(uint32_t vmid, uint64_t gpa, uint64_t pa,
			   struct rdata *adt);

/*
 * clear_vm_range: the loop of clear_vm_page from *@addr to @end.
 * Corrected, G37: 512 pages at most; *@addr is where it goes on, and AGAIN
 * says that there is RAM of the range that it has not come to.
 */
enum option clear_vm_range_spec(uint32_t vmid, uint64_t *addr, uint64_t end,
				struct rdata *adt);

#endif /* HYPSEC_SPEC_MEMORY_OPS_H */
