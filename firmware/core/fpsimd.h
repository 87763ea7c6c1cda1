/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FP and SIMD registers of the current world. Layer: AbstractMachine.
 *
 * They stay the host's in the CPU until a VM touches them: its first use traps,
 * and only then are they exchanged. At the VM's exit they are exchanged back,
 * so that no VM's values stay in a CPU. A host's SVE registers, at whatever
 * vector length and in streaming mode as well, are kept whole; VMs have none.
 * ZA and ZT0 stay in the CPU, where a VM cannot reach them.
 */
#ifndef COREVISOR_CORE_FPSIMD_H
#define COREVISOR_CORE_FPSIMD_H

#include "core/types.h"

void fpsimd_save_state(void);
void fpsimd_restore_state(void);

/**
 * fpsimd_vm_trap() - a VM's first use of FP or SIMD since its entry
 *
 * Keeps the host's registers, loads the VM's and lets it use them.
 *
 * Returns: true, the VM resumes at the same instruction; false if the registers
 *	    are the VM's already, so that the instruction is one it may not use
 */
bool fpsimd_vm_trap(void);

#endif /* COREVISOR_CORE_FPSIMD_H */
