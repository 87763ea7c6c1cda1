/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MemHandler.v. Source: facts F.4, F.10, B.14; D.1 calls 9, 28, 32. */
#ifndef HYPSEC_SPEC_MEM_HANDLER_H
#define HYPSEC_SPEC_MEM_HANDLER_H

#include "spec/rdata.h"

enum option clear_vm_stage2_range_spec(uint32_t vmid, uint64_t start,
				       uint64_t size, struct rdata *adt);
enum option kvm_phys_addr_ioremap_spec(uint32_t vmid, uint64_t gpa,
				       uint64_t pa, uint64_t size,
				       struct rdata *adt);
enum option destroy_vm_spec(uint32_t vmid, struct rdata *adt);

#endif /* HYPSEC_SPEC_MEM_HANDLER_H */
