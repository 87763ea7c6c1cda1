/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMPower.v, and what EL2 itself does for PSCI. Source: facts B.4, D.3, G41. */
#ifndef HYPSEC_SPEC_VM_POWER_H
#define HYPSEC_SPEC_VM_POWER_H

#include "spec/rdata.h"

enum option set_vm_poweroff_spec(uint32_t vmid, struct rdata *adt);
enum option get_vm_poweron_spec(uint32_t vmid, struct rdata *adt,
				uint32_t *on);

/* A call of a VM that the host answers: what it means to EL2. */
enum option psci_effect(uint32_t vmid, uint32_t vcpuid, uint64_t psci_fn,
			   struct rdata *adt);

#endif /* HYPSEC_SPEC_VM_POWER_H */
