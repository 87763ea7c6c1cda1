/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AbstractMachine.v, the intermediate state. Source: facts B.6. */
#ifndef HYPSEC_SPEC_INT_STATE_H
#define HYPSEC_SPEC_INT_STATE_H

#include "spec/rdata.h"

enum option get_int_gpr_spec(uint32_t vmid, uint32_t vcpuid, uint32_t reg,
			     const struct rdata *adt, uint64_t *value);
enum option set_int_gpr_spec(uint32_t vmid, uint32_t vcpuid, uint32_t reg,
			     uint64_t value, struct rdata *adt);
enum option get_int_new_pte_spec(uint32_t vmid, uint32_t vcpuid,
				 const struct rdata *adt, uint64_t *pte);
enum option get_int_new_level_spec(uint32_t vmid, uint32_t vcpuid,
				   const struct rdata *adt, uint64_t *level);
enum option get_int_run_vcpuid_spec(uint32_t vmid, const struct rdata *adt,
				    uint64_t *vcpuid);
enum option get_vm_fault_addr_spec(uint32_t vmid, uint32_t vcpuid,
				   const struct rdata *adt, uint64_t *addr);

/* Not in the Coq: whether the host says that nothing is there. */
enum option get_int_abort(uint32_t vmid, uint32_t vcpuid,
			  const struct rdata *adt, bool *abort);

/* Not in the Coq: the fields that tell the host of an exit; nothing in them. */
enum option clear_int_state(uint32_t vmid, uint32_t vcpuid,
			    struct rdata *adt);
enum option set_int_exit(uint32_t vmid, uint32_t vcpuid, uint64_t esr,
			 uint64_t fault_ipa, uint64_t deadline,
			 struct rdata *adt);

#endif /* HYPSEC_SPEC_INT_STATE_H */
