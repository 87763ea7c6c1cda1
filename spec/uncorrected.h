/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the Coq and the C say where spec/ says otherwise, for the tests that
 * pin the difference (tests/property/defects-test.c).
 *
 * Suffix _coq: the Coq (column Q). _qtop: its topmost layer, where that differs
 * from the layers below. _c: the C. Source: S2 and facts sections A.9,
 * B, D.1, F and G.
 */
#ifndef HYPSEC_SPEC_UNCORRECTED_H
#define HYPSEC_SPEC_UNCORRECTED_H

#include "spec/rdata.h"

/* A.1, A.2, A.8 */
#define S2_PFN_SIZE_C		UINT64_C(16777216)		/* 2^24 */
#define MAX_VM_NUM_C		33u
#define PAGE_HYP		UINT64_C(18014398509483859)
#define PTE_XN			UINT64_C(18014398509481984)	/* bit 54 */

/* --- uncorrected.c -------------------------------------------------------- */

enum option local_mmap_coq(uint32_t vmid, uint64_t addr, uint32_t level,
			   uint64_t pte, struct rdata *adt);
enum option map_page_host_coq(uint64_t addr, struct rdata *adt);
enum option assign_pfn_to_vm_coq(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				 struct rdata *adt);
enum option assign_pfn_to_vm_qtop(uint32_t vmid, uint64_t gfn, uint64_t pfn,
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
enum option grant_stage2_sg_gpa_qtop(uint32_t vmid, uint64_t addr,
				     uint64_t size, struct rdata *adt);
enum option revoke_stage2_sg_gpa_coq(uint32_t vmid, uint64_t addr,
				     uint64_t size, struct rdata *adt);
enum option clear_vm_stage2_range_coq(uint32_t vmid, uint64_t start,
				      uint64_t size, struct rdata *adt);
enum option clear_vm_stage2_range_c(uint32_t vmid, uint64_t size,
				    struct rdata *adt);
uint64_t get_s2_page_index_c(uint64_t addr, const struct pa_window *nomap,
			     const struct rdata *adt);
uint32_t get_level_s2pt_coq(uint32_t vmid, uint64_t addr,
			    const struct rdata *adt);

/* --- uncorrected_calls.c -------------------------------------------------- */

enum option host_skip_instr_coq(struct rdata *adt);
enum option handle_host_stage2_fault_coq(struct rdata *adt);
enum option core_handle_pvops_coq(struct rdata *adt, uint32_t *res);

enum option kvm_phys_addr_ioremap_coq(uint32_t vmid, uint64_t gpa,
				      uint64_t pa, uint64_t size,
				      struct rdata *adt);
enum option kvm_phys_addr_ioremap_c(uint32_t vmid, uint64_t gpa, uint64_t pa,
				    uint64_t size, struct rdata *adt);

/* *@next_vmid: the state's next_vmid, 1 at first, which spec/ does not have. */
enum option register_kvm_coq(uint32_t *next_vmid, struct rdata *adt,
			     uint32_t *vmid);
enum option register_kvm_c(uint32_t *next_vmid, struct rdata *adt,
			   uint32_t *vmid);

enum option set_boot_info_coq(uint32_t vmid, uint64_t load_addr,
			      uint64_t size, struct rdata *adt,
			      uint32_t *load_idx);
enum option set_boot_info_qtop(uint64_t arg1, uint64_t load_addr,
			       uint64_t size, struct rdata *adt,
			       uint32_t *load_idx);
enum option set_boot_info_c(uint64_t arg1, uint64_t load_addr, uint64_t size,
			    struct rdata *adt, uint32_t *load_idx);
uint64_t load_pages_c(uint64_t size);

/* The part of EL2's own table that images are seen in, which spec/ has not. */
#define REMAP_WINDOW_PAGES	8
struct remap_window {
	uint32_t pages;
	uint64_t pte[REMAP_WINDOW_PAGES];
};

/*
 * Where the window goes on: *@next is what is stored, 0 at first. The result is
 * the address of @pages pages of it.
 */
#define EL2_REMAP_START_C	UINT64_C(0x100000000)
#define EL2_REMAP_END_C		UINT64_C(0x50000000000)
uint64_t alloc_remap_addr_c(uint64_t *next, uint64_t pages);

enum option remap_vm_image_coq(uint32_t vmid, uint64_t pfn, uint64_t load_idx,
			       struct rdata *adt, struct remap_window *window);
enum option remap_vm_image_qtop(uint32_t vmid, uint64_t pfn, uint64_t load_idx,
				struct rdata *adt,
				struct remap_window *window);
enum option remap_vm_image_c(uint32_t vmid, uint64_t pfn, uint64_t load_idx,
			     struct rdata *adt, struct remap_window *window);

#endif /* HYPSEC_SPEC_UNCORRECTED_H */
