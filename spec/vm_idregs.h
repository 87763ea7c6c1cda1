/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Not in the Coq: what a VM reads from the ID registers. Source: G59,
 * docs/hypercalls.rst ("Exits"), Arm ARM D19.2. */
#ifndef HYPSEC_SPEC_VM_IDREGS_H
#define HYPSEC_SPEC_VM_IDREGS_H

#include "spec/rdata.h"

/* The number of op0 3, op1 0, CRn 0 and these in adt->board.id. */
#define ID_REG(crm, op2)	((crm) * 8 + (op2))

/* What a VM may see of @value, the CPU's register. */
uint64_t shown_id_register(uint32_t id, uint64_t value);

#endif /* HYPSEC_SPEC_VM_IDREGS_H */
