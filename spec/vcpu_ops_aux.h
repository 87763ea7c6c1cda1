/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VCPUOpsAux.v. Source: facts B.5, C.5, C.6. */
#ifndef HYPSEC_SPEC_VCPU_OPS_AUX_H
#define HYPSEC_SPEC_VCPU_OPS_AUX_H

#include "spec/rdata.h"

/* What the functions of S1 have in common, on contexts alone. */
uint64_t exception_vector(uint64_t pstate, const struct ctxt_regs *cregs);
uint64_t exception_pstate(uint64_t pstate, const struct ctxt_regs *cregs,
			  const struct rdata *adt);
uint64_t exception_esr(uint64_t dirty, uint64_t esr_el2, uint64_t pstate);
void skip_instruction(uint64_t esr, struct ctxt_states *cstates);
uint64_t mmio_store_value(uint64_t value, uint64_t esr);
uint64_t mmio_load_value(uint64_t value, uint64_t esr);
bool is_mmio_load(uint64_t esr);
void reset_sys_regs_loop(uint32_t n, uint32_t index, uint32_t vmid,
			 uint32_t vcpuid, struct ctxt_regs *cregs,
			 struct ctxt_states *cstates,
			 const struct rdata *adt);

/* How many of x1 to x3 a call shows to the host. */
uint32_t call_arguments(uint64_t psci_fn);
uint64_t call_argument(uint64_t value, uint32_t reg, uint64_t psci_fn);

/* What the host may know of a syndrome. */
uint64_t shown_esr(uint64_t esr, bool mmio);

/* When the VM's virtual timer wants to fire, as a physical count. */
uint64_t timer_deadline(const struct ctxt_regs *cregs, uint64_t cntvoff);
uint64_t wfx_deadline(const struct ctxt_regs *cregs, uint64_t cntvoff);

enum option get_shadow_dirty_bit_spec(uint32_t vmid, uint32_t vcpuid,
				      const struct rdata *adt,
				      uint64_t *dirty);
enum option set_shadow_dirty_bit_spec(uint32_t vmid, uint32_t vcpuid,
				      uint64_t dirty, struct rdata *adt);
enum option get_shadow_esr_spec(uint32_t vmid, uint32_t vcpuid,
				const struct rdata *adt, uint64_t *esr);
enum option clear_shadow_gp_regs_spec(uint32_t vmid, uint32_t vcpuid,
				      struct rdata *adt);
enum option reset_fp_regs_spec(uint32_t vmid, uint32_t vcpuid,
			       struct rdata *adt);
enum option get_exception_vector_spec(uint64_t pstate,
				      const struct rdata *adt,
				      uint64_t *vector);
enum option get_sys_reg_desc_val_spec(uint32_t index,
				      const struct rdata *adt,
				      uint64_t *value);
enum option read_actlr_el1_spec(const struct rdata *adt, uint64_t *value);

enum option reset_gp_regs_spec(uint32_t vmid, uint32_t vcpuid,
			       struct rdata *adt);
enum option reset_sys_regs_spec(uint32_t vmid, uint32_t vcpuid,
				struct rdata *adt);
enum option sync_dirty_to_shadow_spec(uint32_t vmid, uint32_t vcpuid,
				      struct rdata *adt);
enum option prep_wfx_spec(uint32_t vmid, uint32_t vcpuid,
			  struct rdata *adt);
enum option prep_hvc_spec(uint32_t vmid, uint32_t vcpuid,
			  struct rdata *adt);
enum option prep_abort_spec(uint32_t vmid, uint32_t vcpuid,
			    struct rdata *adt);
enum option skip_instruction_steps(uint32_t vmid, uint32_t vcpuid,
				  struct rdata *adt);
enum option prep_sys64_spec(uint32_t vmid, uint32_t vcpuid,
			    struct rdata *adt);
enum option update_exception_gp_regs_spec(uint32_t vmid, uint32_t vcpuid,
					  struct rdata *adt);
enum option post_handle_shadow_s2pt_fault_spec(uint32_t vmid,
					       uint32_t vcpuid,
					       uint64_t addr,
					       struct rdata *adt);

#endif /* HYPSEC_SPEC_VCPU_OPS_AUX_H */
