/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host may do to a VM's memory as a whole. Layer: MemHandler.
 */
#ifndef COREVISOR_CORE_MEM_HANDLER_H
#define COREVISOR_CORE_MEM_HANDLER_H

#include "core/types.h"

enum hv_status WARN_UNUSED clear_vm_stage2_range(uint32_t vmid, uint64_t start,
						 uint64_t size);
enum hv_status WARN_UNUSED kvm_phys_addr_ioremap(uint32_t vmid, uint64_t gpa,
						 uint64_t pa, uint64_t size);
enum hv_status WARN_UNUSED destroy_vm(uint32_t vmid);

/**
 * mem_handler_scrub_all() - erase every VM before the machine goes
 *
 * All VMs are powered off and lose their tables; every page of theirs is
 * zeroed, in memory too, and stays theirs. Takes as long as RAM is large.
 * Locks: takes smmu, vm[vmid], s2page, pt and spt; caller holds none
 */
void mem_handler_scrub_all(void);

#endif /* COREVISOR_CORE_MEM_HANDLER_H */
