/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S1 as it is, and what the Coq and the C say of vCPUs where spec/ says
 * otherwise. Suffix _coq: the seed's high form, or a definition of column Q;
 * _coq0: the seed's low form; _qtop: the topmost layer; _c: the C. Source: S1,
 * facts B.4 to B.7, C and G. For tests alone.
 */
#ifndef HYPSEC_SPEC_UNCORRECTED_VCPU_H
#define HYPSEC_SPEC_UNCORRECTED_VCPU_H

#include "spec/rdata.h"

/* --- S1 ------------------------------------------------------------------- */

enum option save_shadow_kvm_regs_coq(struct rdata *adt);
enum option save_shadow_kvm_regs_coq0(struct rdata *adt);
enum option restore_shadow_kvm_regs_coq(struct rdata *adt);
enum option restore_shadow_kvm_regs_coq0(struct rdata *adt);

/*
 * doracle vmid n, core_doracle vmid n: a value out of adt->doracle and
 * adt->core_doracle that depends on both; the seed reads it by number, and a
 * number may be read twice.
 */
uint64_t doracle_coq(uint32_t vmid, uint64_t n, const struct rdata *adt);
uint64_t core_doracle_coq(uint32_t vmid, uint64_t n, const struct rdata *adt);

/* reg_desc and exception_vector, of which the Coq says nothing. */
uint64_t reg_desc_coq(uint32_t index);
uint64_t exception_vector_coq(uint64_t pstate);

/* What prep_hvc and prep_abort have shown to the host, newest last. */
#define MAX_DISCLOSED	8
struct disclosed {
	uint32_t nr;
	struct {
		uint32_t reg;
		uint64_t value;
	} at[MAX_DISCLOSED];
};
extern struct disclosed disclosed_coq;

/* --- S0, and single definitions ------------------------------------------- */

enum option save_vm_coq(struct rdata *adt);
enum option restore_vm_coq(struct rdata *adt);
enum option core_to_vm_coq(struct rdata *adt);
enum option set_vcpu_active_coq(uint32_t vmid, uint32_t vcpuid,
				struct rdata *adt);
enum option vm_exit_dispatcher_coq(struct rdata *adt, uint32_t *res);
enum option vm_exit_handler_coq(uint64_t ec, struct rdata *adt,
				uint32_t *res);
void core_handle_sys64_c(struct shadow_ctxt *ctxt);
enum option timer_set_cntvoff_c(uint64_t low, uint64_t high,
				struct rdata *adt);
enum option activate_traps_c(struct rdata *adt);
void set_vm_inc_exe_coq(uint32_t vmid, uint32_t inc_exe, struct rdata *adt);
enum option register_vcpu_c(uint32_t vmid, uint32_t vcpuid,
			    struct rdata *adt);
enum option verify_and_load_images_c(uint32_t vmid, struct rdata *adt);
enum option save_shadow_kvm_regs_c(struct rdata *adt);
enum option restore_shadow_kvm_regs_c(struct rdata *adt);
/* The VMID field of VTTBR_EL2 (G43). */
uint64_t vmid_field_c(uint32_t vmid);
/* What the host finds in x0 after a refusal (G13). */
uint64_t run_vcpu_refused_c(void);
/* Where the C looks for the host's registers: in the window (G8). */
uint64_t host_context_c(const struct int_vcpu *window);
void reset_fp_regs_c(struct shadow_ctxt *ctxt, const struct fp_regs *hosts);
void clear_shadow_gp_regs_c(struct shadow_ctxt *ctxt);
enum option exit_populate_fault_c(struct rdata *adt);

#endif /* HYPSEC_SPEC_UNCORRECTED_VCPU_H */
