/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VCPUOpsSpec.v. Source: S1. */
#ifndef HYPSEC_SPEC_VCPU_OPS_H
#define HYPSEC_SPEC_VCPU_OPS_H

#include "spec/rdata.h"

/* The high forms, on the state itself; the low forms, by primitives (0). */
enum option save_shadow_kvm_regs_spec(struct rdata *adt);
enum option restore_shadow_kvm_regs_spec(struct rdata *adt);
enum option save_shadow_kvm_regs_spec0(struct rdata *adt);
enum option restore_shadow_kvm_regs_spec0(struct rdata *adt);

#endif /* HYPSEC_SPEC_VCPU_OPS_H */
