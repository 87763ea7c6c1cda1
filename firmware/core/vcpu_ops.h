/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to a vCPU's registers between it and the host. Layer: VCPUOps.
 */
#ifndef COREVISOR_CORE_VCPU_OPS_H
#define COREVISOR_CORE_VCPU_OPS_H

#include "core/types.h"

void save_shadow_kvm_regs(void);
enum hv_status WARN_UNUSED restore_shadow_kvm_regs(void);

#endif /* COREVISOR_CORE_VCPU_OPS_H */
