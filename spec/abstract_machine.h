/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AbstractMachine.v: registers, VM table, memory contents. Source: facts B.4,
 * B.5, B.7, B.10, B.13, B.15; S3 names them all.
 */
#ifndef HYPSEC_SPEC_ABSTRACT_MACHINE_H
#define HYPSEC_SPEC_ABSTRACT_MACHINE_H

#include "spec/rdata.h"

/* B.15 */
enum option check_spec(uint32_t n, const struct rdata *adt, uint32_t *ret);
enum option check64_spec(uint64_t n, const struct rdata *adt, uint64_t *ret);
enum option panic_spec(struct rdata *adt);

/* B.7, B.5 */
enum option get_cur_vmid_spec(const struct rdata *adt, uint32_t *vmid);
enum option get_cur_vcpuid_spec(const struct rdata *adt, uint32_t *vcpuid);
enum option set_per_cpu_spec(uint32_t vmid, uint32_t vcpuid,
			     struct rdata *adt);
enum option get_shadow_ctxt_spec(uint32_t vmid, uint32_t vcpuid,
				 uint32_t index, const struct rdata *adt,
				 uint64_t *value);
enum option set_shadow_ctxt_spec(uint32_t vmid, uint32_t vcpuid,
				 uint32_t index, uint64_t value,
				 struct rdata *adt);
enum option read_hpfar_el2_spec(const struct rdata *adt, uint64_t *value);
enum option read_esr_el2_spec(const struct rdata *adt, uint64_t *value);

/* B.4 */
enum option get_vm_state_spec(uint32_t vmid, const struct rdata *adt,
			      uint32_t *state);
enum option set_vm_state_spec(uint32_t vmid, uint32_t state,
			      struct rdata *adt);
enum option get_vcpu_state_spec(uint32_t vmid, uint32_t vcpuid,
				const struct rdata *adt, uint32_t *state);
enum option set_vcpu_state_spec(uint32_t vmid, uint32_t vcpuid,
				uint32_t state, struct rdata *adt);
enum option get_vm_next_load_idx_spec(uint32_t vmid, const struct rdata *adt,
				      uint32_t *load_idx);
enum option set_vm_next_load_idx_spec(uint32_t vmid, uint32_t load_idx,
				      struct rdata *adt);
enum option get_vm_load_addr_spec(uint32_t vmid, uint32_t load_idx,
				  const struct rdata *adt, uint64_t *addr);
enum option set_vm_load_addr_spec(uint32_t vmid, uint32_t load_idx,
				  uint64_t addr, struct rdata *adt);
enum option get_vm_load_size_spec(uint32_t vmid, uint32_t load_idx,
				  const struct rdata *adt, uint64_t *size);
enum option set_vm_load_size_spec(uint32_t vmid, uint32_t load_idx,
				  uint64_t size, struct rdata *adt);
enum option get_vm_mapped_pages_spec(uint32_t vmid, uint32_t load_idx,
				     const struct rdata *adt,
				     uint64_t *pages);
enum option set_vm_mapped_pages_spec(uint32_t vmid, uint32_t load_idx,
				     uint64_t pages, struct rdata *adt);
enum option get_vm_inc_exe_spec(uint32_t vmid, const struct rdata *adt,
				uint32_t *inc_exe);
enum option set_vm_inc_exe_spec(uint32_t vmid, uint32_t inc_exe,
				struct rdata *adt);
enum option get_next_vmid_spec(const struct rdata *adt, uint32_t *vmid);

/* B.10 */
enum option host_dabt_get_as_spec(uint64_t esr, uint32_t *bytes);
enum option host_dabt_is_write_spec(uint64_t esr, uint32_t *write);
enum option host_dabt_get_rd_spec(uint64_t esr, uint32_t *rd);
enum option host_get_fault_ipa_spec(uint64_t addr, const struct rdata *adt,
				    uint64_t *ipa);
enum option host_skip_instr_spec(struct rdata *adt);

/* B.6, B.13 */
enum option fetch_from_doracle_spec(uint32_t vmid, uint64_t pfn,
				    uint64_t pgnum, struct rdata *adt);
enum option clear_phys_page_spec(uint64_t pfn, struct rdata *adt);
enum option mem_load_ref_spec(uint64_t gfn, uint32_t reg, struct rdata *adt);
enum option mem_store_ref_spec(uint64_t gfn, uint32_t reg,
			       struct rdata *adt);

#endif /* HYPSEC_SPEC_ABSTRACT_MACHINE_H */
