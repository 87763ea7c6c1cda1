/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the Coq says where spec/ says otherwise, for the tests that pin the
 * difference (tests/property/defects-test.c). Suffix _coq. Source: seed 002
 * and facts sections A.9, F and G; the column "Q" where C and Q differ.
 */
#ifndef HYPSEC_SPEC_UNCORRECTED_H
#define HYPSEC_SPEC_UNCORRECTED_H

#include "spec/rdata.h"

enum option local_mmap_coq(uint32_t vmid, uint64_t addr, uint32_t level,
			   uint64_t pte, struct rdata *adt);
enum option map_page_host_coq(uint64_t addr, struct rdata *adt);
enum option assign_pfn_to_vm_coq(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				 struct rdata *adt);
enum option assign_pfn_to_vm_c(uint32_t vmid, uint64_t gfn, uint64_t pfn,
			       struct rdata *adt);
enum option prot_and_map_vm_s2pt_coq(uint32_t vmid, uint64_t addr,
				     uint64_t pte, uint32_t level,
				     struct rdata *adt);
enum option revoke_vm_page_coq(uint32_t vmid, uint64_t pfn,
			       struct rdata *adt);
enum option grant_stage2_sg_gpa_coq(uint32_t vmid, uint64_t addr,
				    uint64_t size, struct rdata *adt);
enum option clear_vm_stage2_range_coq(uint32_t vmid, uint64_t start,
				      uint64_t size, struct rdata *adt);
enum option kvm_phys_addr_ioremap_coq(uint32_t vmid, uint64_t gpa,
				      uint64_t pa, uint64_t size,
				      struct rdata *adt);
enum option handle_host_stage2_fault_coq(struct rdata *adt);
enum option core_handle_pvops_coq(struct rdata *adt, uint32_t *res);
enum option host_skip_instr_coq(struct rdata *adt);

#endif /* HYPSEC_SPEC_UNCORRECTED_H */
