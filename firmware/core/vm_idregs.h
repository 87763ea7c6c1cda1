/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ID registers tell a VM. Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_VM_IDREGS_H
#define COREVISOR_CORE_VM_IDREGS_H

#include "core/types.h"

/* A system register's encoding as the syndrome of an MSR or MRS has it. */
#define SYS_REG(op0, op1, crn, crm, op2)				\
	((uint32_t)((op0) << 20 | (op2) << 17 | (op1) << 14 |		\
		    (crn) << 10 | (crm) << 1))

/**
 * vm_id_register() - read a register of the ID space as a VM
 * @reg: SYS_REG() of op0 3, op1 0, CRn 0, CRm 1 to 7
 *
 * Only features that a VM has: those that the world switch keeps apart, or
 * that need nothing of EL2. A register that is not known reads as zero, so
 * what a later CPU adds is hidden.
 */
uint64_t vm_id_register(uint32_t reg);

/* Whether VMs have a GICv3's CPU interface. */
bool vm_has_gicv3(void);

#endif /* COREVISOR_CORE_VM_IDREGS_H */
